"""LZMA2 blocks: short codes only, exact lengths only."""

import contextlib
import random
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laconic.archive.squeeze import expand, squeeze
from laconic.errors import CorruptFileError


@given(st.binary(min_size=1, max_size=300), st.integers(1, 30))
def test_round_trip(piece: bytes, times: int) -> None:
    text = piece * times
    code = squeeze(text, 1 << 20)
    assert expand(code, len(text)) == text if code is not None else len(text) < 20 * len(piece)


def test_a_long_code_is_not_wanted() -> None:
    text = random.Random(1).randbytes(5000)
    assert squeeze(text, len(text)) is None
    assert squeeze(b"abc" * 1000, 5) is None


def test_what_repeats_itself_far_back_is_found() -> None:
    piece = random.Random(2).randbytes(1 << 20)
    code = squeeze(piece * 3, 2 << 20)
    assert code is not None and len(code) < 1.01 * len(piece)


@pytest.mark.parametrize("claim", [0, 999, 1001, 1 << 22])
def test_a_wrong_length_is_refused(claim: int) -> None:
    code = squeeze(b"a" * 1000, 1000)
    assert code is not None
    with pytest.raises(CorruptFileError):
        expand(code, claim)


def test_cut_extended_and_changed_codes_are_refused_or_differ() -> None:
    text = bytes(random.Random(3).choices(b"abcd", k=400))
    code = squeeze(text, 400)
    assert code is not None
    for bad in (b"", code[:-1], code[: len(code) // 2], code + b"\0", code * 2):
        with pytest.raises(CorruptFileError):
            expand(bad, len(text))
    for place in range(len(code)):
        changed = bytearray(code)
        changed[place] ^= 64
        with contextlib.suppress(CorruptFileError):
            assert len(expand(bytes(changed), len(text))) == len(text)


def test_a_bomb_stays_small() -> None:
    code = squeeze(bytes(4 << 20), 4 << 20)
    assert code is not None and len(code) < 2000
    with pytest.raises(CorruptFileError):
        expand(code, 1000)
    tracemalloc.start()
    with contextlib.suppress(CorruptFileError):
        expand(code, 1000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5 << 20, "no more than the dictionary of 4 MiB"
