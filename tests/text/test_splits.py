"""What is held out is a function of place or name, the same everywhere."""

import io
from collections import Counter
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laconic.errors import UsageError
from laconic.text import splits
from laconic.text.splits import (
    SPLITS,
    check_split,
    find_cuts,
    select_numbered,
    skip,
    split_of_bytes,
    split_of_name,
    split_of_number,
)


def test_golden_names_never_change_sides() -> None:
    assert [split_of_name(name) for name in ("argparse", "pathlib", "typing", "é")] == ["test", "valid", "train", "train"]
    assert split_of_bytes("é".encode()) == split_of_name("é")


def test_shares_of_names_and_numbers() -> None:
    by_name = Counter(split_of_name(str(number)) for number in range(20_000))
    assert by_name["train"] == pytest.approx(18_000, rel=0.01)
    assert by_name["valid"] == pytest.approx(1_000, rel=0.1)
    assert Counter(map(split_of_number, range(40))) == {"train": 36, "valid": 2, "test": 2}


@given(st.integers(0, 100))
def test_numbered_splits_are_a_partition(count: int) -> None:
    parts = [list(select_numbered(iter(range(count)), split)) for split in SPLITS]
    assert sorted(chain.from_iterable(parts)) == list(range(count))
    assert list(select_numbered(iter(range(count)), "all")) == list(range(count))


@given(st.lists(st.sampled_from([b"\n", b"x", b"yy"]), max_size=300).map(b"".join))
def test_cuts_are_ordered_line_ends(text: bytes) -> None:
    start, first, second, end = find_cuts(io.BytesIO(text), len(text))
    assert 0 == start <= first <= second <= end == len(text)
    assert all(cut in (0, len(text)) or text[cut - 1 : cut] == b"\n" for cut in (first, second))
    assert first >= 0.9 * len(text)


def test_shares_of_bytes() -> None:
    text = b"0123456\n" * 1000
    _, first, second, _ = find_cuts(io.BytesIO(text), len(text))
    assert (first, second) == (7208, 7608)


def test_a_text_without_line_ends_is_cut_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splits, "CUT_SEARCH_BYTES", 10)
    assert find_cuts(io.BytesIO(b"x" * 1000), 1000) == (0, 910, 960, 1000)


def test_skipping_stops_at_the_end() -> None:
    stream = io.BytesIO(b"abc")
    skip(stream, 2)
    assert stream.read(1) == b"c"
    skip(stream, 10)


def test_an_unknown_split_is_refused() -> None:
    with pytest.raises(UsageError, match="c has no split 'dev': choose one of train, valid"):
        check_split("dev", ("train", "valid"), "c")
