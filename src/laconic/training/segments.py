"""Whole corpora as segments, with their documents: for methods that ask which rows of a batch belong together."""

from collections.abc import Callable, Sequence
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Int64

from laconic.errors import CorruptFileError, UsageError
from laconic.training.data import Encoded
from laconic.training.objective import Batch
from laconic.training.similar import similarity_chain

ORDERS = ("random", "consecutive", "parallel", "similar")


@final
class SegmentStream:
    """Documents joined and cut into segments, handed out epoch after epoch in one of four orders.

    `random`: segments in any order. `consecutive`: documents in any order, segments as they follow each other, so that a
    batch holds a stretch of text, or several shorter ones from anywhere (`run`). `parallel`: documents in any order, and each
    row of a batch goes on where it stopped in the batch before. `similar`: documents in their own order, and batches in any,
    each a stretch of the chain of similar segments (`laconic.training.similar`).

    Everything is held in memory, eight bytes for each token. What does not fill the last segment of an epoch, or its last
    batch, is left out.

    Args:
        documents: encoded, none of them empty.
        length: T, tokens in a segment.
        pad_id: the id that carries no text.
        rows: segments in the batch of all processes, which are handed out in as many calls as it takes.
        order: one of `ORDERS`.
        run: rows that follow each other, with `consecutive`; divides `rows`, and 0 stands for all of them. Stretches of one
            document that meet in a batch count as different documents.
        seed: what the orders depend on, at least 0.
        rank: which process this is; of each batch it gets the rows from `rank * rows / world` on.
        world: how many processes share the batches.
        progress: told how many segments of how many have been compared with the others, for `similar`.

    Raises:
        UsageError: the text is too short for a batch.
        MissingExtraError: `similar` needs the package bm25s.
    """

    def __init__(
        self,
        documents: Sequence[Encoded],
        *,
        length: int,
        pad_id: int,
        rows: int,
        order: str = "random",
        run: int = 0,
        seed: int = 0,
        rank: int = 0,
        world: int = 1,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        if order not in ORDERS:
            raise ValueError(f"order is {order!r}, but must be one of {', '.join(ORDERS)}")
        if run < 0 or (run and rows % run) or (run and order != "consecutive"):
            raise ValueError(f"run is {run}, but must divide the {rows} rows of a batch in consecutive order, or be 0")
        if rows % world:
            raise ValueError(f"rows is {rows}, but must be a multiple of the {world} processes")
        self._documents, self._length, self._pad_id, self._order, self._seed = documents, length, pad_id, order, seed
        self._rows, self._share, self._rank, self._run = rows, rows // world, rank, run or rows
        self._sizes = np.array([len(document.ids) for document in documents], np.int64)
        self._bytes = np.array([document.bytes for document in documents], np.int64)
        self.segments = int(self._sizes.sum()) // length
        self._batches = self.segments // rows
        if not self._batches:
            raise UsageError(f"the text has {self.segments} segments of {length} tokens, fewer than a batch of {rows}")
        self._epoch, self._taken = -1, 0
        self._chain = np.arange(self.segments)
        if order == "similar":
            tokens_N = np.concatenate([document.ids for document in documents])[: self.segments * length]
            self._chain = similarity_chain(tokens_N.reshape(-1, length), seed=seed, progress=progress)
        self._begin(0)

    @property
    def batches(self) -> int:
        """Batches in an epoch."""
        return self._batches

    def next_batch(self, rows: int) -> Batch:
        """The next rows of this process's share of the batch: all of them, or a part.

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
        chosen = self._places[batch, first : first + rows]
        begin_B = chosen * self._length
        place_BT = begin_B[:, None] + np.arange(self._length)
        size = self._bytes_before(begin_B + self._length) - self._bytes_before(begin_B)
        run_B = np.arange(first, first + rows) // self._run
        documents_BT = np.searchsorted(self._ends, place_BT, side="right") + run_B[:, None] * len(self._documents)
        return Batch(
            tokens_BT=torch.from_numpy(self._tokens_N[place_BT].astype(np.int64)),
            pad_id=self._pad_id,
            count=place_BT.size,
            bytes=int(size.sum()),
            documents_BT=torch.from_numpy(documents_BT),
            continues=self._order == "parallel" and batch > 0,
        )

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
            raise CorruptFileError(f"the saved position of the segments is {state}, which no run wrote: use another checkpoint")
        self._begin(epoch)
        self._taken = taken

    def _begin(self, epoch: int) -> None:
        """Lay out an epoch: the tokens in order, where documents end, and which segments make which batch."""
        rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([self._seed, epoch])))
        stays = self._order in ("random", "similar")
        order = np.arange(len(self._documents)) if stays else _permutation(rng, len(self._documents))
        self._tokens_N = np.concatenate([self._documents[index].ids for index in order.tolist()])
        self._ends, self._byte_ends = np.cumsum(self._sizes[order]), np.cumsum(self._bytes[order])
        numbers = _permutation(rng, self.segments) if self._order == "random" else self._chain
        numbers = numbers[: self._batches * self._rows]
        columns = self._order == "parallel"
        self._places = numbers.reshape(self._rows, self._batches).T if columns else numbers.reshape(self._batches, self._rows)
        if self._order == "similar":
            self._places = self._places[_permutation(rng, self._batches)]
        elif self._run < self._rows:
            runs = numbers.reshape(-1, self._run)
            self._places = runs[_permutation(rng, len(runs))].reshape(self._batches, self._rows)
        self._epoch, self._taken = epoch, 0

    def _bytes_before(self, place_B: Int64[np.ndarray, "B"]) -> Int64[np.ndarray, "B"]:
        """Bytes of the first so many tokens: of a document's n tokens, k stand for k / n of its bytes."""
        document_B = np.minimum(np.searchsorted(self._ends, place_B, side="left"), len(self._ends) - 1)
        size_B = np.diff(self._ends, prepend=0)[document_B]
        whole_B = np.diff(self._byte_ends, prepend=0)[document_B]
        inside_B = place_B - (self._ends[document_B] - size_B)
        before_B: np.ndarray = self._byte_ends[document_B] - whole_B + whole_B * inside_B // size_B
        return before_B


def _permutation(rng: np.random.Generator, size: int) -> Int64[np.ndarray, "_"]:
    # Raw bits, because NumPy promises those for ever, and may change its own shuffling between versions.
    order: np.ndarray = np.argsort(rng.bit_generator.random_raw(size), kind="stable")
    return order
