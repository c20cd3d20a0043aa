"""Bookkeeping of salvage: which stretches of the text were kept, which were lost, and where they lay."""

from dataclasses import dataclass
from typing import final

from laconic.archive.index import Index
from laconic.archive.summary import Loss


@dataclass(kw_only=True)
class _Stretch:
    """Neighbouring blocks with the same fate: their place in the file, their text's length and, once known, its place."""

    kept: bool
    file_start: int
    file_stop: int
    length: int | None
    start: int | None = None
    stop: int | None = None


@final
class Ledger:
    """Notes stretches in the order of the file, and finds out afterwards which text the lost ones held.

    Args:
        index: of the file, if it survived: it knows where the text of each block begins.
    """

    def __init__(self, index: Index | None) -> None:
        self._starts = dict(zip(index.file_offsets, index.text_offsets, strict=True)) if index else {}
        self._stretches: list[_Stretch] = []

    def note(self, kept: bool, file_start: int, file_stop: int, length: int | None) -> None:
        """Add the next stretch of the file.

        Args:
            kept: whether its text was recovered.
            file_start: its first byte in the file.
            file_stop: the first byte beyond.
            length: bytes of its text, or None where nobody knows.
        """
        start = self._starts.get(file_start)
        last = self._stretches[-1] if self._stretches else None
        if last is None or last.kept != kept:
            self._stretches.append(
                _Stretch(kept=kept, file_start=file_start, file_stop=file_stop, length=length, start=start)
            )  # fmt: skip
            return
        if last.start is None and start is not None and last.length is not None:
            last.start = start - last.length
        last.length = None if last.length is None or length is None else last.length + length
        last.file_stop = file_stop

    def losses(self, text_length: int | None) -> list[Loss]:
        """What was lost, in order.

        Args:
            text_length: of the whole text, where the end of the file still tells.
        """
        self._count_forward()
        self._count_backward(text_length)
        return [
            Loss(file_start=piece.file_start, file_stop=piece.file_stop, text_start=piece.start, text_stop=piece.stop)
            for piece in self._stretches
            if not piece.kept
        ]

    def _count_forward(self) -> None:
        position: int | None = 0
        for piece in self._stretches:
            piece.start = position if piece.start is None else piece.start
            known = piece.start is not None and piece.length is not None
            piece.stop = position = piece.start + piece.length if known else None  # type: ignore[operator]

    def _count_backward(self, position: int | None) -> None:
        for piece in reversed(self._stretches):
            piece.stop = position if piece.stop is None else piece.stop
            if piece.start is None and piece.stop is not None and piece.length is not None:
                piece.start = piece.stop - piece.length
            position = piece.start
