"""Frames: the few bytes before each block that say what it is, so that a file can be read from any block on.

Sizes in a frame are claims. They are held against the limits below, and against each other, before anything is allocated.
"""

from dataclasses import dataclass
from enum import IntEnum

from laconic.archive.header import short_check
from laconic.archive.varint import read_number, write_number
from laconic.bytelm.base import MAX_PRECISION
from laconic.errors import CorruptFileError

MAX_TEXT = {"coded": 1 << 18, "xz": 1 << 22, "raw": 1 << 22}
"""How many bytes of text one block of each kind may hold. Limits of the format, wider than what `compress` writes."""

MAX_FRAME_BYTES = 1 + 4 + 4 + 4 + 2
"""How long the frame of a block can be, its payload not counted."""

MAX_END_BYTES = 1 + 9 + 9 + 8 + 2
"""How long the end frame can be."""


class Kind(IntEnum):
    """What a frame announces. No UTF-8 text contains these bytes."""

    CODED = 0xF5
    XZ = 0xF8
    RAW = 0xFB
    INDEX = 0xFD
    END = 0xFE

    @property
    def label(self) -> str:
        """The name for people."""
        return self.name.lower()


BLOCK_KINDS = (Kind.CODED, Kind.XZ, Kind.RAW)


@dataclass(frozen=True, kw_only=True)
class Frame:
    """The frame of one block.

    Attributes:
        kind: how the payload holds the text.
        text_length: bytes of text, at least 1.
        payload_length: bytes that follow the frame; never more than the text.
        checksum: xxh32 of the text.
    """

    kind: Kind
    text_length: int
    payload_length: int
    checksum: int

    def pack(self) -> bytes:
        """Kind, the two lengths, checksum of the text, check of the frame itself."""
        body = bytes([self.kind]) + write_number(self.text_length) + write_number(self.payload_length)
        body += self.checksum.to_bytes(4, "little")
        return body + short_check(body)


@dataclass(frozen=True, kw_only=True)
class End:
    """The frame after the last block: a file that lacks it was cut short.

    Attributes:
        blocks: how many blocks there are.
        text_length: bytes of text in all of them.
        checksum: xxh64 of the whole text.
    """

    blocks: int
    text_length: int
    checksum: int

    def pack(self) -> bytes:
        """Kind, number of blocks, length and checksum of the text, check of the frame itself."""
        body = bytes([Kind.END]) + write_number(self.blocks) + write_number(self.text_length)
        body += self.checksum.to_bytes(8, "little")
        return body + short_check(body)


def parse_frame(data: bytes, offset: int = 0) -> tuple[Frame | End, int]:
    """Read the frame at an offset.

    Args:
        data: bytes from the file, at least `MAX_END_BYTES` beyond `offset` unless the file ends before.
        offset: where the frame begins.

    Returns:
        The frame, and the offset after it, where the payload of a block begins.

    Raises:
        CorruptFileError: there is no frame here, it is cut short or damaged, or claims more than the format allows.
    """
    kind = data[offset] if offset < len(data) else None
    if kind is None:
        raise CorruptFileError("the file ends where a block or its end was to follow")
    if kind not in (*BLOCK_KINDS, Kind.END):
        raise CorruptFileError(f"the byte {kind:02x} announces neither a block nor the end")
    first, middle = read_number(data, offset + 1)
    second, middle = read_number(data, middle)
    checksum_bytes = 8 if kind == Kind.END else 4
    body, after = middle + checksum_bytes, middle + checksum_bytes + 2
    if after > len(data):
        raise CorruptFileError("the file ends inside a frame")
    if short_check(data[offset:body]) != data[body:after]:
        raise CorruptFileError("the frame does not match its check")
    checksum = int.from_bytes(data[middle:body], "little")
    if kind == Kind.END:
        return End(blocks=first, text_length=second, checksum=checksum), after
    frame = Frame(kind=Kind(kind), text_length=first, payload_length=second, checksum=checksum)
    _check_claims(frame)
    return frame, after


def _check_claims(frame: Frame) -> None:
    """Refuse sizes that no writer of this format states."""
    limit = MAX_TEXT[frame.kind.label]
    if not 1 <= frame.text_length <= limit:
        raise CorruptFileError(f"the frame claims {frame.text_length} bytes of text, outside 1 to {limit}")
    fits = frame.payload_length == frame.text_length if frame.kind == Kind.RAW else frame.payload_length < frame.text_length
    if not fits:
        raise CorruptFileError(
            f"the frame claims a payload of {frame.payload_length} bytes for {frame.text_length} bytes of text"
        )
    if frame.kind == Kind.CODED and frame.text_length > most_symbols(frame.payload_length, MAX_PRECISION):
        raise CorruptFileError(f"the frame claims more text than {frame.payload_length} bytes can code")


def most_symbols(payload_length: int, precision: int) -> int:
    """How many symbols a code of so many bytes can hold at most.

    Among 256 counts of at least 1 none exceeds `2**precision - 255`, so that each symbol costs more than
    `255 / 2**precision` bits. The code is allowed sixteen bits more than it shows, since zeros are understood beyond its end.
    """
    return (8 * payload_length + 16 << precision) // 255
