"""What damage has left: every block that still verifies, and an account of what is missing."""

from collections.abc import Callable
from typing import final

import xxhash

from laconic.archive.decoding import batch_is_full, check_model, decode_blocks
from laconic.archive.frames import End, Frame
from laconic.archive.guessing import guess_model
from laconic.archive.header import HEADER_BYTES, parse_header
from laconic.archive.ledger import Ledger
from laconic.archive.places import find_index, first_frame, frame_at, next_frame, read_at, seekable
from laconic.archive.ports import ByteSink, FileSource
from laconic.archive.summary import Loss, Summary
from laconic.bytelm.base import AbstractByteLM
from laconic.errors import CorruptFileError

_Placed = tuple[int, Frame, int]
"""Where a frame begins, the frame, and where its payload begins."""


def salvage_stream(
    source: FileSource,
    sink: ByteSink,
    *,
    model: AbstractByteLM | None = None,
    progress: Callable[[int], None] | None = None,
) -> Summary:
    """Write the text of every undamaged block into a sink, in order; damaged ones are left out.

    Blocks are found by their frames, a frame is believed when its text has the stated checksum, and after damage every
    offset is tried. A pipe is first put into a temporary file.

    Args:
        source: the damaged file.
        sink: gets verified text alone.
        model: the byte model. When None it is found by its fingerprint; if the header is damaged, the likely ones are tried.
        progress: told how many bytes of the file are done.

    Returns:
        What was recovered; `losses` names what was not.

    Raises:
        CorruptFileError: the header is damaged, and there is not a single block either.
        FormatVersionError: a newer laconic wrote the file.
        ModelMismatchError: the model is another one, or not at hand.
    """
    with seekable(source) as (file, file_bytes):
        return _Salvage(file, file_bytes, sink, model, progress).run()


@final
class _Salvage:
    """The state of one salvage."""

    def __init__(
        self,
        source: FileSource,
        file_bytes: int,
        sink: ByteSink,
        model: AbstractByteLM | None,
        progress: Callable[[int], None] | None,
    ) -> None:
        self._source, self._file_bytes, self._sink, self._progress = source, file_bytes, sink, progress
        self._summary = Summary(file_bytes=file_bytes)
        self._single = False
        self._model, self._precision = self._read_header(model)
        self._index = find_index(source, file_bytes)
        self._ledger = Ledger(self._index)
        self._text = xxhash.xxh64()

    def run(self) -> Summary:
        """Go through the file once."""
        position, end = first_frame(self._source, self._file_bytes, bool(self._summary.model)), None
        while position < self._file_bytes and end is None and not self._is_whole():
            chain, after, end = self._walk(position)
            if chain:
                position = self._settle(chain, after, end is not None)
            elif end is None:
                following = next_frame(self._source, position + 1, self._file_bytes)
                self._ledger.note(False, position, following, None)
                position = following
            self._report(position)
        self._close(position, end)
        return self._summary

    def _is_whole(self) -> bool:
        return self._single and self._summary.blocks == 1

    def _read_header(self, model: AbstractByteLM | None) -> tuple[AbstractByteLM, int]:
        """The model and precision of the file; guessed if the header is damaged."""
        try:
            header = parse_header(read_at(self._source, 0, HEADER_BYTES))
        except CorruptFileError as error:
            self._summary.notes.append(f"model and precision are guesses: {error}")
            return guess_model(self._source, self._file_bytes, model)
        self._single = header.single
        self._summary.model, self._summary.precision = f"{header.fingerprint:016x}", header.precision
        return check_model(header, model), header.precision

    def _walk(self, position: int) -> tuple[list[_Placed], int, End | None]:
        """Frames that follow each other without a gap, up to one batch; where the next would begin; the end if it came."""
        chain: list[_Placed] = []
        while position < self._file_bytes and not batch_is_full([frame for _, frame, _ in chain]):
            try:
                frame, after = frame_at(self._source, position, self._file_bytes)
            except CorruptFileError:
                break
            if isinstance(frame, End):
                return chain, position, frame
            chain.append((position, frame, after))
            position = after + frame.payload_length
        return chain, position, None

    def _settle(self, chain: list[_Placed], after: int, ended: bool) -> int:
        """Pass on what verifies, note what does not, and return where to go on."""
        blocks = [(frame, read_at(self._source, payload, frame.payload_length)) for _, frame, payload in chain]
        begin = chain[0][0]
        texts = decode_blocks(
            blocks, self._model, self._precision, lambda part: self._report(begin + int(part * (after - begin)))
        )
        stops = [start for start, _, _ in chain[1:]] + [after]
        for number, ((start, frame, _), text, stop) in enumerate(zip(chain, texts, stops, strict=True), 1):
            if isinstance(text, bytes):
                self._sink.write(text)
                self._text.update(text)
                self._summary.add(frame, stop - start)
                self._ledger.note(True, start, stop, len(text))
            elif number < len(chain) or ended or self._confirmed(after):
                self._ledger.note(False, start, stop, frame.text_length)
            else:
                following = next_frame(self._source, start + 1, self._file_bytes)
                self._ledger.note(False, start, following, None)
                return following
        return after

    def _report(self, position: int) -> None:
        if self._progress is not None:
            self._progress(position)

    def _confirmed(self, offset: int) -> bool:
        """Whether what begins at an offset shows that the block before it has the length it claims."""
        try:
            frame_at(self._source, offset, self._file_bytes)
        except CorruptFileError:
            return offset == self._file_bytes
        return True

    def _close(self, position: int, end: End | None) -> None:
        """Find out which text is missing, and what else there is to tell."""
        summary = self._summary
        if end is None and not self._single:
            self._ledger.note(False, self._file_bytes, self._file_bytes, None)
        summary.losses.extend(self._ledger.losses(end.text_length if end else None))
        if end is not None:
            position += len(end.pack())
            if not summary.losses and (end.text_length, end.checksum) != (summary.text_bytes, self._text.intdigest()):
                summary.losses.append(Loss(file_start=HEADER_BYTES, file_stop=position, text_start=None, text_stop=None))
                summary.notes.append("each block verifies, but not the whole text: blocks are missing, doubled or moved")
        if position < self._file_bytes and self._index is None:
            summary.notes.append(f"{self._file_bytes - position} bytes after the end were left aside")
