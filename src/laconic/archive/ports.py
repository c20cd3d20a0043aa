"""What this room asks of the things it reads from and writes to: files, pipes and `io.BytesIO` all have it."""

from typing import Protocol, runtime_checkable


@runtime_checkable
class ByteSource(Protocol):
    """Something to read from, front to back."""

    def read(self, size: int = -1, /) -> bytes:
        """Up to `size` bytes; none at the end alone."""
        ...


@runtime_checkable
class FileSource(ByteSource, Protocol):
    """Something to read from in which one can jump, or which says that one cannot."""

    def seekable(self) -> bool:
        """Whether `seek` works; pipes say no."""
        ...

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to an offset from the start (whence 0) or the end (2) and return the offset from the start."""
        ...


@runtime_checkable
class ByteSink(Protocol):
    """Something to write to, in order."""

    def write(self, data: bytes, /) -> object:
        """Take all of `data`."""
        ...
