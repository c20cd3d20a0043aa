"""Blocks to text: verified one by one, the models checked first."""

import pytest
import xxhash

from laconic.archive.coding import MAX_ROWS, encode_texts
from laconic.archive.decoding import MAX_BATCH_TEXT, batch_is_full, check_model, decode_blocks
from laconic.archive.frames import Frame, Kind
from laconic.archive.header import Header
from laconic.archive.squeeze import squeeze
from laconic.bytelm.base import AbstractByteLM
from laconic.errors import CorruptFileError, ModelMismatchError


def block(kind: Kind, text: bytes, payload: bytes) -> tuple[Frame, bytes]:
    checksum = xxhash.xxh32_intdigest(text)
    return Frame(kind=kind, text_length=len(text), payload_length=len(payload), checksum=checksum), payload


@pytest.fixture
def blocks(unigram: AbstractByteLM) -> list[tuple[Frame, bytes]]:
    squeezed = squeeze(b"x" * 500, 500)
    assert squeezed is not None
    coded = [block(Kind.CODED, text, encode_texts([text], unigram, 16)[0]) for text in (b"some letters", b"more of them")]
    return [coded[0], block(Kind.RAW, b"\x00\x01", b"\x00\x01"), block(Kind.XZ, b"x" * 500, squeezed), coded[1]]


def test_all_kinds_come_back_in_order(blocks: list[tuple[Frame, bytes]], unigram: AbstractByteLM) -> None:
    assert decode_blocks(blocks, unigram, 16) == [b"some letters", b"\x00\x01", b"x" * 500, b"more of them"]


def test_damage_in_one_leaves_the_others(blocks: list[tuple[Frame, bytes]], unigram: AbstractByteLM) -> None:
    for number, (frame, payload) in enumerate(blocks):
        changed = list(blocks)
        changed[number] = (frame, bytes([payload[0] ^ 1]) + payload[1:])
        texts = decode_blocks(changed, unigram, 16)
        assert [isinstance(text, CorruptFileError) for text in texts] == [place == number for place in range(4)]


def test_a_code_too_short_for_its_text_is_not_even_tried(unigram: AbstractByteLM) -> None:
    (text,) = decode_blocks(
        [(Frame(kind=Kind.CODED, text_length=200_000, payload_length=200, checksum=0), bytes(200))], unigram, 12
    )
    assert isinstance(text, CorruptFileError) and "fewer bits" in str(text)


def test_models_are_checked_by_fingerprint(uniform: AbstractByteLM, unigram: AbstractByteLM) -> None:
    header = Header(fingerprint=unigram.fingerprint, precision=16, single=False)
    assert check_model(header, unigram) is unigram
    with pytest.raises(ModelMismatchError, match=f"{unigram.fingerprint:016x}, not with {uniform.fingerprint:016x}"):
        check_model(header, uniform)
    with pytest.raises(ModelMismatchError):
        check_model(header, None)
    assert (
        check_model(Header(fingerprint=uniform.fingerprint, precision=16, single=False), None).fingerprint
        == uniform.fingerprint
    )


def test_batches_are_bounded_in_rows_and_text() -> None:
    small, large = (Frame(kind=Kind.RAW, text_length=size, payload_length=size, checksum=0) for size in (1, 1 << 22))
    assert not batch_is_full([small] * (MAX_ROWS - 1)) and batch_is_full([small] * MAX_ROWS)
    assert not batch_is_full([large]) and batch_is_full([large] * (MAX_BATCH_TEXT >> 22))
    assert batch_is_full([large] + [small] * (MAX_BATCH_TEXT >> 22))
