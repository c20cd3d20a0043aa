"""What a model is asked when it is measured, exported or compared, and which of its answers count.

Inputs go by the names that Hugging Face models and ONNX files share: `input_ids`, `attention_mask`, and `token_type_ids` for
families that tell segments apart.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Int64
from torch import Tensor
from transformers import PreTrainedModel

from laconic.errors import UsageError

PER_TOKEN = ("start_logits", "end_logits")
"""Answers of two axes whose second one is that of the tokens."""


def input_names(model: PreTrainedModel) -> tuple[str, ...]:
    """What a model reads: token ids and a mask, and segments where its config counts more than one kind of them."""
    segments = model.config.to_dict().get("type_vocab_size") or 0
    return ("input_ids", "attention_mask", *(("token_type_ids",) if segments > 1 else ()))


def random_inputs(
    names: Collection[str], vocab_size: int, *, batch: int, length: int, seed: int, pad_id: int | None = None
) -> dict[str, Int64[Tensor, "B T"]]:
    """Random token ids, with a mask over all of them, or over fewer the further down a row stands.

    Args:
        names: the inputs wanted.
        vocab_size: V; ids are drawn from 0 to V - 1.
        batch: B, rows; at least 1.
        length: T, tokens in a row; at least 1.
        seed: of the drawing.
        pad_id: None for rows of full length; otherwise the first row is full, each later one is shorter until one token is
            left, and this id fills them up.

    Returns:
        The named ones of ids, mask (1 for a token, 0 for padding) and segments (0 in a row's first half, 1 in its second).

    Raises:
        ValueError: batch or length is less than 1.
    """
    for name, value in (("batch", batch), ("length", length)):
        if value < 1:
            raise ValueError(f"{name} is {value}, but must be at least 1")
    place_T = torch.arange(length)
    ids_BT = torch.randint(vocab_size, (batch, length), generator=torch.Generator().manual_seed(seed))
    mask_BT = torch.ones_like(ids_BT)
    if pad_id is not None:
        end_B = length - torch.arange(batch) * length // batch
        mask_BT = (place_T < end_B[:, None]).long()
        ids_BT = torch.where(mask_BT.bool(), ids_BT, pad_id)
    segments_BT = (place_T >= (length + 1) // 2).long().expand(batch, -1).contiguous()
    known = {"input_ids": ids_BT, "attention_mask": mask_BT, "token_type_ids": segments_BT}
    return {name: known[name] for name in names}


def answers(model: PreTrainedModel, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    """What a model says: `logits`; or `start_logits` and `end_logits`; or, without a head, `last_hidden_state`.

    Raises:
        UsageError: it says none of these.
    """
    output = model(**inputs, **without_cache(model))
    for names in (("logits",), PER_TOKEN, ("last_hidden_state",)):
        if all(name in output for name in names):
            return {name: output[name] for name in names}
    raise UsageError(
        f"{type(model).__name__} answers {', '.join(output)}: give a model that answers logits, start_logits and end_logits, "
        "or last_hidden_state"
    )


def without_cache(model: PreTrainedModel) -> dict[str, bool]:
    """What keeps a model from filling a cache of keys and values, which is for going on with a text."""
    return {"use_cache": False} if model.can_generate() else {}


@contextmanager
def at_rest(model: PreTrainedModel) -> Iterator[None]:
    """As long as this lasts, the model drops nothing out and keeps no gradients; then every module is as it was."""
    training = [module for module in model.modules() if module.training]
    model.train(False)
    try:
        with torch.no_grad():
            yield
    finally:
        for module in training:
            module.training = True
