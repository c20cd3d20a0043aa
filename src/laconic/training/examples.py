"""Examples of a task as batches: token ids with what is asked of them, grouped by length, in an order that a seed decides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float, Int32, Int64
from torch import Tensor

from laconic.errors import UsageError
from laconic.training.epochs import Epochs, permutation, random_of

POOL = 32
"""Batches whose examples are sorted by length together: little padding, and an order that is nearly random."""

FILLERS = {"attention_mask": 0, "token_type_ids": 0}
"""What pads the columns of a tokenizer, but for the ids themselves."""


@dataclass(frozen=True, kw_only=True)
class Example:
    """One example, tokenized.

    Attributes:
        columns: what a tokenizer gave: `input_ids`, `attention_mask` and perhaps `token_type_ids`, all of one length.
        label: the id of a class, a number, or the first and last token of an answer; none where nobody knows.
        bytes: of its text.
    """

    columns: Mapping[str, Sequence[int] | Int32[np.ndarray, "T"]]
    label: int | float | tuple[int, int] | None
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Examples:
    """A batch of examples.

    Attributes:
        inputs: what a model is called with, each of shape `B T`; padded on the right to the longest example.
        labels: ids of classes (`B`), numbers (`B`, float) or spans (`B 2`); none where nobody knows.
        bytes: of their texts.
        step: which update of a run it is part of, from 1; 0 outside of runs.
        numbers: where its examples stand in the split they come from; None where nobody knows.
    """

    inputs: Mapping[str, Int64[Tensor, "B T"]]
    labels: Int64[Tensor, "B *_"] | Float[Tensor, "B"] | None
    bytes: int
    step: int = 0
    numbers: tuple[int, ...] | None = None

    @property
    def count(self) -> int:
        """How many examples."""
        return len(self.inputs["input_ids"])

    def to(self, device: torch.device) -> "Examples":
        """The same batch on another device."""
        inputs = {name: column_BT.to(device, non_blocking=True) for name, column_BT in self.inputs.items()}
        return replace(self, inputs=inputs, labels=None if self.labels is None else self.labels.to(device, non_blocking=True))

    def at(self, step: int) -> "Examples":
        """The same batch as part of the update of that number, from 1."""
        return replace(self, step=step)


def collate(examples: Sequence[Example], *, pad_id: int, numbers: Sequence[int] | None = None) -> Examples:
    """Examples as one batch.

    Args:
        examples: one or more, with the same columns.
        pad_id: fills `input_ids`.
        numbers: where they stand in their split.
    """
    longest = max(len(example.columns["input_ids"]) for example in examples)
    inputs = {}
    for name in examples[0].columns:
        column_BT = torch.full((len(examples), longest), FILLERS.get(name, pad_id))
        for row, example in enumerate(examples):
            column_BT[row, : len(example.columns[name])] = torch.as_tensor(example.columns[name])
        inputs[name] = column_BT
    labels = [example.label for example in examples]
    known = None if any(label is None for label in labels) else torch.tensor(labels)
    return Examples(
        inputs=inputs,
        labels=known,
        bytes=sum(example.bytes for example in examples),
        numbers=None if numbers is None else tuple(numbers),
    )


@final
class ExampleStream:
    """Batches of examples for training, epoch after epoch, without end.

    Args:
        examples: all of them.
        pad_id: fills `input_ids`.
        rows: examples in one update, over all processes; the few that are left of an epoch are left out of it.
        seed: of the order.
        rank: which process this is; it gets its rows of each batch.
        world: how many processes share the batches.

    Raises:
        UsageError: fewer examples than a batch.
        ValueError: rows that the processes cannot share.
    """

    def __init__(
        self, examples: Sequence[Example], *, pad_id: int, rows: int, seed: int = 0, rank: int = 0, world: int = 1
    ) -> None:
        if len(examples) < rows:
            raise UsageError(f"there are {len(examples)} examples, fewer than a batch of {rows}: set the batch lower")
        self._examples, self._pad_id, self._rows, self._seed = examples, pad_id, rows, seed
        self._length_N = np.array([len(example.columns["input_ids"]) for example in examples])
        self._epochs = Epochs(self._lay_out, batches=self.batches, rows=rows, rank=rank, world=world)

    @property
    def batches(self) -> int:
        """Batches in an epoch."""
        return len(self._examples) // self._rows

    def next_batch(self, rows: int) -> Examples:
        """The next examples of this process's share of a batch: all of them, or a part.

        Raises:
            ValueError: more rows than are left of the share.
        """
        numbers = self._epochs.take(rows).numbers_B.tolist()
        return collate([self._examples[number] for number in numbers], pad_id=self._pad_id, numbers=numbers)

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
        rng = random_of(self._seed, epoch)
        order_N = permutation(rng, len(self._examples))[: self.batches * self._rows]
        pools = np.split(order_N, range(POOL * self._rows, len(order_N), POOL * self._rows))
        sorted_N = np.concatenate([pool[np.argsort(self._length_N[pool], kind="stable")] for pool in pools])
        places: np.ndarray = sorted_N.reshape(self.batches, self._rows)[permutation(rng, self.batches)]
        return places
