"""What a file says of itself: header, blocks by kind, sizes. Nothing is decoded, and damage is passed over and told."""

from laconic.archive.frames import End, Frame
from laconic.archive.header import HEADER_BYTES, Header, parse_header
from laconic.archive.ledger import Ledger
from laconic.archive.places import find_index, first_frame, frame_at, next_frame, read_at, seekable
from laconic.archive.ports import FileSource
from laconic.archive.summary import Summary
from laconic.errors import CorruptFileError


def inspect_stream(source: FileSource) -> Summary:
    """Count the blocks of a file from their frames, without decoding any.

    Args:
        source: a file; a pipe is first put into a temporary one.

    Returns:
        What the frames claim; `notes` and `losses` tell of damage that shows without decoding.

    Raises:
        CorruptFileError: the header is damaged, and there is not a single block either.
        FormatVersionError: a newer laconic wrote the file.
    """
    with seekable(source) as (file, file_bytes):
        summary = Summary(file_bytes=file_bytes)
        header = _header(file, summary)
        index = find_index(file, file_bytes)
        ledger = Ledger(index)
        position, end = _count(file, file_bytes, header, summary, ledger)
        if end is None and not (header is not None and header.single and summary.blocks == 1):
            ledger.note(False, file_bytes, file_bytes, None)
        if header is None and not summary.blocks and end is None:
            raise CorruptFileError(summary.notes[0])
        summary.losses.extend(ledger.losses(end.text_length if end else None))
        if end is not None and not summary.losses and end.text_length != summary.text_bytes:
            summary.notes.append(
                f"the end of the file announces {end.text_length} bytes of text: blocks are missing or doubled"
            )
        if position < file_bytes and index is None:
            summary.notes.append(f"{file_bytes - position} bytes follow the end, and are no index")
    return summary


def _header(source: FileSource, summary: Summary) -> Header | None:
    try:
        header = parse_header(read_at(source, 0, HEADER_BYTES))
    except CorruptFileError as error:
        summary.notes.append(str(error))
        return None
    summary.model, summary.precision = f"{header.fingerprint:016x}", header.precision
    return header


def _count(
    source: FileSource, file_bytes: int, header: Header | None, summary: Summary, ledger: Ledger
) -> tuple[int, End | None]:
    """Walk the frames up to the end of the blocks; returns where that is, and the end frame if there is one."""
    position = first_frame(source, file_bytes, header is not None)
    while position < file_bytes and not (header is not None and header.single and summary.blocks == 1):
        try:
            frame, after = frame_at(source, position, file_bytes)
        except CorruptFileError:
            following = next_frame(source, position + 1, file_bytes)
            ledger.note(False, position, following, None)
            position = following
            continue
        if isinstance(frame, End):
            return after, frame
        assert isinstance(frame, Frame)
        stop = after + frame.payload_length
        summary.add(frame, stop - position)
        ledger.note(True, position, stop, frame.text_length)
        position = stop
    return position, None
