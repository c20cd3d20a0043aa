"""Cutting a text: nothing lost, no block too long, none much shorter than its neighbours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laconic.archive.coding import MAX_ROWS
from laconic.archive.frames import MAX_TEXT
from laconic.archive.layout import LARGE_BLOCK, SMALL_BLOCK, Layout


@given(st.binary(max_size=300), st.none() | st.integers(1, 100), st.booleans())
def test_the_pieces_are_the_text(text: bytes, block: int | None, whole: bool) -> None:
    pieces = Layout(block_bytes=block).cut(text, whole)
    assert b"".join(pieces) == text
    assert all(0 < len(piece) <= (block or LARGE_BLOCK) for piece in pieces)
    assert max(map(len, pieces), default=0) - min(map(len, pieces), default=0) <= 1


@pytest.mark.parametrize(
    "size, blocks", [(0, 0), (1, 1), (SMALL_BLOCK, 1), (SMALL_BLOCK + 1, 2), (1 << 20, 64), (2 << 20, 64), (4 << 20, 64)]
)
def test_how_many_blocks_a_text_has_by_itself(size: int, blocks: int) -> None:
    assert len(Layout().cut(bytes(size), whole=True)) == blocks


def test_a_batch_never_has_too_many_rows() -> None:
    layout = Layout(block_bytes=10)
    assert len(layout.cut(bytes(layout.read_bytes), whole=False)) == MAX_ROWS
    assert Layout().read_bytes == MAX_TEXT["xz"]


@pytest.mark.parametrize(
    "field, value", [("block_bytes", 0), ("block_bytes", 1 << 19), ("batch_bytes", 0), ("batch_bytes", 1 << 23)]
)
def test_impossible_layouts_are_refused(field: str, value: int) -> None:
    with pytest.raises(ValueError, match=field):
        Layout(**{field: value})
