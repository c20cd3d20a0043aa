"""A vocabulary as a table: what every id stands for, so that decoding is one gather."""

from collections.abc import Sequence
from typing import final

import numpy as np
from jaxtyping import Int32, Int64, UInt16

from laconic.tokens.base import check_ids


@final
class PieceTable:
    """The symbols behind each id."""

    def __init__(self, pieces: Sequence[Sequence[int]]) -> None:
        """Lay the pieces out in one array.

        Args:
            pieces: for each id the symbols (0 to 256) it stands for; a byte string is such a sequence.
        """
        self._lengths_V = np.array([len(piece) for piece in pieces], np.int64)
        self._starts_V = np.cumsum(self._lengths_V) - self._lengths_V
        self._symbols = np.fromiter((symbol for piece in pieces for symbol in piece), np.uint16)

    def __len__(self) -> int:
        """How many ids there are."""
        return int(self._lengths_V.size)

    def lengths(self, ids_T: Int32[np.ndarray, "T"]) -> Int64[np.ndarray, "T"]:
        """How many symbols each id stands for.

        Raises:
            CorruptFileError: an id that is not in the table.
        """
        check_ids([ids_T], len(self))
        lengths_T: Int64[np.ndarray, "T"] = self._lengths_V[ids_T]
        return lengths_T

    def join(self, ids_T: Int32[np.ndarray, "T"]) -> UInt16[np.ndarray, "_"]:
        """The symbols of all ids in order.

        Raises:
            CorruptFileError: an id that is not in the table.
        """
        lengths_T = self.lengths(ids_T)
        shifts_T = self._starts_V[ids_T] - (np.cumsum(lengths_T) - lengths_T)
        places = np.repeat(shifts_T, lengths_T) + np.arange(lengths_T.sum())
        symbols: UInt16[np.ndarray, "_"] = self._symbols[places]
        return symbols
