"""Numbers: one way to write each, and nothing else is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laconic.archive.varint import MAX_NUMBER, read_number, write_number
from laconic.errors import CorruptFileError


@given(st.integers(0, MAX_NUMBER), st.binary(max_size=3), st.binary(max_size=12))
def test_round_trip_anywhere_in_the_data(value: int, before: bytes, after: bytes) -> None:
    written = write_number(value)
    assert len(written) == max(1, -(-value.bit_length() // 7))
    assert read_number(before + written + after, len(before)) == (value, len(before) + len(written))


@given(st.binary(max_size=12))
def test_what_is_read_is_what_would_be_written(data: bytes) -> None:
    try:
        value, after = read_number(data, 0)
    except CorruptFileError:
        return
    assert write_number(value) == data[:after]


@pytest.mark.parametrize("data", [b"", b"\x80", b"\x80\x00", b"\xff" * 9, b"\xff" * 30])
def test_cut_padded_and_endless_numbers_are_refused(data: bytes) -> None:
    with pytest.raises(CorruptFileError):
        read_number(data, 0)


@pytest.mark.parametrize("value", [-1, MAX_NUMBER + 1])
def test_values_out_of_range_are_refused(value: int) -> None:
    with pytest.raises(ValueError, match="value"):
        write_number(value)
