"""A language model with recurrence, measured in bits per byte."""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Int32
from transformers import PreTrainedModel

from laconic.evaluation.bits import Bits, require_text, summarise
from laconic.memory.recurrence import Recurrence


def recurrent_bits(
    model: PreTrainedModel,
    tokens_N: Int32[np.ndarray, "N"],
    size: int,
    *,
    vocab_size: int,
    context: int,
    progress: Callable[[int], None] | None = None,
) -> Bits:
    """Measure a model that carries keys and values from each window to the next; windows do not overlap.

    Args:
        model: a causal Hugging Face model with rotary positions in evaluation mode.
        tokens_N: the tokens of the text, joined.
        size: bytes of the text.
        vocab_size: V; id V is the start symbol.
        context: tokens in a window, and at most so many before it.
        progress: told how many bytes are done, about.

    Raises:
        UsageError: its positions are of another kind.
        ValueError: no text at all.
    """
    require_text(tokens_N, size)
    past, device, total = Recurrence(model), next(model.parameters()).device, 0.0
    for begin in range(0, len(tokens_N), context):
        tokens_1T = torch.from_numpy(tokens_N[begin : begin + context].astype(np.int64)).to(device)[None]
        with torch.no_grad():
            partition_N, gold_N = past.read(model, tokens_1T, vocab_size=vocab_size, start_id=vocab_size)
        total += float((partition_N.double() - gold_N).sum())
        if progress:
            progress(size * (begin + tokens_1T.shape[1]) // len(tokens_N))
    return summarise(nats=total, tokens=len(tokens_N), size=size, vocab_size=vocab_size)
