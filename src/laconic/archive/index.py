"""The index at the end of a file: where blocks begin, so that one can be read without reading those before it.

An aid, never a need. It holds the place of every block, of every second, fourth ... block of larger files, so that
neither its size nor the memory for writing it grows with the file.
"""

from dataclasses import dataclass
from typing import final

import xxhash

from laconic.archive.frames import Kind
from laconic.archive.varint import read_number, write_number
from laconic.errors import CorruptFileError

MAX_PLACES = 4096
"""An index names fewer places than this, and one more: the end."""

FOOTER_MAGIC = b"CAL\x8c"
"""The last four bytes of a file that has an index; the four before them are the length of the index frame."""

FOOTER_BYTES = 8
MAX_INDEX_BYTES = 1 + 9 + 9 + 18 * (MAX_PLACES + 1) + 4
"""How long an index frame can be, its footer not counted."""


@dataclass(frozen=True, kw_only=True)
class Index:
    """The places of blocks 0, `stride`, 2 x `stride` ..., and last of the end frame.

    Attributes:
        stride: how many blocks lie between two places.
        text_offsets: where each of these blocks' text begins, rising; last the length of the whole text.
        file_offsets: where each of these blocks' frames begins, rising; last that of the end frame.
    """

    stride: int
    text_offsets: tuple[int, ...]
    file_offsets: tuple[int, ...]

    def pack(self) -> bytes:
        """The index frame and the footer."""
        body = bytearray([Kind.INDEX]) + write_number(self.stride) + write_number(len(self.text_offsets))
        text_before = file_before = 0
        for text, file in zip(self.text_offsets, self.file_offsets, strict=True):
            body += write_number(text - text_before) + write_number(file - file_before)
            text_before, file_before = text, file
        body += xxhash.xxh32_intdigest(bytes(body)).to_bytes(4, "little")
        return bytes(body) + len(body).to_bytes(4, "little") + FOOTER_MAGIC


@final
class IndexBuilder:
    """Gathers the places of blocks while a file is written or read, in bounded memory."""

    def __init__(self) -> None:
        self._stride = 1
        self._blocks = 0
        self._places: list[tuple[int, int]] = []

    @property
    def blocks(self) -> int:
        """How many blocks have been added."""
        return self._blocks

    def add(self, text_offset: int, file_offset: int) -> None:
        """Note where the next block's text and frame begin."""
        if self._blocks % self._stride == 0:
            self._places.append((text_offset, file_offset))
        self._blocks += 1
        if len(self._places) == MAX_PLACES:
            self._places = self._places[::2]
            self._stride *= 2

    def finish(self, text_length: int, end_offset: int) -> Index:
        """The index of a file whose end frame lies at `end_offset`."""
        places = [*self._places, (text_length, end_offset)]
        return Index(
            stride=self._stride,
            text_offsets=tuple(text for text, _ in places),
            file_offsets=tuple(file for _, file in places),
        )


def parse_footer(tail: bytes) -> int:
    """The length of the index frame that ends before the footer.

    Args:
        tail: the last eight bytes of a file.

    Raises:
        CorruptFileError: no index ends here.
    """
    length = int.from_bytes(tail[:4], "little")
    if len(tail) != FOOTER_BYTES or tail[4:] != FOOTER_MAGIC or length > MAX_INDEX_BYTES:
        raise CorruptFileError("the file does not end with an index")
    return length


def parse_index(data: bytes) -> Index:
    """Read an index frame, footer not included.

    Args:
        data: exactly the bytes of the frame.

    Raises:
        CorruptFileError: they are not an index, or are damaged.
    """
    body, check = data[:-4], data[-4:]
    if data[:1] != bytes([Kind.INDEX]) or xxhash.xxh32_intdigest(body).to_bytes(4, "little") != check:
        raise CorruptFileError("the index is damaged")
    stride, offset = read_number(body, 1)
    count, offset = read_number(body, offset)
    if stride < 1 or not 1 <= count <= MAX_PLACES + 1:
        raise CorruptFileError(f"the index claims {count} places with {stride} blocks between them")
    texts, files = [0] * count, [0] * count
    text = file = 0
    for place in range(count):
        text_step, offset = read_number(body, offset)
        file_step, offset = read_number(body, offset)
        text, file = text + text_step, file + file_step
        texts[place], files[place] = text, file
    if offset != len(body):
        raise CorruptFileError("the index is longer than what it lists")
    return Index(stride=stride, text_offsets=tuple(texts), file_offsets=tuple(files))
