"""The cursor: the same bytes however they arrive, and no memory for promises."""

import contextlib
import io
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laconic.archive.cursor import Cursor
from laconic.errors import CorruptFileError


class Dripping(io.BytesIO):
    """A pipe that hands out three bytes at a time."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(3, size if size is not None and size >= 0 else 3))


@given(st.binary(max_size=60), st.lists(st.tuples(st.sampled_from(["peek", "take", "skip"]), st.integers(0, 20)), max_size=12))
def test_it_walks_through_the_data(data: bytes, moves: list[tuple[str, int]]) -> None:
    cursor, place = Cursor(Dripping(data)), 0
    for move, size in moves:
        expected = data[place : place + size]
        if move == "peek" or len(expected) < size:
            assert cursor.peek(size) == expected
            continue
        if move == "take":
            assert cursor.take(size) == expected
        else:
            cursor.peek(size)
            cursor.skip(size)
        place += size
        assert cursor.offset == place


def test_a_promise_of_gigabytes_costs_what_is_there() -> None:
    with pytest.raises(CorruptFileError, match="after 10 of 4294967296 bytes"):
        Cursor(io.BytesIO(b"0123456789")).take(1 << 32)
    tracemalloc.start()
    with contextlib.suppress(CorruptFileError):
        Cursor(io.BytesIO(b"0123456789")).take(1 << 32)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20
