"""Plain text files: any bytes at all. One file is one document, unless it is too long to be held at once."""

from collections.abc import Iterator
from io import BufferedIOBase
from pathlib import Path

from laconic.text.compressed import open_unpacked
from laconic.text.splits import SPLITS, find_cuts, skip

PIECE_BYTES = 16 << 20
"""A longer text becomes several documents of at most this many bytes, each ending at a line end where there is one."""


def read_plain(path: Path) -> Iterator[bytes]:
    """The documents of a plain text file: one, or several of at most `PIECE_BYTES`; none if the file is empty."""
    with open_unpacked(path) as stream:
        yield from cut_pieces(stream)


def read_plain_part(path: Path, split: str) -> Iterator[bytes]:
    """The documents of one split of a plain text file that is cut by byte ranges: see `laconic.text.splits`.

    The file is read three times: for its length, for the line ends at the cuts, and for its text.
    """
    with open_unpacked(path) as stream:
        size = _count(stream)
    with open_unpacked(path) as stream:
        cuts = find_cuts(stream, size)
    number = SPLITS.index(split)
    with open_unpacked(path) as stream:
        skip(stream, cuts[number])
        yield from cut_pieces(stream, cuts[number + 1] - cuts[number])


def cut_pieces(stream: BufferedIOBase, size: int | None = None, *, piece_bytes: int = PIECE_BYTES) -> Iterator[bytes]:
    """Cut a stream into documents that fit into memory.

    Args:
        stream: where to read.
        size: at most how many bytes of it; None for all.
        piece_bytes: the longest document, at least 4.

    Returns:
        Pieces that together are the stream. A piece that is not the last ends after its last line end; without one, at
        a UTF-8 character where that is possible, so that binary data passes too.
    """
    left = size
    kept = b""
    while True:
        wanted = piece_bytes - len(kept)
        chunk = stream.read(wanted if left is None else min(wanted, left))
        if left is not None:
            left -= len(chunk)
        kept += chunk
        if not chunk:
            break
        if len(kept) == piece_bytes:
            cut = _cut_point(kept)
            yield kept[:cut]
            kept = kept[cut:]
    if kept:
        yield kept


def _cut_point(piece: bytes) -> int:
    """Where to end a piece that is as long as it may be: after a line end, else before a character that is not whole."""
    line_end = piece.rfind(b"\n") + 1
    if line_end:
        return line_end
    for back in range(1, 4):
        if piece[-back] >= 0xC0:
            return len(piece) - back
        if piece[-back] < 0x80:
            break
    return len(piece)


def _count(stream: BufferedIOBase) -> int:
    size = 0
    while chunk := stream.read(1 << 20):
        size += len(chunk)
    return size
