"""File in, text out, strictly: every block verified before it is passed on, and the first damage ends it."""

from collections.abc import Callable
from typing import final

import xxhash

from laconic.archive.cursor import Cursor
from laconic.archive.decoding import SALVAGE_HINT, batch_is_full, check_model, decode_blocks
from laconic.archive.frames import MAX_END_BYTES, End, Frame, parse_frame
from laconic.archive.header import HEADER_BYTES, MAGIC, Header, parse_header
from laconic.archive.index import IndexBuilder
from laconic.archive.ports import ByteSink, ByteSource
from laconic.archive.summary import Summary
from laconic.bytelm.base import AbstractByteLM
from laconic.errors import CorruptFileError


def read_stream(
    source: ByteSource,
    sink: ByteSink,
    *,
    model: AbstractByteLM | None = None,
    progress: Callable[[int], None] | None = None,
) -> Summary:
    """Write the text of a file into a sink, in memory that does not depend on its length.

    Args:
        source: read in order to its end; need not be seekable.
        sink: gets blocks whose text is verified; on an error it holds the text before the damage.
        model: the byte model; found by its fingerprint when None.
        progress: told how many bytes of the file are done.

    Returns:
        What was read; `notes` tells of a damaged index, which costs no text.

    Raises:
        CorruptFileError: damaged, cut short, or followed by something else.
        FormatVersionError: a newer laconic wrote it.
        ModelMismatchError: the model is another one, or not at hand; nothing was written.
    """
    cursor = Cursor(source)
    header = parse_header(cursor.peek(HEADER_BYTES))
    cursor.skip(HEADER_BYTES)
    reader = _Reader(cursor, sink, header, check_model(header, model), progress)
    while (end := reader.read_block()) is None:
        pass
    reader.flush()
    reader.finish(end)
    return reader.summary


@final
class _Reader:
    """The state of one reading: the batch in hand, and what the end frame must agree with."""

    def __init__(
        self,
        cursor: Cursor,
        sink: ByteSink,
        header: Header,
        model: AbstractByteLM,
        progress: Callable[[int], None] | None,
    ) -> None:
        self.summary = Summary(model=f"{header.fingerprint:016x}", precision=header.precision)
        self._cursor, self._sink, self._header, self._model, self._progress = cursor, sink, header, model, progress
        self._batch: list[tuple[Frame, bytes]] = []
        self._offsets: list[int] = []
        self._index = IndexBuilder()
        self._claimed = 0
        self._text = xxhash.xxh64()
        self._decoded_up_to = 0

    def read_block(self) -> End | Frame | None:
        """Take one block from the file; returns the end frame, or the only frame of a single block's file, if that was it."""
        offset = self._cursor.offset
        try:
            frame, size = parse_frame(self._cursor.peek(MAX_END_BYTES))
            self._cursor.skip(size)
            if isinstance(frame, End):
                if self._header.single:
                    raise CorruptFileError("the header promises a block")
                return frame
            payload = self._cursor.take(frame.payload_length)
        except CorruptFileError as error:
            self.flush()
            raise _damage(self._index.blocks, offset, error) from error
        self._index.add(self._claimed, offset)
        self._claimed += frame.text_length
        self._batch.append((frame, payload))
        self._offsets.append(offset)
        self.summary.add(frame, self._cursor.offset - offset)
        if batch_is_full([held for held, _ in self._batch]):
            self.flush()
        return frame if self._header.single else None

    def flush(self) -> None:
        """Decode the batch in hand, verify it, and pass it on."""
        first = self._index.blocks - len(self._batch)
        texts = decode_blocks(self._batch, self._model, self._header.precision, self._report)
        for number, (text, offset) in enumerate(zip(texts, self._offsets, strict=True)):
            if isinstance(text, CorruptFileError):
                raise _damage(first + number, offset, text) from text
            self._text.update(text)
            self._sink.write(text)
        self._batch, self._offsets = [], []
        self._decoded_up_to = self._cursor.offset
        self._report(0)

    def finish(self, end: End | Frame) -> None:
        """Hold the end of the file against what was read."""
        if isinstance(end, End):
            seen = End(blocks=self._index.blocks, text_length=self._claimed, checksum=self._text.intdigest())
            if seen != end:
                raise CorruptFileError(
                    f"the file ends with {end.blocks} blocks and {end.text_length} bytes of text announced, but"
                    f" {seen.blocks} blocks and {seen.text_length} bytes, or others, were there: {SALVAGE_HINT}"
                )
            end_offset = self._cursor.offset - len(end.pack())
            index = self._index.finish(end.text_length, end_offset).pack() if end.blocks > 1 else b""
            self._check_index(index)
        self.summary.file_bytes = self._cursor.offset
        self._refuse_more()

    def _check_index(self, expected: bytes) -> None:
        found = self._cursor.peek(len(expected) + 1)
        if found != expected and len(found) <= len(expected):
            self.summary.notes.append("the index at the end of the file is damaged; the text is complete and verified")
        self._cursor.skip(min(len(found), len(expected)))

    def _refuse_more(self) -> None:
        following = self._cursor.peek(len(MAGIC))
        if following:
            what = "another compressed file follows" if following == MAGIC else "something else follows"
            raise CorruptFileError(f"the file is complete after {self._cursor.offset} bytes, but {what}: split it there")

    def _report(self, part: float) -> None:
        if self._progress is not None:
            self._progress(self._decoded_up_to + int(part * (self._cursor.offset - self._decoded_up_to)))


def _damage(number: int, offset: int, error: CorruptFileError) -> CorruptFileError:
    return CorruptFileError(f"block {number} at byte {offset} of the file is damaged: {error}; {SALVAGE_HINT}")
