"""One block of a file, without reading the others."""

from laconic.archive.decoding import check_model, decode_blocks
from laconic.archive.frames import End, Frame
from laconic.archive.header import HEADER_BYTES, parse_header
from laconic.archive.places import find_index, frame_at, read_at, seekable
from laconic.archive.ports import FileSource
from laconic.bytelm.base import AbstractByteLM
from laconic.errors import CorruptFileError, UsageError


def open_block(source: FileSource, number: int, *, model: AbstractByteLM | None = None) -> bytes:
    """The text of one block.

    The index leads there where there is one; otherwise the frames before it are walked, and their payloads skipped.

    Args:
        source: a file in which one can jump.
        number: which block, from 0.
        model: the byte model; found by its fingerprint when None.

    Raises:
        UsageError: there is no such block.
        CorruptFileError: the header, a frame on the way, or the block itself is damaged.
        FormatVersionError: a newer laconic wrote the file.
        ModelMismatchError: the model is another one, or not at hand.
    """
    with seekable(source) as (file, file_bytes):
        header = parse_header(read_at(file, 0, HEADER_BYTES))
        model = check_model(header, model)
        frame, payload_offset = _locate(file, file_bytes, number)
        payload = read_at(file, payload_offset, frame.payload_length)
        (text,) = decode_blocks([(frame, payload)], model, header.precision)
    if isinstance(text, CorruptFileError):
        raise CorruptFileError(f"block {number} is damaged: {text}; the other blocks can still be opened") from text
    return text


def _locate(source: FileSource, file_bytes: int, number: int) -> tuple[Frame, int]:
    """The frame of a block, and where its payload begins."""
    index = find_index(source, file_bytes)
    current, offset = 0, HEADER_BYTES
    if index is not None and number >= 0:
        place = min(number // index.stride, len(index.file_offsets) - 1)
        current, offset = place * index.stride, index.file_offsets[place]
        if place == len(index.file_offsets) - 1:
            raise UsageError(f"there is no block {number} in this file: name one between 0 and the last one")
    while number >= 0 and offset < file_bytes:
        try:
            frame, after = frame_at(source, offset, file_bytes)
        except CorruptFileError as error:
            raise CorruptFileError(f"block {current} at byte {offset} of the file is damaged: {error}") from error
        if isinstance(frame, End):
            break
        if current == number:
            return frame, after
        current, offset = current + 1, after + frame.payload_length
    raise UsageError(f"there is no block {number} in this file: name one between 0 and the last one")
