"""The face of the archive room: streams and byte strings, compressed and brought back.

`compress` and `decompress` are the daily names; streams take files and pipes of any length.
"""

import io
from collections.abc import Callable
from pathlib import Path

from laconic.archive.access import open_block
from laconic.archive.inspection import inspect_stream
from laconic.archive.ports import ByteSink, FileSource
from laconic.archive.reader import read_stream
from laconic.archive.salvage import salvage_stream
from laconic.archive.summary import KindTotal, Loss, Summary
from laconic.archive.writer import compress_stream
from laconic.bytelm.base import AbstractByteLM
from laconic.bytelm.registry import as_byte_lm

__all__ = [
    "KindTotal",
    "Loss",
    "Summary",
    "compress",
    "compress_stream",
    "decompress",
    "decompress_stream",
    "inspect_stream",
    "open_block",
]


def compress(data: bytes, model: str | Path | AbstractByteLM = "default", *, precision: int = 20) -> bytes:
    """Compress a byte string; `decompress` gives the same bytes back on any machine.

    Never more than 0.1 % plus 64 bytes longer than the data.

    Args:
        data: any bytes; text of the kind the model knows becomes shortest.
        model: `default`, `light`, the path of a model's .safetensors file, or a byte model.
        precision: bits of the model's counts, 12 to 24. More is no better than 20 for most models.

    Raises:
        UsageError: no model has this name.

    Examples:
        >>> len(compress(b"a" * 1000, "uniform"))
        45
    """
    sink = io.BytesIO()
    compress_stream(io.BytesIO(data), sink, model=as_byte_lm(model), precision=precision)
    return sink.getvalue()


def decompress(blob: bytes, model: str | Path | AbstractByteLM | None = None) -> bytes:
    """Bring back what `compress` was given, verified.

    Args:
        blob: what `compress`, or the command line, wrote.
        model: needed only where the model did not come with laconic.

    Raises:
        CorruptFileError: altered, cut short, or no such blob at all.
        FormatVersionError: a newer laconic wrote it.
        ModelMismatchError: it needs a model that is not at hand, or not the one that was named.

    Examples:
        >>> decompress(compress(b"the same bytes", "uniform"))
        b'the same bytes'
    """
    sink = io.BytesIO()
    read_stream(io.BytesIO(blob), sink, model=None if model is None else as_byte_lm(model))
    return sink.getvalue()


def decompress_stream(
    source: FileSource,
    sink: ByteSink,
    *,
    model: AbstractByteLM | None = None,
    salvage: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Summary:
    """Write the text of a compressed source into a sink: `read_stream`, or `salvage_stream` for what damage has left.

    Args:
        source: read in order; need not be seekable.
        sink: written to in order.
        model: the byte model; found by its fingerprint when None.
        salvage: pass over damage instead of refusing it; `Summary.losses` says what is missing.
        progress: told how many bytes of the source are done.
    """
    if salvage:
        return salvage_stream(source, sink, model=model, progress=progress)
    return read_stream(source, sink, model=model, progress=progress)
