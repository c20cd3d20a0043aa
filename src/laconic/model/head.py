"""What a causal language model's output says of each target, whatever kind of output it has."""

from typing import cast

from jaxtyping import Float, Int64
from torch import Tensor, nn
from transformers import PreTrainedModel

from laconic.errors import UsageError
from laconic.model.adaptive import AdaptiveLlamaForCausalLM
from laconic.model.mass import Mass, head_mass


def output_mass(
    model: PreTrainedModel, hidden_ND: Float[Tensor, "N D"], target_N: Int64[Tensor, "N"], *, vocab_size: int
) -> Mass:
    """What all words weigh, and the targets, differentiable in the hidden states and in the weights of the output.

    Args:
        model: any causal Hugging Face model whose output is one matrix, or an `AdaptiveLlamaForCausalLM`; not wrapped.
        hidden_ND: what its output reads.
        target_N: the ids to be predicted, each below `vocab_size`.
        vocab_size: V, how many of the model's ids carry text.

    Raises:
        UsageError: its output is something else.
    """
    if isinstance(model, AdaptiveLlamaForCausalLM):
        return model.mass(hidden_ND, target_N)
    output = cast(object, model.get_output_embeddings())  # type: ignore[no-untyped-call]
    if not isinstance(output, nn.Linear) or len(list(output.parameters())) > 1:
        raise UsageError(f"the output of {type(model).__name__} is not one matrix without a bias: use another kind of model")
    return head_mass(hidden_ND, output.weight[:vocab_size], target_N)
