"""What a model says of examples, all of them, in their order."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from laconic.training.examples import Example, collate
from laconic.training.tasks import Kind, task_logits


@torch.no_grad()
def read_logits(model: nn.Module, examples: Sequence[Example], *, kind: Kind, pad_id: int, batch: int = 64) -> list[np.ndarray]:
    """The logits of each example: of classes (`V`), a number (no axis), or of first and last tokens (`2 T`, without padding).

    Args:
        model: a Hugging Face model in evaluation mode.
        examples: with or without labels; examples of like length are read together, whatever their order.
        kind: what is asked, one of `laconic.training.tasks.KINDS`.
        pad_id: fills `input_ids`.
        batch: examples that are read at once.
    """
    device = next(model.parameters()).device
    lengths = [len(example.columns["input_ids"]) for example in examples]
    order = sorted(range(len(examples)), key=lengths.__getitem__)
    found: list[np.ndarray | None] = [None] * len(examples)
    for first in range(0, len(order), batch):
        places = order[first : first + batch]
        together = collate([examples[place] for place in places], pad_id=pad_id).to(device)
        logits = task_logits(kind, model(**together.inputs)).cpu().numpy()
        for place, row in zip(places, logits, strict=True):
            found[place] = np.asarray(row[..., : lengths[place]] if kind == "span" else row)
    return [row for row in found if row is not None]
