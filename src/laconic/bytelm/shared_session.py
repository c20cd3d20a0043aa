"""A session whose rows are shared out among threads. Rows do not depend on each other, so no thread waits for another's."""

import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import final

import numpy as np
from jaxtyping import Integer, UInt32

from laconic.bytelm.base import AbstractSession, CountFormat
from laconic.bytelm.memoryless import check_alphabet
from laconic.bytelm.threads import single_products


@final
class SharedSession(AbstractSession):
    """Several sessions side by side as one; each is advanced by a thread of its own.

    Args:
        start: begins a session of so many rows. What it does in `cumulative` should release the interpreter's lock.
        batch: B, how many rows there are altogether.
        threads: how many sessions, at most B.
        form: how predictions are stated.
    """

    def __init__(self, start: Callable[[int], AbstractSession], batch: int, threads: int, form: CountFormat) -> None:
        bounds = [batch * thread // threads for thread in range(threads + 1)]
        self._rows = [slice(first, last) for first, last in itertools.pairwise(bounds)]
        self._parts: Sequence[AbstractSession] = [start(rows.stop - rows.start) for rows in self._rows]
        self._edges_BC = np.zeros((batch, form.symbols + 1), np.uint32)
        self._pool = ThreadPoolExecutor(threads)

    def cumulative(self) -> UInt32[np.ndarray, "B C"]:
        """The prediction of the next symbol for each row; overwritten by the next call."""
        with single_products():
            others = [self._pool.submit(self._predict, part) for part in range(1, len(self._parts))]
            try:
                self._predict(0)
            finally:
                # Whatever happens here: nobody may still write when the caller goes on.
                errors = [other.exception() for other in others]
        for error in filter(None, errors):
            raise error
        return self._edges_BC

    def append(self, symbols_B: Integer[np.ndarray, "B"]) -> None:
        """Add one symbol to each row's context; negative entries leave their rows alone.

        Raises:
            ValueError: a symbol is not in the alphabet.
        """
        check_alphabet(symbols_B, self._edges_BC.shape[1] - 1)
        for part, rows in zip(self._parts, self._rows, strict=True):
            part.append(symbols_B[rows])

    def truncate(self, lengths_B: Integer[np.ndarray, "B"]) -> None:
        """Keep only the first symbols of each row's context, any number of them."""
        for part, rows in zip(self._parts, self._rows, strict=True):
            part.truncate(lengths_B[rows])

    def _predict(self, part: int) -> None:
        self._edges_BC[self._rows[part]] = self._parts[part].cumulative()
