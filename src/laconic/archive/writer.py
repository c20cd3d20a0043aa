"""Text in, file out: gathered in batches, cut into blocks, each written in the smallest of three ways."""

from collections.abc import Callable, Iterator, Sequence
from typing import final

import xxhash

from laconic.archive.coding import encode_texts
from laconic.archive.frames import End, Frame, Kind
from laconic.archive.header import Header
from laconic.archive.index import IndexBuilder
from laconic.archive.layout import LARGE_BLOCK, Layout
from laconic.archive.ports import ByteSink, ByteSource
from laconic.archive.squeeze import squeeze
from laconic.archive.summary import Summary
from laconic.bytelm.base import AbstractByteLM

Block = tuple[Frame, bytes]
"""A frame and the payload that follows it."""

_WORTH_CODING = 40
"""One block of several stays raw unless coding it saves so many bytes: more than its frame and its neighbour's cost, so
that no text grows by a frame for every block."""

_WORTH_JOINING = 100
"""Blocks are joined into one only for a gain of one part in so many: damage then costs all of them."""


def compress_stream(
    source: ByteSource,
    sink: ByteSink,
    *,
    model: AbstractByteLM,
    precision: int = 20,
    layout: Layout | None = None,
    progress: Callable[[int], None] | None = None,
) -> Summary:
    """Compress everything that a source holds, in memory that does not depend on how much that is.

    What is written depends on the text, the model, the precision and the layout alone (and, for blocks that LZMA2 codes
    best, on the release of liblzma), never on how the source hands out its bytes.

    Args:
        source: read to its end; need not be seekable.
        sink: written to in order; need not be seekable.
        model: the byte model; its fingerprint goes into the header.
        precision: bits of its counts, 12 to 24.
        layout: how the text is cut; the default one when None.
        progress: told how many bytes of text are done.

    Returns:
        What was written.
    """
    layout, writer, done = layout or Layout(), None, 0
    for text, last in read_batches(source, layout.read_bytes):
        texts = layout.cut(text, whole=last and writer is None)
        report = None if progress is None else _within(progress, done, len(text))
        blocks = choose_blocks(texts, model, precision, join=layout.join, report=report)
        if writer is None:
            header = Header(fingerprint=model.fingerprint, precision=precision, single=last and len(blocks) == 1)
            writer = _Writer(sink, header)
        writer.write(text, blocks)
        done += len(text)
        if progress is not None:
            progress(done)
        del text, texts, blocks
    assert writer is not None, "an empty source is one empty batch"
    return writer.finish()


def _within(progress: Callable[[int], None], done: int, size: int) -> Callable[[float], None]:
    """Tell in bytes what is told as a part of a batch."""
    return lambda part: progress(done + int(part * size))


def read_batches(source: ByteSource, size: int) -> Iterator[tuple[bytes, bool]]:
    """Cut a source into batches of `size` bytes, the last of which may be shorter, and know which is the last.

    Yields:
        A batch, and whether it is the last; an empty source is one empty batch.
    """
    ahead = source.read(1)
    while True:
        batch = ahead + read_full(source, size - 1) if ahead else b""
        ahead = source.read(1) if len(batch) == size else b""
        yield batch, not ahead
        del batch
        if not ahead:
            return


def choose_blocks(
    texts: Sequence[bytes],
    model: AbstractByteLM,
    precision: int,
    *,
    join: bool,
    report: Callable[[float], None] | None = None,
) -> list[Block]:
    """The smallest form of neighbouring texts: each as it is, coded by the model or by LZMA2.

    Args:
        texts: to become blocks.
        model: who predicts.
        precision: bits of its counts.
        join: neighbours that stay as they are, or nearly so, share a block, and all become one LZMA2 block where that is
            clearly smaller still.
        report: told now and then which part of the work, 0 to 1, is done.
    """
    if not texts:
        return []
    codes = encode_texts(texts, model, precision, report)
    least_gain = _WORTH_CODING if join and len(texts) > 1 else 1
    blocks = [_smallest(text, code, least_gain) for text, code in zip(texts, codes, strict=True)]
    if not join or len(texts) == 1:
        return blocks
    blocks = _join_raw(blocks)
    together = b"".join(texts)
    apart = sum(len(frame.pack()) + len(payload) for frame, payload in blocks)
    squeezed = squeeze(together, min(apart - apart // _WORTH_JOINING, len(together)))
    return blocks if squeezed is None else [_frame(Kind.XZ, together, squeezed)]


def _smallest(text: bytes, code: bytes, least_gain: int) -> Block:
    limit = len(text) - least_gain
    squeezed = squeeze(text, min(len(code), limit + 1))
    if squeezed is not None:
        return _frame(Kind.XZ, text, squeezed)
    return _frame(Kind.CODED, text, code) if len(code) <= limit else _frame(Kind.RAW, text, text)


def _join_raw(blocks: Sequence[Block]) -> list[Block]:
    """Put raw neighbours into one block, as long as it stays below the size that blocks of long texts have."""
    joined: list[Block] = []
    for frame, payload in blocks:
        last = joined[-1] if joined else None
        both_raw = last is not None and last[0].kind == frame.kind == Kind.RAW
        if last is not None and both_raw and len(last[1]) + len(payload) <= LARGE_BLOCK:
            together = last[1] + payload
            joined[-1] = _frame(Kind.RAW, together, together)
        else:
            joined.append((frame, payload))
    return joined


def _frame(kind: Kind, text: bytes, payload: bytes) -> Block:
    checksum = xxhash.xxh32_intdigest(text)
    return Frame(kind=kind, text_length=len(text), payload_length=len(payload), checksum=checksum), payload


def read_full(source: ByteSource, size: int) -> bytes:
    """Read `size` bytes, or all there are; pipes hand out less at a time than was asked for."""
    first = source.read(size)
    if len(first) in (0, size):
        return first
    gathered = bytearray(first)
    while len(gathered) < size and (more := source.read(size - len(gathered))):
        gathered += more
    return bytes(gathered)


@final
class _Writer:
    """Puts header, blocks, end and index into a sink, and counts."""

    def __init__(self, sink: ByteSink, header: Header) -> None:
        self.summary = Summary(model=f"{header.fingerprint:016x}", precision=header.precision)
        self._sink = sink
        self._single = header.single
        self._index = IndexBuilder()
        self._text = xxhash.xxh64()
        self._put(header.pack())

    def write(self, text: bytes, blocks: Sequence[Block]) -> None:
        self._text.update(text)
        for frame, payload in blocks:
            self._index.add(self.summary.text_bytes, self.summary.file_bytes)
            packed = frame.pack()
            self._put(packed)
            self._put(payload)
            self.summary.add(frame, len(packed) + len(payload))

    def finish(self) -> Summary:
        if not self._single:
            text_length, offset = self.summary.text_bytes, self.summary.file_bytes
            self._put(End(blocks=self._index.blocks, text_length=text_length, checksum=self._text.intdigest()).pack())
            if self._index.blocks > 1:
                self._put(self._index.finish(text_length, offset).pack())
        return self.summary

    def _put(self, data: bytes) -> None:
        self._sink.write(data)
        self.summary.file_bytes += len(data)
