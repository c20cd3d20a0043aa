"""Files and pipes for the verbs that turn one stream of bytes into another."""

import contextlib
import io
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, final

from laconic.archive.ports import ByteSink, ByteSource, FileSource
from laconic.errors import LaconicError, OutputError, UsageError
from laconic.records.files import open_atomic

PIPE = "-"
"""The name of standard input, or of standard output."""


@contextlib.contextmanager
def open_input(name: str) -> Iterator[tuple[FileSource, int | None]]:
    """Open a file, or standard input for `-`.

    Yields:
        The bytes, and how many there are: None for pipes.

    Raises:
        LaconicError: it cannot be opened; or, later, a read fails or a file turns out shorter than it was.
    """
    if name == PIPE:
        yield sys.stdin.buffer, None
        return
    try:
        file = io.FileIO(name)
    except OSError as error:
        raise LaconicError(f"cannot read {name}: {error.strerror}; check the path") from error
    with file:
        status = os.fstat(file.fileno())
        size = status.st_size if stat.S_ISREG(status.st_mode) else None
        yield io.BufferedReader(_Watched(file, name, size), 1 << 16), size


@contextlib.contextmanager
def open_output(name: str, *, force: bool) -> Iterator[ByteSink]:
    """Open a file that will appear whole or not at all; or standard output for `-`, or a device, as they are.

    Args:
        name: the path, or `-`.
        force: write over a file that exists.

    Raises:
        OutputError: it exists, or cannot be written.
    """
    path = Path(name)
    if name == PIPE:
        with _standard_output() as stream:
            yield stream
    elif path.exists() and not path.is_file():
        with _device(path) as stream:
            yield stream
    elif path.exists() and not force:
        raise OutputError(f"{name} exists already: --force writes over it, -o names another file")
    else:
        with open_atomic(path) as stream:
            yield stream


def refuse_terminal(name: str) -> None:
    """Keep compressed bytes off a screen.

    Raises:
        UsageError: the output is standard output, and that is a terminal.
    """
    if name == PIPE and sys.stdout.isatty():
        raise UsageError("compressed bytes would go to the terminal: name a file with -o, or pipe them somewhere")


def put_back(head: bytes, rest: ByteSource) -> FileSource:
    """A stream that hands out what was already read, and then what is left."""
    return io.BufferedReader(_Chain(head, rest), 1 << 16)


@contextlib.contextmanager
def _standard_output() -> Iterator[ByteSink]:
    """Standard output on a descriptor of its own, so that nothing stays in a buffer when writing fails."""
    sys.stdout.flush()
    try:
        with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as stream:
            yield stream
    except BrokenPipeError as error:
        raise OutputError("the program that was to read the output went away before all of it was written") from error


@contextlib.contextmanager
def _device(path: Path) -> Iterator[ByteSink]:
    try:
        with path.open("wb") as stream:
            yield stream
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}; choose another output") from error


@final
class _Watched(io.RawIOBase):
    """A file whose failures while it is read are told as failures of the input."""

    def __init__(self, file: io.FileIO, name: str, size: int | None) -> None:
        self._file, self._name, self._size = file, name, size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._file.seekable()

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._file.seek(offset, whence)

    def readinto(self, buffer: Any, /) -> int:
        try:
            count = self._file.readinto(buffer) or 0
        except OSError as error:
            raise LaconicError(f"cannot go on reading {self._name}: {error.strerror}; check the disk and run again") from error
        if count == 0 and self._size is not None and len(buffer) and self._file.tell() < self._size:
            raise LaconicError(
                f"{self._name} ended at byte {self._file.tell()} of {self._size}: it was cut while it was read; run again"
            )
        return count


@final
class _Chain(io.RawIOBase):
    """Bytes in hand, then a stream."""

    def __init__(self, head: bytes, rest: ByteSource) -> None:
        self._head, self._rest = memoryview(head), rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        if self._head:
            count = min(len(self._head), len(buffer))
            buffer[:count], self._head = self._head[:count], self._head[count:]
            return count
        data = self._rest.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
