"""How `compress` cuts a text into blocks. A choice of the writer: readers take any cut."""

import itertools
from dataclasses import dataclass

from laconic.archive.coding import MAX_ROWS
from laconic.archive.frames import MAX_TEXT

SMALL_BLOCK, LARGE_BLOCK = 1 << 14, 1 << 16
"""Blocks hold 16 to 64 KiB: a short file is cut finely enough to decode its blocks together, a long one saves frames."""

_BLOCKS_OF_A_SHORT_FILE = 64
"""Blocks are decoded side by side, and with so many the work shared by all no longer counts. Each costs a frame of 12 bytes
and, for an empty context, about one more: blocks of 16 KiB cost 0.3 % more than those of 64."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a text is cut.

    Attributes:
        block_bytes: text per block, 1 to 262,144 bytes; by the size of the text when None.
        batch_bytes: how much text is held and worked on at once, 1 to 4 MiB, and at most 512 blocks.
        join: whether a batch may become one LZMA2 block where that is smaller, though damage then costs all of it, and raw
            neighbours one raw block. Without it, short blocks of noise grow by more than 0.1 %.
    """

    block_bytes: int | None = None
    batch_bytes: int = MAX_TEXT["xz"]
    join: bool = True

    def __post_init__(self) -> None:
        if self.block_bytes is not None and not 1 <= self.block_bytes <= MAX_TEXT["coded"]:
            raise ValueError(f"block_bytes is {self.block_bytes}, but must lie between 1 and {MAX_TEXT['coded']}")
        if not 1 <= self.batch_bytes <= MAX_TEXT["xz"]:
            raise ValueError(f"batch_bytes is {self.batch_bytes}, but must lie between 1 and {MAX_TEXT['xz']}")

    @property
    def read_bytes(self) -> int:
        """How much text to gather before it is cut."""
        return self.batch_bytes if self.block_bytes is None else min(self.batch_bytes, self.block_bytes * MAX_ROWS)

    def cut(self, text: bytes, whole: bool) -> list[bytes]:
        """Cut one batch into blocks whose lengths differ by one byte at most.

        Args:
            text: up to `read_bytes`.
            whole: this is all the text there is.
        """
        size = self.block_bytes
        if size is None:
            share = -(-len(text) // _BLOCKS_OF_A_SHORT_FILE)
            size = min(max(share, SMALL_BLOCK), LARGE_BLOCK) if whole else LARGE_BLOCK
        blocks = -(-len(text) // size)
        edges = [len(text) * block // blocks for block in range(blocks + 1)] if blocks else [0]
        return [text[start:stop] for start, stop in itertools.pairwise(edges)]
