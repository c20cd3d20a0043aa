"""What is asked of a model: a class, a number, where an answer stands, or the next token."""

from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from laconic.training.examples import Examples

Kind = Literal["classification", "regression", "span", "language"]
KINDS: tuple[Kind, ...] = ("classification", "regression", "span", "language")

NO_LABEL = -100
"""Of a token that is not to be told."""


def task_logits(kind: Kind, output: object) -> Float[Tensor, "B ..."]:
    """What a Hugging Face model says, in float32.

    Args:
        kind: what was asked.
        output: what the model returned.

    Returns:
        `B V` for classes, `B` for numbers, `B 2 T` for first and last tokens, `B T V` for what follows each token.
    """
    if kind == "span":
        return torch.stack([output.start_logits, output.end_logits], dim=1).float()  # type: ignore[attr-defined]
    logits: Tensor = output.logits.float()  # type: ignore[attr-defined]
    return logits.squeeze(-1) if kind == "regression" else logits


def task_loss(kind: Kind, logits: Float[Tensor, "B ..."], batch: Examples) -> Float[Tensor, ""]:
    """The mean loss of examples whose labels are known; of a text, of all tokens that follow one of it.

    Args:
        kind: what is asked.
        logits: what `task_logits` gave.
        batch: with labels; a text needs none.
    """
    if kind == "language":
        # What does not count is left out by its label: to pick the rest would wait for the device.
        target_BT = batch.inputs["input_ids"].roll(-1, 1).masked_fill(~followed(batch), NO_LABEL)
        return functional.cross_entropy(logits.flatten(0, 1), target_BT.flatten(), ignore_index=NO_LABEL)
    assert batch.labels is not None
    if kind == "regression":
        return functional.mse_loss(logits, batch.labels.float())
    # Of a span, two questions of one kind: which token is the first, and which the last.
    return functional.cross_entropy(logits.flatten(0, -2), batch.labels.flatten())


def followed(batch: Examples) -> Bool[Tensor, "B T"]:
    """Which tokens of a text are followed by one of it: neither the last one, nor padding.

    Args:
        batch: rows of tokens with their mask.
    """
    return functional.pad(batch.inputs["attention_mask"][:, 1:], (0, 1)).bool()
