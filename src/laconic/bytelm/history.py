"""What a session has read: the symbols of each of its contexts."""

from typing import final

import numpy as np
from jaxtyping import Integer

from laconic.bytelm.memoryless import check_alphabet
from laconic.compiled import kernel

_FIRST_CAPACITY = 64


@final
class History:
    """The symbols of a batch of contexts: two bytes each, in an array that doubles where it is full.

    Args:
        batch: B, how many contexts; all begin empty.
        alphabet: how many symbols there are.

    Attributes:
        symbols_BT: uint16; each row's symbols from the left. What stands at its length and beyond means nothing.
        lengths_B: int64; how many symbols each row has.
    """

    def __init__(self, batch: int, alphabet: int) -> None:
        self._alphabet = alphabet
        self.symbols_BT = np.zeros((batch, _FIRST_CAPACITY), np.uint16)
        self.lengths_B = np.zeros(batch, np.int64)

    def append(self, symbols_B: Integer[np.ndarray, "B"]) -> None:
        """Add one symbol to each row; negative entries leave their rows alone.

        Raises:
            ValueError: a symbol is not in the alphabet.
        """
        check_alphabet(symbols_B, self._alphabet)
        if self.lengths_B.max(initial=0) == self.symbols_BT.shape[1]:
            self.symbols_BT = np.concatenate([self.symbols_BT, np.zeros_like(self.symbols_BT)], axis=1)
        _append(symbols_B.astype(np.int64, copy=False), self.symbols_BT, self.lengths_B)

    def truncate(self, lengths_B: Integer[np.ndarray, "B"]) -> None:
        """Keep only the first symbols of each row: none where a length is negative, all where it is not shorter."""
        self.lengths_B = np.minimum(self.lengths_B, np.maximum(lengths_B, 0))


@kernel()
def _append(symbols_B: np.ndarray, history_BT: np.ndarray, lengths_B: np.ndarray) -> None:
    """Write each symbol that is not negative behind the history of its row."""
    for row in range(symbols_B.size):
        if symbols_B[row] >= 0:
            history_BT[row, lengths_B[row]] = symbols_B[row]
            lengths_B[row] += 1
