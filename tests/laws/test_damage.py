"""Whatever happens to a file, or to the file of a model: the same text, or one of our errors."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.laws.tiny import tiny_file

from laconic.bytelm.files import ModelFile, write_model_file
from laconic.bytelm.registry import load_byte_lm
from laconic.errors import CorruptFileError, FormatVersionError, ModelMismatchError

ROOT = Path(__file__).resolve().parents[2]


def test_two_thousand_damaged_files_of_a_transformer_give_the_text_or_our_error() -> None:
    command = [sys.executable, "-m", "tests.laws.decode_damaged"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    outcomes = json.loads(done.stdout)
    assert sum(outcomes.values()) == 2000 and outcomes["other"] == 0
    assert outcomes["refused"] > 1500 and outcomes["same"] > 20


@pytest.fixture(scope="module")
def blob(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("tiny") / "tiny.safetensors"
    write_model_file(tiny_file(), path)
    return path.read_bytes()


def altered(blob: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.getbasetemp() / "altered.safetensors"
    path.write_bytes(blob)
    return path


@given(cut=st.floats(0, 1, exclude_max=True))
@settings(max_examples=100)
def test_a_truncated_transformer_is_refused(blob: bytes, tmp_path_factory: pytest.TempPathFactory, cut: float) -> None:
    with pytest.raises(CorruptFileError) as caught:
        load_byte_lm(altered(blob[: int(cut * len(blob))], tmp_path_factory))
    assert "\n" not in str(caught.value)


@given(data=st.data(), flips=st.integers(1, 3), headed=st.booleans())
@settings(max_examples=400)
def test_a_tampered_transformer_is_refused_or_says_the_same(
    blob: bytes, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, flips: int, headed: bool
) -> None:
    changed, header = bytearray(blob), 8 + int.from_bytes(blob[:8], "little")
    for _ in range(flips):
        place = data.draw(st.integers(0, header - 1) if headed else st.integers(header, len(blob) - 1))
        changed[place] ^= data.draw(st.integers(1, 255))
    try:
        found = load_byte_lm(altered(bytes(changed), tmp_path_factory))
    except (CorruptFileError, FormatVersionError) as error:
        assert "\n" not in str(error)
        return
    # Only what no content depends on may differ, such as one kind of blank in the header for another.
    assert headed or bytes(changed) == blob
    assert (found.fingerprint, found.description) == (tiny_file().fingerprint, tiny_file().description)


values = st.one_of(st.none(), st.booleans(), st.integers(-3, 5000), st.floats(), st.text(max_size=3), st.just([]))


@given(name=st.sampled_from([*tiny_file().config, "more"]), value=values)
@settings(max_examples=200)
def test_a_config_that_does_not_fit_is_refused_though_the_checksum_does(
    tmp_path_factory: pytest.TempPathFactory, name: str, value: Any
) -> None:
    file = tiny_file()
    path = tmp_path_factory.getbasetemp() / "config.safetensors"
    write_model_file(ModelFile(kind=file.kind, config={**file.config, name: value}, description="", tensors=file.tensors), path)
    if {**file.config, name: value} == file.config or name in ("residual_bits", "epsilon"):
        return
    with pytest.raises((CorruptFileError, ModelMismatchError)):
        load_byte_lm(path)


@pytest.mark.parametrize("kind", ["ngram", "unigram", "diffusion"])
def test_a_transformer_under_another_name_is_refused(kind: str, tmp_path: Path) -> None:
    file = tiny_file()
    path = tmp_path / "model.safetensors"
    write_model_file(ModelFile(kind=kind, config=file.config, description="", tensors=file.tensors), path)
    with pytest.raises(CorruptFileError):
        load_byte_lm(path)
