"""What models share whose prediction never changes: one row of edges serves every context."""

from typing import final

import numpy as np
from jaxtyping import Integer, UInt16, UInt32

from laconic.bytelm.base import AbstractSession


@final
class MemorylessSession(AbstractSession):
    """A batch of contexts that do not matter."""

    def __init__(self, edges_C: UInt32[np.ndarray, "C"], batch: int) -> None:
        self._edges_BC = np.ascontiguousarray(np.broadcast_to(edges_C, (batch, edges_C.shape[0])))

    def cumulative(self) -> UInt32[np.ndarray, "B C"]:
        """The same edges for each row."""
        return self._edges_BC

    def append(self, symbols_B: Integer[np.ndarray, "B"]) -> None:
        """Nothing is remembered."""

    def truncate(self, lengths_B: Integer[np.ndarray, "B"]) -> None:
        """Nothing is forgotten."""


def repeat_edges(edges_C: UInt32[np.ndarray, "C"], symbols_BT: UInt16[np.ndarray, "B T"]) -> UInt32[np.ndarray, "B T C"]:
    """The edges at every position of `symbols_BT`."""
    return np.ascontiguousarray(np.broadcast_to(edges_C, (*symbols_BT.shape, edges_C.shape[0])))


def look_up_ranges(
    edges_C: UInt32[np.ndarray, "C"], symbols_BT: UInt16[np.ndarray, "B T"], lengths_B: Integer[np.ndarray, "B"]
) -> tuple[UInt32[np.ndarray, "B T"], UInt32[np.ndarray, "B T"]]:
    """The two edges of each actual symbol; 0 beyond the lengths.

    Raises:
        ValueError: a symbol is not in the alphabet.
    """
    real_BT = np.arange(symbols_BT.shape[1]) < lengths_B[:, None]
    symbols_BT = np.where(real_BT, symbols_BT, 0)
    check_alphabet(symbols_BT, edges_C.shape[0] - 1)
    starts_BT, stops_BT = edges_C[symbols_BT], edges_C[symbols_BT + 1]
    return np.where(real_BT, starts_BT, np.uint32(0)), np.where(real_BT, stops_BT, np.uint32(0))


def check_alphabet(symbols: Integer[np.ndarray, "..."], size: int) -> None:
    """Refuse symbols that the format has no counts for.

    Raises:
        ValueError: a symbol is `size` or more.
    """
    if symbols.size and symbols.max() >= size:
        raise ValueError(f"symbol {symbols.max()} is not among the {size} symbols of this format: use eos=True for symbol 256")
