"""Reading a file in order, with a look ahead, and never more memory than what really is there."""

from typing import final

from laconic.archive.ports import ByteSource
from laconic.errors import CorruptFileError

_PIECE = 1 << 16


@final
class Cursor:
    """A place in a source that is read front to back; pipes will do.

    Args:
        source: where the bytes come from.
        offset: how many bytes of the file came before, for messages.
    """

    def __init__(self, source: ByteSource, offset: int = 0) -> None:
        self._source = source
        self._held = b""
        self._offset = offset

    @property
    def offset(self) -> int:
        """How many bytes of the file lie before this place."""
        return self._offset

    def peek(self, size: int) -> bytes:
        """The next `size` bytes, fewer where the file ends, without moving on."""
        while len(self._held) < size and (more := self._source.read(max(_PIECE, size - len(self._held)))):
            self._held += more
        return self._held[:size]

    def skip(self, size: int) -> None:
        """Move on over bytes that `peek` has shown."""
        self._held = self._held[size:]
        self._offset += size

    def take(self, size: int) -> bytes:
        """The next `size` bytes; memory grows only as they arrive.

        Raises:
            CorruptFileError: the file ends before.
        """
        taken = bytearray(self._held[:size])
        while len(taken) < size and (more := self._source.read(min(_PIECE, size - len(taken)))):
            taken += more
        self._held = self._held[size:]
        self._offset += len(taken)
        if len(taken) < size:
            raise CorruptFileError(f"the file ends after {len(taken)} of {size} bytes that were to follow")
        return bytes(taken)
