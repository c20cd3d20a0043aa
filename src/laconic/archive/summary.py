"""What is told about a file after it was written, read, mended or looked at."""

from dataclasses import asdict, dataclass, field
from typing import Any

from laconic.archive.frames import BLOCK_KINDS, Frame


@dataclass(kw_only=True)
class KindTotal:
    """The blocks of one kind.

    Attributes:
        blocks: how many.
        text_bytes: text in them.
        file_bytes: their payloads and frames.
    """

    blocks: int = 0
    text_bytes: int = 0
    file_bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class Loss:
    """A stretch of a file that could not be turned back into text.

    Attributes:
        file_start: first byte of the file that is damaged or missing.
        file_stop: first byte of the file beyond.
        text_start: first byte of the text that is lost, or None where nobody can tell.
        text_stop: first byte of the text beyond, or None where nobody can tell.
    """

    file_start: int
    file_stop: int
    text_start: int | None
    text_stop: int | None

    def __str__(self) -> str:
        """In words, for people."""
        where = f"bytes {self.file_start} to {self.file_stop - 1} of the file"
        if self.file_stop <= self.file_start:
            where = f"what followed byte {self.file_start} of the file"
        if self.text_start is None or self.text_stop is None:
            after = "somewhere in the text" if self.text_start is None else f"from byte {self.text_start} of the text on"
            return f"text of unknown length, {after} ({where})"
        return f"bytes {self.text_start} to {self.text_stop - 1} of the text ({where})"


@dataclass(kw_only=True)
class Summary:
    """What a file holds.

    Attributes:
        model: the fingerprint of the byte model, sixteen hex digits; empty where the header is unreadable.
        precision: bits of its counts; 0 where the header is unreadable.
        text_bytes: length of the text, of what could be recovered of it after damage.
        file_bytes: length of the file.
        kinds: the blocks by kind.
        notes: sentences about damage that cost no text.
        losses: damage that did.
    """

    model: str = ""
    precision: int = 0
    text_bytes: int = 0
    file_bytes: int = 0
    kinds: dict[str, KindTotal] = field(default_factory=lambda: {kind.label: KindTotal() for kind in BLOCK_KINDS})
    notes: list[str] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)

    @property
    def blocks(self) -> int:
        """How many blocks there are."""
        return sum(total.blocks for total in self.kinds.values())

    @property
    def bits_per_byte(self) -> float | None:
        """Bits of the file for each byte of the text; None without text."""
        return 8 * self.file_bytes / self.text_bytes if self.text_bytes else None

    def add(self, frame: Frame, frame_bytes: int) -> None:
        """Count one block whose frame, payload included, takes `frame_bytes` of the file."""
        total = self.kinds[frame.kind.label]
        total.blocks += 1
        total.text_bytes += frame.text_length
        total.file_bytes += frame_bytes
        self.text_bytes += frame.text_length

    def as_dict(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return {"blocks": self.blocks, "bits_per_byte": self.bits_per_byte} | asdict(self)
