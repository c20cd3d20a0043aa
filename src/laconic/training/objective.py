"""The seam between the training loop and the methods: what is minimised, given a model and a batch.

The loop knows nothing of what a loss means. A method is a final class of `AbstractObjective`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn


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


@dataclass(frozen=True, kw_only=True)
class LossOutput:
    """What an objective answers.

    Attributes:
        loss: the mean over the batch's `count` tokens, differentiable; 0 where the count is 0.
        statistics: further means over the same tokens, detached, for the log.
    """

    loss: Float[Tensor, ""]
    statistics: Mapping[str, Float[Tensor, ""]] = field(default_factory=dict)


class AbstractObjective(ABC):
    """What a training run minimises."""

    @abstractmethod
    def loss(self, model: nn.Module, batch: Batch) -> LossOutput:
        """The loss of one batch.

        Args:
            model: a Hugging Face model, possibly wrapped for several processes: to be called, not to be looked into.
            batch: on the model's device.

        Returns:
            Means over the batch's tokens. The loop weighs batches by their `count`, so that a step's gradient is that
            of the mean over all its tokens, however they are spread over micro-batches and processes.
        """

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
