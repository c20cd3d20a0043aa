"""The index: it says where blocks are, and its size has a limit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laconic.archive.index import (
    FOOTER_BYTES,
    MAX_INDEX_BYTES,
    MAX_PLACES,
    Index,
    IndexBuilder,
    parse_footer,
    parse_index,
)
from laconic.errors import CorruptFileError


def build(steps: list[tuple[int, int]]) -> Index:
    builder = IndexBuilder()
    text, file = 0, 16
    for text_step, file_step in steps:
        builder.add(text, file)
        text, file = text + text_step, file + file_step
    assert builder.blocks == len(steps)
    return builder.finish(text, file)


@given(st.lists(st.tuples(st.integers(1, 1 << 22), st.integers(1, 1 << 22)), max_size=50))
def test_round_trip(steps: list[tuple[int, int]]) -> None:
    index = build(steps)
    packed = index.pack()
    length = parse_footer(packed[-FOOTER_BYTES:])
    assert length == len(packed) - FOOTER_BYTES <= MAX_INDEX_BYTES
    assert parse_index(packed[:length]) == index
    assert len(index.text_offsets) == len(steps) + 1


@pytest.mark.parametrize("blocks", [MAX_PLACES - 1, MAX_PLACES, MAX_PLACES + 1, 5 * MAX_PLACES])
def test_it_stays_small_and_names_every_strideth_block(blocks: int) -> None:
    index = build([(65536, 20000)] * blocks)
    assert len(index.text_offsets) <= MAX_PLACES
    assert index.stride * (len(index.text_offsets) - 1) >= blocks
    assert (index.stride == 1) == (blocks < MAX_PLACES)
    for place, (text, file) in enumerate(zip(index.text_offsets[:-1], index.file_offsets[:-1], strict=True)):
        assert text == place * index.stride * 65536
        assert file == 16 + place * index.stride * 20000


@given(st.data())
def test_every_changed_byte_is_noticed(data: st.DataObject) -> None:
    packed = bytearray(build([(100, 50)] * 5).pack()[:-FOOTER_BYTES])
    packed[data.draw(st.integers(0, len(packed) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(CorruptFileError):
        parse_index(bytes(packed))


@pytest.mark.parametrize("tail", [b"", b"\x05\x00\x00\x00CAL", b"\xff\xff\xff\xffCAL\x8c", b"12345678"])
def test_footers_that_lead_nowhere_are_refused(tail: bytes) -> None:
    with pytest.raises(CorruptFileError):
        parse_footer(tail)


def test_a_count_is_not_believed_before_it_is_checked() -> None:
    import xxhash

    from laconic.archive.varint import write_number

    body = b"\xfd" + write_number(1) + write_number(1 << 60)
    with pytest.raises(CorruptFileError, match="claims"):
        parse_index(body + xxhash.xxh32_intdigest(body).to_bytes(4, "little"))
