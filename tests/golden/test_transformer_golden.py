"""Exact counts of an integer transformer, for ever, and on any processor: a change here breaks every file ever written."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xxhash
from tests.bytelm.random_transformers import random_model, random_symbols, reference_counts

from laconic.archive.stream import compress, decompress
from laconic.bytelm.base import CountFormat
from laconic.bytelm.registry import load_byte_lm
from laconic.errors import ModelMismatchError

FORM = CountFormat(precision=20, eos=False)
SHAPE = {"layers": 3, "width": 64, "heads": 4, "head": 16, "ffn": 80, "band": 24}
ROOT = Path(__file__).resolve().parent.parent.parent


def counts_and_steps() -> tuple[np.ndarray, np.ndarray]:
    """The edges at each of 90 positions of three rows: at once, and step by step."""
    model, symbols_BT = random_model(11, **SHAPE), random_symbols(11, 3, 90)
    session, seen = model.start(3, FORM), []
    for symbols_B in symbols_BT.T:
        seen.append(session.cumulative().copy())
        session.append(symbols_B)
    return model.counts(symbols_BT, FORM), np.stack(seen, axis=1)


def digest() -> str:
    """One for both ways."""
    counts_BTC, steps_BTC = counts_and_steps()
    assert (counts_BTC == steps_BTC).all()
    return xxhash.xxh64_hexdigest(counts_BTC.astype("<u4").tobytes())


DIGEST = "21a68bbc6ba36f5c"
FIRST = [198, 5, 12, 3106, 6, 8, 2209, 4]
LAST = [68, 24, 11842, 93, 1003, 1714, 59, 319]

SHIPPED_TEXT = "The same counts on every machine: naïve, über, 東京, \x00\xff, and def f(x): return x".encode()
SHIPPED_FILES = {
    "transformer-1m": (
        "8c4c414301945484a3eaff00dbb9d56ef5542384ab7573264a408d06746e"
        "925c9939f9d5af1047221bea2c5d9878ce465fd41adbb4a91809776f75d0"
    ),
    "transformer-3m": (
        "8c4c414301947d323b2deb2818cb52daf5542284ab75730d1f410d5ea5acccf04ebe28324f0e1dc91561003bf2ae5d5be8e22eeed363939f8e7f7c"
    ),
}
FIRST_3M = bytes.fromhex(
    "8c4c4143019418a0478387b8d1cf5a08f5542384ab7573264a3eba00693a97234c264e3de63f4fa32cbc1601c2cb8e96bdbb58e7d8118fe36697f308"
)

PROCESSORS = {
    "AVX2": {"ONEDNN_MAX_CPU_ISA": "AVX2"},
    "AVX512 without VNNI": {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE"},
    "the least of torch": {"ATEN_CPU_CAPABILITY": "default"},
    "no oneDNN": {"WITHOUT_ONEDNN": "1"},
    "compiled for any processor": {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""},
    "two threads": {"OMP_NUM_THREADS": "2", "NUMBA_NUM_THREADS": "2"},
}


def test_some_counts() -> None:
    counts_BTC = np.diff(counts_and_steps()[0].astype(np.int64))
    assert counts_BTC[0, 0, :8].tolist() == FIRST
    assert counts_BTC[2, 89, :8].tolist() == LAST


def test_all_counts() -> None:
    assert digest() == DIGEST


CUT_SHAPE = {"blocks": [(4, 0), (0, 37), (1, 80), (0, 0), (3, 5)], "width": 64, "head": 16, "band": 24}
CUT_DIGEST, CUT_FINGERPRINT = "30b19a4d4a38a90d", "a0f78709d57f8a0f"
CUT_TEXT = bytes.fromhex("daf1027f6ebd420bc134e766be5f7ce42358fc5823ae3c83")
"""What such a model finds likely."""

CUT_FILE = "8c4c414301940f8a7fd50987f7a0c8f1f5180572aa3b961c1fec3783ef2c"


def test_a_transformer_whose_blocks_differ() -> None:
    model, symbols_BT = random_model(12, **CUT_SHAPE), random_symbols(12, 3, 90)
    assert f"{model.fingerprint:016x}" == CUT_FINGERPRINT
    counts_BTC = model.counts(symbols_BT, FORM)
    assert (counts_BTC == reference_counts(model, symbols_BT, FORM)).all()
    assert xxhash.xxh64_hexdigest(counts_BTC.astype("<u4").tobytes()) == CUT_DIGEST
    file = compress(CUT_TEXT, model)
    assert file.hex() == CUT_FILE
    assert decompress(file, model) == CUT_TEXT


def test_the_fingerprint() -> None:
    assert f"{random_model(11, **SHAPE).fingerprint:016x}" == "35fc9d59d29437b5"


@pytest.mark.parametrize("processor", PROCESSORS)
def test_other_processors(processor: str, tmp_path: Path) -> None:
    settings = PROCESSORS[processor]
    compiled = {"NUMBA_CACHE_DIR": str(tmp_path)} if "NUMBA_CPU_NAME" in settings else {}
    command = [sys.executable, "-m", "tests.golden.test_transformer_golden"]
    answer = subprocess.run(command, env=os.environ | settings | compiled, cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == DIGEST


if __name__ == "__main__":
    if "WITHOUT_ONEDNN" in os.environ:
        import torch

        torch.backends.mkldnn.set_flags(False)
    sys.stdout.write(digest())


@pytest.mark.parametrize("name", SHIPPED_FILES)
def test_a_file_of_a_shipped_transformer(name: str) -> None:
    """What a shipped model writes, it must read, on every machine and for ever."""
    file = bytes.fromhex(SHIPPED_FILES[name])
    assert compress(SHIPPED_TEXT, load_byte_lm(name)) == file
    assert decompress(file) == SHIPPED_TEXT


def test_a_file_of_the_first_3m_transformer_which_is_no_longer_in_the_package() -> None:
    with pytest.raises(ModelMismatchError, match="cfd1b8878347a018"):
        decompress(FIRST_3M)
    assert decompress(FIRST_3M, ROOT / "assets" / "transformer-3m-first.safetensors") == SHIPPED_TEXT
