"""How well a causal language model foretells a text that is cut into examples, read as a stream."""

from collections.abc import Sequence

import torch
from jaxtyping import Bool
from torch import Tensor
from transformers import PreTrainedModel

from laconic.model.head import output_mass
from laconic.model.probe import without_cache
from laconic.training.examples import Example, Examples, collate
from laconic.training.tasks import followed


@torch.no_grad()
def read_nats(model: PreTrainedModel, examples: Sequence[Example], *, pad_id: int, batch: int = 16) -> float:
    """The negative log-likelihood of all tokens but the first of each example, summed, in nats.

    No logits are kept, and never are there more of them than a piece of a matrix.

    Args:
        model: a causal Hugging Face model in evaluation mode whose output is one matrix.
        examples: stretches of text; read in their order, a batch of them in memory at once.
        pad_id: fills `input_ids`.
        batch: examples that are read at once.

    Raises:
        UsageError: the output of the model is something else.
    """
    device, total = next(model.parameters()).device, 0.0
    for first in range(0, len(examples), batch):
        rows = [examples[place] for place in range(first, min(first + batch, len(examples)))]
        together = collate(rows, pad_id=pad_id).to(device)
        total += float(_nats(model, together, followed(together)))
    return total


def _nats(model: PreTrainedModel, batch: Examples, followed_BT: Bool[Tensor, "B T"]) -> Tensor:
    # The states behind the last norm are what the output reads; of its own logits, the fewest that can be had.
    output = model(**batch.inputs, **without_cache(model), output_hidden_states=True, logits_to_keep=1)
    hidden_ND = output.hidden_states[-1][followed_BT]
    target_N = batch.inputs["input_ids"].roll(-1, 1)[followed_BT]
    partition_N, gold_N = output_mass(model, hidden_ND, target_N, vocab_size=model.config.vocab_size)
    return (partition_N.double() - gold_N).sum()
