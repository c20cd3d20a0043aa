"""What is asked of a model beside the next token: a class, a number, or where an answer stands."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from laconic.training.examples import Examples

Kind = Literal["classification", "regression", "span"]
KINDS: tuple[Kind, ...] = ("classification", "regression", "span")


def task_logits(kind: Kind, output: object) -> Float[Tensor, "B ..."]:
    """What a Hugging Face model says, in float32: `B V` for classes, `B` for numbers, `B 2 T` for first and last tokens.

    Args:
        kind: what was asked.
        output: what the model returned.
    """
    if kind == "span":
        return torch.stack([output.start_logits, output.end_logits], dim=1).float()  # type: ignore[attr-defined]
    logits: Tensor = output.logits.float()  # type: ignore[attr-defined]
    return logits.squeeze(-1) if kind == "regression" else logits


def task_loss(kind: Kind, logits: Float[Tensor, "B ..."], batch: Examples) -> Float[Tensor, ""]:
    """The mean loss of examples whose labels are known.

    Args:
        kind: what is asked.
        logits: what `task_logits` gave.
        batch: with labels.
    """
    assert batch.labels is not None
    if kind == "regression":
        return functional.mse_loss(logits, batch.labels.float())
    # Of a span, two questions of one kind: which token is the first, and which the last.
    return functional.cross_entropy(logits.flatten(0, -2), batch.labels.flatten())
