"""Files opened for reading whatever they are packed with: plain, .gz, .bz2, .xz or .zst, by the end of their name."""

import bz2
import contextlib
import gzip
import io
import lzma
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast, final

from laconic.errors import CorruptFileError, MissingDataError, missing_extra

PACKED = (".gz", ".bz2", ".xz", ".zst")
"""Ends of names that say how a file is packed."""

_ZST_CHUNK = 1 << 10
_ZST_MAX_WINDOW = 1 << 31


def unpacked_name(path: Path) -> str:
    """The name of a file without the end that says how it is packed."""
    return path.stem if path.suffix.lower() in PACKED else path.name


@contextlib.contextmanager
def open_unpacked(path: Path) -> Iterator[io.BufferedIOBase]:
    """Open a file as a stream of its unpacked bytes.

    Raises:
        MissingDataError: the file is not there, or reading it fails midway.
        CorruptFileError: it is not packed as its name says, or it is cut short.
        MissingExtraError: a .zst file without the package `zstandard`.
    """
    with sentences(path), path.open("rb") as packed:
        yield _unpack(packed, path.suffix.lower())


@contextlib.contextmanager
def sentences(path: Path) -> Iterator[None]:
    """Turn the errors of reading and unpacking a file into sentences that name it."""
    try:
        yield
    except (EOFError, lzma.LZMAError, zlib.error) as error:
        raise _corrupt(path, error) from error
    except OSError as error:
        # The unpackers report bad data as an OSError without a number.
        if error.errno is None:
            raise _corrupt(path, error) from error
        raise MissingDataError(f"cannot read {path}: {error.strerror}; check that it exists and is readable") from error


def _corrupt(path: Path, error: Exception) -> CorruptFileError:
    reason = str(error).rstrip(".") or type(error).__name__
    return CorruptFileError(f"{path} is not a whole {path.suffix or 'plain'} file ({reason}): fetch or pack it again")


def _unpack(packed: io.BufferedIOBase, suffix: str) -> io.BufferedIOBase:
    if suffix == ".gz":
        return gzip.GzipFile(fileobj=packed, mode="rb")
    if suffix == ".bz2":
        return bz2.BZ2File(packed)
    if suffix == ".xz":
        return lzma.LZMAFile(cast(BinaryIO, packed))
    if suffix == ".zst":
        return io.BufferedReader(_ZstdReader(packed), buffer_size=1 << 17)
    return packed


@final
class _ZstdReader(io.RawIOBase):
    """Zstandard frames as a raw stream. The package's own reader takes a file that is cut short for a whole one."""

    def __init__(self, packed: io.BufferedIOBase) -> None:
        try:
            import zstandard
        except ImportError as error:
            raise missing_extra("zstandard", "zstd", "reading .zst files") from error
        self._packed = packed
        self._error = zstandard.ZstdError
        self._unpacker = zstandard.ZstdDecompressor(max_window_size=_ZST_MAX_WINDOW)
        self._frame: Any = None
        self._input = b""
        self._output = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._output:
            if not self._input:
                # Small bites: a hostile frame unpacks to at most 32,768 times its size.
                self._input = self._packed.read(_ZST_CHUNK)
            if not self._input:
                if self._frame is not None:
                    raise EOFError("the last frame is cut short")
                return 0
            self._output = memoryview(self._feed())
        size = min(len(buffer), len(self._output))
        buffer[:size] = self._output[:size]
        self._output = self._output[size:]
        return size

    def _feed(self) -> bytes:
        if self._frame is None:
            self._frame = self._unpacker.decompressobj()
        try:
            output: bytes = self._frame.decompress(self._input)
        except self._error as error:
            raise EOFError(str(error)) from error
        self._input = self._frame.unused_data if self._frame.eof else b""
        if self._frame.eof:
            self._frame = None
        return output
