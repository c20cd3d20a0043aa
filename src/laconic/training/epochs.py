"""Where a run is in its epochs: which rows come next for this process, and a position of two numbers to resume from."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Int64

from laconic.errors import CorruptFileError


@dataclass(frozen=True, kw_only=True)
class Taken:
    """Rows that were handed out.

    Attributes:
        numbers_B: which segments or examples they are.
        batch: of which batch of the epoch, from 0.
        first: the place of the first of them among the rows of that batch.
    """

    numbers_B: Int64[np.ndarray, "B"]
    batch: int
    first: int


@final
class Epochs:
    """Hands out this process's share of batch after batch, epoch after epoch.

    Args:
        lay_out: given the number of an epoch, which rows make which batch; must depend on nothing else.
        batches: in an epoch.
        rows: of a batch, over all processes.
        rank: which process this is.
        world: how many processes share the batches.

    Raises:
        ValueError: rows that the processes cannot share.
    """

    def __init__(
        self,
        lay_out: Callable[[int], Int64[np.ndarray, "N B"]],
        *,
        batches: int,
        rows: int,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        if rows % world:
            raise ValueError(f"rows is {rows}, but must be a multiple of the {world} processes")
        self._lay_out, self._batches, self._share, self._rank = lay_out, batches, rows // world, rank
        self._begin(0)

    def take(self, rows: int) -> Taken:
        """The next rows of this process's share of a batch: all of them, or a part.

        Raises:
            ValueError: more rows than are left of the share.
        """
        batch, taken = divmod(self._taken, self._share)
        if rows > self._share - taken:
            raise ValueError(f"{rows} rows are asked for, but {self._share - taken} are left of the batch")
        if batch == self._batches:
            self._begin(self._epoch + 1)
            batch = 0
        self._taken += rows
        first = self._rank * self._share + taken
        return Taken(numbers_B=self._places[batch, first : first + rows], batch=batch, first=first)

    def state(self) -> dict[str, Any]:
        """The position, as JSON can hold it."""
        return {"epoch": self._epoch, "taken": self._taken}

    def restore(self, state: dict[str, Any]) -> None:
        """Go to a position that `state` returned.

        Raises:
            CorruptFileError: no such position.
        """
        epoch, taken = state.get("epoch"), state.get("taken")
        if type(epoch) is not int or type(taken) is not int or epoch < 0 or not 0 <= taken <= self._batches * self._share:
            raise CorruptFileError(f"the saved position in the data is {state}, which no run wrote: use another checkpoint")
        self._begin(epoch)
        self._taken = taken

    def _begin(self, epoch: int) -> None:
        self._places = self._lay_out(epoch)
        self._epoch, self._taken = epoch, 0


def random_of(seed: int, epoch: int) -> np.random.Generator:
    """The random numbers of one epoch."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, epoch])))


def permutation(rng: np.random.Generator, size: int) -> Int64[np.ndarray, "_"]:
    """The numbers below `size` in an order that the generator decides, the same with every version of NumPy."""
    # Raw bits, because NumPy promises those for ever, and may change its own shuffling between versions.
    order: np.ndarray = np.argsort(rng.bit_generator.random_raw(size), kind="stable")
    return order
