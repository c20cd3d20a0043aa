"""Dropout on what each part of each layer adds, for models whose families have none there, as Llama."""

from typing import Any

from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel

from laconic.model.anatomy import dissect


def add_dropout(model: PreTrainedModel, probability: float) -> None:
    """Drop numbers of the token vectors, and of what attention and feed-forward parts add, while the model is trained.

    Nothing of it is saved with the model, for nothing of it is needed to read with it.

    Args:
        model: of a family that `laconic.model.anatomy` knows; changed in place.
        probability: of each number to be dropped, 0 to 1, 1 excluded.

    Raises:
        UsageError: the model is of another family.
    """
    if not 0 <= probability < 1:
        raise ValueError(f"probability is {probability}, but must be at least 0 and below 1")
    if not probability:
        return

    def drop(module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
        return functional.dropout(output, probability, training=module.training)

    for layer in dissect(model).layers:
        layer.attention_out.register_forward_hook(drop)
        layer.ffn_out.register_forward_hook(drop)
    model.get_input_embeddings().register_forward_hook(drop)
