"""A student: a model that wears masks or none, with all that learns beside it, as one module for the training loop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from transformers import PreTrainedModel

from laconic.model.anatomy import dissect
from laconic.model.probe import without_cache
from laconic.pruning.constraint import Prices
from laconic.pruning.gates import Gates
from laconic.pruning.masking import Masking
from laconic.pruning.masks import Masks, Structure


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a student says of a batch.

    Attributes:
        output: the Hugging Face output, with hidden states.
        hidden_LBTD: hidden states after each layer, projected to the teacher's width; None unless asked for.
        masks: what it wore.
        alive_L: which of its layers have anything left in them.
        price: what its gates pay for the distance to the target; None without gates.
        sparsity: what is expected of the gates; None without gates.
    """

    output: Any
    hidden_LBTD: Sequence[Float[Tensor, "B T D"]] | None
    masks: Masks | None
    alive_L: Bool[Tensor, "L"]
    price: Float[Tensor, ""] | None
    sparsity: Float[Tensor, ""] | None


@final
class Student(nn.Module):
    """A model that learns to be smaller.

    Args:
        model: what is pruned; changed in place.
        gates: which parts of it may go; None for a model that stays as it is, or as the masks have it.
        masks: what it wears for ever, without gates.
        teacher_width: D of the teacher, whose layers it learns from; None where it does not.
        dropout: share of numbers that are dropped in training, wherever the model drops any; None for the model's own.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        *,
        gates: Gates | None = None,
        masks: Masks | None = None,
        teacher_width: int | None = None,
        dropout: float | None = None,
    ) -> None:
        super().__init__()
        if dropout is not None:
            _set_dropout(model, dropout)
        self.model, self.gates = model, gates
        self.prices = None if gates is None else Prices()
        self.masking = Masking(model) if gates is not None or masks is not None else None
        self.masks = masks
        self.register_buffer("_alive_L", _living(model), persistent=False)
        self.projection = None if teacher_width is None else _identity(dissect(model).width, teacher_width)

    def forward(self, inputs: Mapping[str, Any], *, step: int = 0, target: float = 0.0, hidden: bool = False) -> Said:
        """Read a batch.

        Args:
            inputs: what the model is called with.
            step: which update it is part of: decides the draws of the gates; 0 for masks without chance.
            target: the sparsity that is wanted.
            hidden: whether to project hidden states for the teacher.
        """
        masks, price, sparsity = self.masks, None, None
        if self.gates is not None and self.prices is not None:
            self.gates.keep_in_range()
            masks = self.gates.sample(step) if step else self.gates.fixed()
            sparsity = self.gates.expected_sparsity()
            price = self.prices(sparsity, target)
        if self.masking is not None:
            self.masking.wear(None if masks is None else masks.to(self.model.device))
        output = self.model(**inputs, **without_cache(self.model), output_hidden_states=hidden)
        hidden_LBTD = None
        if hidden and self.projection is not None:
            hidden_LBTD = [self.projection(hidden_BTD) for hidden_BTD in output.hidden_states[1:]]
        alive_L = self.get_buffer("_alive_L") if masks is None else masks.structure().alive()
        return Said(output=output, hidden_LBTD=hidden_LBTD, masks=masks, alive_L=alive_L, price=price, sparsity=sparsity)

    def wear_fixed(self, sparsity: float | None = None) -> Masks | None:
        """Put on the masks that it is to be judged with, and return them.

        Args:
            sparsity: what is to be gone exactly, as for `Gates.fixed`.
        """
        if self.gates is not None:
            self.gates.keep_in_range()
        masks = self.masks if self.gates is None else self.gates.fixed(sparsity)
        if self.masking is not None:
            self.masking.wear(None if masks is None else masks.to(self.model.device))
        return masks


def narrowed(projection: nn.Linear | None, structure: Structure) -> nn.Linear | None:
    """A student's projection to its teacher's width, once its own width was cut; itself where that was not.

    Args:
        projection: of a student that wears masks; None where it does not learn from layers.
        structure: what is left of it.
    """
    if projection is None or structure.width_D is None or structure.width is None:
        return projection
    smaller = _identity(structure.width, projection.out_features)
    with torch.no_grad():
        smaller.weight.copy_(projection.weight[:, structure.width_D])
        smaller.bias.copy_(projection.bias)
    return smaller


def _set_dropout(model: PreTrainedModel, share: float) -> None:
    module: Any
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = share
        elif isinstance(getattr(module, "attention_dropout", None), float):  # Some attentions keep the share alone.
            module.attention_dropout = share


def _living(model: PreTrainedModel) -> Bool[Tensor, "L"]:
    """Which layers of a model, cut or not, have anything left in them."""
    layers = getattr(model.config, "cut_layers", None)
    if layers is None:
        return torch.ones(model.config.num_hidden_layers, dtype=torch.bool)
    return torch.tensor([bool(layer["heads"] or layer["units"]) for layer in layers])


def _identity(width: int, teacher_width: int) -> nn.Linear:
    projection = nn.Linear(width, teacher_width)
    nn.init.eye_(projection.weight)
    nn.init.zeros_(projection.bias)
    return projection
