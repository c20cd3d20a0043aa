"""Looking at any place of a file: frames at an offset, the next frame after damage, the index at the end."""

import contextlib
import re
import shutil
import tempfile
from collections.abc import Iterator

from laconic.archive.frames import BLOCK_KINDS, MAX_END_BYTES, End, Frame, Kind, parse_frame
from laconic.archive.header import HEADER_BYTES
from laconic.archive.index import FOOTER_BYTES, Index, parse_footer, parse_index
from laconic.archive.ports import FileSource
from laconic.errors import CorruptFileError

_ANNOUNCING = re.compile(b"[" + re.escape(bytes([*BLOCK_KINDS, Kind.END])) + b"]")
_PIECE = 1 << 20


@contextlib.contextmanager
def seekable(source: FileSource) -> Iterator[tuple[FileSource, int]]:
    """A source in which one can jump, and its length; what comes through a pipe is put into a temporary file first."""
    if source.seekable():
        yield source, source.seek(0, 2)
        return
    with tempfile.TemporaryFile() as spooled:
        shutil.copyfileobj(source, spooled)
        yield spooled, spooled.tell()


def read_at(source: FileSource, offset: int, size: int) -> bytes:
    """Up to `size` bytes from an offset on; fewer where the file ends."""
    source.seek(offset)
    return source.read(size)


def frame_at(source: FileSource, offset: int, file_bytes: int) -> tuple[Frame | End, int]:
    """The frame that begins at an offset, and the offset after it (where a block's payload begins).

    Raises:
        CorruptFileError: none does, or its payload would go beyond the end of the file.
    """
    frame, size = parse_frame(read_at(source, offset, MAX_END_BYTES))
    if isinstance(frame, Frame) and offset + size + frame.payload_length > file_bytes:
        raise CorruptFileError("the file ends inside the block")
    return frame, offset + size


def first_frame(source: FileSource, file_bytes: int, header_is_whole: bool) -> int:
    """Where to look for the first frame: behind the header, or from the start of a file that has lost part of it."""
    if not header_is_whole:
        try:
            frame_at(source, HEADER_BYTES, file_bytes)
        except CorruptFileError:
            return 0
    return HEADER_BYTES


def next_frame(source: FileSource, offset: int, file_bytes: int) -> int:
    """Where the first believable frame at or after an offset begins; the length of the file if none does.

    An end frame is believed where the file or an index follows it.
    """
    while offset < file_bytes:
        piece = read_at(source, offset, _PIECE + MAX_END_BYTES)
        for match in _ANNOUNCING.finditer(piece, 0, _PIECE):
            with contextlib.suppress(CorruptFileError):
                frame, after = parse_frame(piece[match.start() : match.start() + MAX_END_BYTES])
                after += offset + match.start()
                if _believable(source, frame, after, file_bytes):
                    return offset + match.start()
        offset += _PIECE
    return file_bytes


def _believable(source: FileSource, frame: Frame | End, after: int, file_bytes: int) -> bool:
    if isinstance(frame, Frame):
        return after + frame.payload_length <= file_bytes
    return after == file_bytes or read_at(source, after, 1) == bytes([Kind.INDEX])


def find_index(source: FileSource, file_bytes: int) -> Index | None:
    """The index at the end of a file, if it is there, whole, and agrees with the end frame."""
    try:
        length = parse_footer(read_at(source, max(0, file_bytes - FOOTER_BYTES), FOOTER_BYTES))
        start = file_bytes - FOOTER_BYTES - length
        if start < HEADER_BYTES:
            return None
        index = parse_index(read_at(source, start, length))
        if index.file_offsets[-1] >= start:
            return None
        end, after = frame_at(source, index.file_offsets[-1], file_bytes)
    except CorruptFileError:
        return None
    agrees = isinstance(end, End) and after == start and end.text_length == index.text_offsets[-1]
    return index if agrees else None
