"""The seam between the training loop and the methods: what is minimised, given a model and a batch.

The loop knows nothing of what a loss means. A method is a final class of `AbstractObjective`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Generic, Protocol, Self, TypeVar, runtime_checkable

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn


@runtime_checkable
class AnyBatch(Protocol):
    """What the loop asks of a batch, whatever is in it."""

    @property
    def count(self) -> int:
        """How many predictions it asks for: the weight of this batch in the loss of a step."""
        ...

    @property
    def bytes(self) -> int:
        """How many bytes of text it stands for."""
        ...

    def to(self, device: torch.device) -> Self:
        """The same batch on another device."""
        ...

    def at(self, step: int) -> Self:
        """The same batch as part of the update of that number, from 1."""
        ...


BatchT = TypeVar("BatchT", bound=AnyBatch)


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Segments of tokens, and what they stand for.

    Attributes:
        tokens_BT: ids, each row a segment of consecutive tokens, padded on the right with `pad_id`.
        pad_id: the id that carries no text; also the start symbol.
        count: how many tokens are not padding: the weight of this batch in the loss of a step.
        bytes: how many bytes of text the tokens stand for.
        step: which update of the run it is part of, from 1; 0 outside of runs.
        documents_BT: which document each token belongs to, as numbers that grow along the rows, so that rows may be
            consecutive segments of one; None where nobody knows.
        continues: whether each row goes on where the same row of the batch before stopped.
    """

    tokens_BT: Int64[Tensor, "B T"]
    pad_id: int
    count: int
    bytes: int
    step: int = 0
    documents_BT: Int64[Tensor, "B T"] | None = None
    continues: bool = False

    def to(self, device: torch.device) -> "Batch":
        """The same batch on another device."""
        documents_BT = None if self.documents_BT is None else self.documents_BT.to(device, non_blocking=True)
        return replace(self, tokens_BT=self.tokens_BT.to(device, non_blocking=True), documents_BT=documents_BT)

    def at(self, step: int) -> "Batch":
        """The same batch as part of the update of that number, from 1."""
        return replace(self, step=step)


@dataclass(frozen=True, kw_only=True)
class OwnRate:
    """Parameters that learn at a constant rate of their own, by AdamW without weight decay, and are not clipped.

    Attributes:
        prefix: their names within the model begin with it, and with no prefix that was named before.
        rate: the learning rate; the schedule does not touch it.
        maximize: whether they climb instead of descending.
    """

    prefix: str
    rate: float
    maximize: bool = False


@dataclass(frozen=True, kw_only=True)
class LossOutput:
    """What an objective answers.

    Attributes:
        loss: the mean over the batch's `count` predictions, differentiable; 0 where the count is 0.
        statistics: further means over the same, detached, for the log.
    """

    loss: Float[Tensor, ""]
    statistics: Mapping[str, Float[Tensor, ""]] = field(default_factory=dict)


class AbstractObjective(ABC, Generic[BatchT]):
    """What a training run minimises, for batches of one kind."""

    @abstractmethod
    def loss(self, model: nn.Module, batch: BatchT) -> LossOutput:
        """The loss of one batch.

        Args:
            model: a Hugging Face model, possibly wrapped for several processes: to be called, not to be looked into.
            batch: on the model's device.

        Returns:
            Means over the batch's predictions. The loop weighs batches by their `count`, so that a step's gradient is that
            of the mean over all of them, however they are spread over micro-batches and processes.
        """

    def own_rates(self) -> tuple[OwnRate, ...]:
        """Parts of the model with learning rates of their own; most have none."""
        return ()

    def state(self) -> dict[str, Tensor]:
        """What it keeps from one batch to the next, for a checkpoint of this process; most keep nothing."""
        return {}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from what `state` returned.

        Args:
            tensors: not yet trusted.

        Raises:
            ValueError: they are not what this objective keeps.
        """
        if tensors:
            raise ValueError(f"{type(self).__name__} keeps nothing, but was given {', '.join(tensors)}")
