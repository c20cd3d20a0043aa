"""Whole corpora as segments, with their documents: for methods that ask which rows of a batch belong together."""

from collections.abc import Callable, Sequence
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Int64

from laconic.errors import UsageError
from laconic.training.data import Encoded
from laconic.training.epochs import Epochs, permutation, random_of
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
        self._documents, self._length, self._pad_id, self._order, self._seed = documents, length, pad_id, order, seed
        self._rows, self._run = rows, run or rows
        self._sizes = np.array([len(document.ids) for document in documents], np.int64)
        self._bytes = np.array([document.bytes for document in documents], np.int64)
        self.segments = int(self._sizes.sum()) // length
        self._batches = self.segments // rows
        if not self._batches:
            raise UsageError(f"the text has {self.segments} segments of {length} tokens, fewer than a batch of {rows}")
        self._chain = np.arange(self.segments)
        if order == "similar":
            tokens_N = np.concatenate([document.ids for document in documents])[: self.segments * length]
            self._chain = similarity_chain(tokens_N.reshape(-1, length), seed=seed, progress=progress)
        self._epochs = Epochs(self._lay_out, batches=self._batches, rows=rows, rank=rank, world=world)

    @property
    def batches(self) -> int:
        """Batches in an epoch."""
        return self._batches

    def next_batch(self, rows: int) -> Batch:
        """The next rows of this process's share of the batch: all of them, or a part.

        Raises:
            ValueError: more rows than are left of the share.
        """
        taken = self._epochs.take(rows)
        begin_B = taken.numbers_B * self._length
        place_BT = begin_B[:, None] + np.arange(self._length)
        size = self._bytes_before(begin_B + self._length) - self._bytes_before(begin_B)
        run_B = np.arange(taken.first, taken.first + rows) // self._run
        documents_BT = np.searchsorted(self._ends, place_BT, side="right") + run_B[:, None] * len(self._documents)
        return Batch(
            tokens_BT=torch.from_numpy(self._tokens_N[place_BT].astype(np.int64)),
            pad_id=self._pad_id,
            count=place_BT.size,
            bytes=int(size.sum()),
            documents_BT=torch.from_numpy(documents_BT),
            continues=self._order == "parallel" and taken.batch > 0,
        )

    def state(self) -> dict[str, Any]:
        """The position, as JSON can hold it."""
        return self._epochs.state()

    def restore(self, state: dict[str, Any]) -> None:
        """Go to a position that `state` returned.

        Raises:
            CorruptFileError: no such position.
        """
        self._epochs.restore(state)

    def _lay_out(self, epoch: int) -> Int64[np.ndarray, "N B"]:
        """The tokens of an epoch in order, where documents end, and which segments make which batch."""
        rng = random_of(self._seed, epoch)
        stays = self._order in ("random", "similar")
        order = np.arange(len(self._documents)) if stays else permutation(rng, len(self._documents))
        self._tokens_N = np.concatenate([self._documents[index].ids for index in order.tolist()])
        self._ends, self._byte_ends = np.cumsum(self._sizes[order]), np.cumsum(self._bytes[order])
        numbers = permutation(rng, self.segments) if self._order == "random" else self._chain
        numbers = numbers[: self._batches * self._rows]
        columns = self._order == "parallel"
        places: np.ndarray = (
            numbers.reshape(self._rows, self._batches).T if columns else numbers.reshape(self._batches, self._rows)
        )
        if self._order == "similar":
            places = places[permutation(rng, self._batches)]
        elif self._run < self._rows:
            runs = numbers.reshape(-1, self._run)
            places = runs[permutation(rng, len(runs))].reshape(self._batches, self._rows)
        return places

    def _bytes_before(self, place_B: Int64[np.ndarray, "B"]) -> Int64[np.ndarray, "B"]:
        """Bytes of the first so many tokens: of a document's n tokens, k stand for k / n of its bytes."""
        document_B = np.minimum(np.searchsorted(self._ends, place_B, side="left"), len(self._ends) - 1)
        size_B = np.diff(self._ends, prepend=0)[document_B]
        whole_B = np.diff(self._byte_ends, prepend=0)[document_B]
        inside_B = place_B - (self._ends[document_B] - size_B)
        before_B: np.ndarray = self._byte_ends[document_B] - whole_B + whole_B * inside_B // size_B
        return before_B
