"""A model that wears masks: its parts are multiplied with factors, without a line of its code being changed.

Factors are multiplied into the weights of the two projections that lead back to the residual stream, not into activations: a
batch has more tokens than a matrix has rows. Nothing here waits for an accelerator.

What is multiplied with 0 need not be computed. Where numbers can be looked at, projections leave closed heads and units out, in
training too, as soon as that is quicker; their gradients are 0 either way.
"""

from collections.abc import Callable, Iterator
from functools import partial
from types import MethodType
from typing import Any, final

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel

from laconic.errors import UsageError
from laconic.model.anatomy import dissect
from laconic.pruning.masks import Masks
from laconic.pruning.parts import Parts, count_parts

AT_HAND = ("cpu",)
"""Devices whose numbers can be looked at without waiting for them."""

FEW = 0.6
"""The share of open heads or units from which on picking them takes longer than computing all: by a trial on a processor."""

Factors = tuple[Tensor, Tensor]
"""Of the inputs of a projection, and of its outputs."""


@final
class Masking:
    """Lets a model wear masks, until it is closed. Without any it is as it was.

    Args:
        model: of a family that `laconic.model.anatomy` knows, its layers all alike.

    Attributes:
        masks: what it wears; None for nothing.
        parts: what it has.

    Raises:
        UsageError: another family.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        self.masks: Masks | None = None
        self.parts: Parts = count_parts(model)
        self._rows, self._units = dict[int, tuple[Tensor, ...]](), dict[int, Tensor]()
        self._hooks, self._wrapped, self._wide = list[Any](), list[nn.Module](), False
        self._model, anatomy = model, dissect(model)
        self._transposed = anatomy.layout.transposed
        # Shared keys are repeated a number of times.
        self._heads_go = anatomy.layout.counts_heads and not self.parts.keys_shared
        for number, layer in enumerate(anatomy.layers):
            for place, module in enumerate(layer.attention_in):
                self._wrap(module, partial(self._project_in, partial(self._rows_of, number, place)))
            for module in layer.ffn_in:
                self._wrap(module, partial(self._project_in, partial(self._units_of, number)))
            self._wrap(layer.attention_out, partial(self._project_out, partial(self._attention, number)))
            self._wrap(layer.ffn_out, partial(self._project_out, partial(self._ffn, number)))
            if anatomy.layout.post_norm:
                for norm, is_on in zip(layer.norms, (self._attention_on, self._ffn_on), strict=True):
                    self._skip(norm, partial(is_on, number))

    def wear(self, masks: Masks | None) -> None:
        """Put on masks, or take them off.

        Args:
            masks: on the model's device.

        Raises:
            UsageError: masks of the width, for a model that is not of BERT's kind.
        """
        if masks is not None and masks.width_D is not None:
            self._reach_width()
        self.masks = masks
        self._rows, self._units = {}, {}
        if masks is not None and at_hand(masks.unit_LU):
            structure = masks.structure()
            self._units = dict(_few(structure.unit_LU))
            if self._heads_go:
                self._rows = {number: rows_of_heads(heads, self.parts) for number, heads in _few(structure.head_LH)}

    def close(self) -> None:
        """Leave the model as it was."""
        self.wear(None)
        for hook in self._hooks:
            hook.remove()
        for module in self._wrapped:
            del module.forward
        self._hooks.clear()
        self._wrapped.clear()

    def _wrap(self, module: nn.Module, forward: Callable[[nn.Module, Tensor], Tensor]) -> None:
        def masked(module: nn.Module, inputs: Tensor) -> Tensor:
            return _untouched(module, inputs) if self.masks is None else forward(module, inputs)

        # A method, so that a copy of the model multiplies weights of its own.
        module.forward = MethodType(masked, module)
        self._wrapped.append(module)

    def _project_in(self, picked: Callable[[], Tensor | None], module: nn.Module, inputs: Tensor) -> Tensor:
        """A projection from the width, of all its outputs or of those that are picked."""
        rows = picked()
        if rows is None:
            return _untouched(module, inputs)
        weight = weight_of(module, self._transposed).index_select(0, rows)
        bias = module.bias.index_select(0, rows) if isinstance(module.bias, nn.Parameter) else None
        return functional.linear(inputs, weight, bias)

    def _project_out(
        self, factors: Callable[[Masks], tuple[Factors, Tensor | None]], module: nn.Module, inputs: Tensor
    ) -> Tensor:
        """A projection back to the width, with the factors in it; of all its inputs or of those that are picked."""
        assert self.masks is not None
        weight, bias = scaled(module, *factors(self.masks), transposed=self._transposed)
        return functional.linear(inputs, weight, bias)

    def _rows_of(self, number: int, place: int) -> Tensor | None:
        """Those of open heads, for queries, keys and values; None where all are computed."""
        return self._rows[number][place] if number in self._rows else None

    def _units_of(self, number: int) -> Tensor | None:
        return self._units.get(number)

    def _attention(self, number: int, masks: Masks) -> tuple[Factors, Tensor | None]:
        outputs = output_factors(masks, masks.attention_L[number] * self._attention_on(number))
        return (input_factors(masks, self.parts, number), outputs), self._rows_of(number, 0)

    def _ffn(self, number: int, masks: Masks) -> tuple[Factors, Tensor | None]:
        outputs = output_factors(masks, masks.ffn_L[number] * self._ffn_on(number))
        return (masks.unit_LU[number], outputs), self._units_of(number)

    def _attention_on(self, number: int) -> Tensor:
        assert self.masks is not None
        return (self.masks.attention_L[number] != 0) & (self.masks.head_LH[number] != 0).any()

    def _ffn_on(self, number: int) -> Tensor:
        assert self.masks is not None
        return (self.masks.ffn_L[number] != 0) & (self.masks.unit_LU[number] != 0).any()

    def _skip(self, norm: nn.Module, is_on: Callable[[], Tensor]) -> None:
        def skip(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> Tensor:
            if self.masks is None:
                return output
            if self.masks.width_D is not None:
                output = norm_of_width(module, inputs[0], self.masks.width_D)
            # What an off sub-layer says is 0, so its norm reads what the sub-layer read.
            on = is_on()
            if at_hand(on):
                return output if on else inputs[0]
            return torch.where(on, output, inputs[0])

        self._hooks.append(norm.register_forward_hook(skip))

    def _reach_width(self) -> None:
        """Mask embeddings and the norm behind them too."""
        if self._wide:
            return
        require_width(self._model)
        anatomy = dissect(self._model)
        for table in anatomy.embeddings:
            self._hooks.append(table.register_forward_hook(self._scale_rows))
        for norm in anatomy.outer_norms:
            self._hooks.append(norm.register_forward_hook(self._scale_norm))
        self._wide = True

    def _scale_rows(self, module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
        width_D = None if self.masks is None else self.masks.width_D
        return output if width_D is None else output * width_D

    def _scale_norm(self, module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> Tensor:
        width_D = None if self.masks is None else self.masks.width_D
        return output if width_D is None else norm_of_width(module, inputs[0], width_D)


def at_hand(numbers: Tensor) -> bool:
    """Whether numbers can be looked at without waiting for the device that they are on."""
    return numbers.device.type in AT_HAND


def require_width(model: PreTrainedModel) -> None:
    """See that the width of a model can be pruned.

    Raises:
        UsageError: it cannot.
    """
    if not dissect(model).layout.post_norm:
        raise UsageError(
            f"the width of a {model.config.model_type} cannot be pruned, only that of bert, roberta and distilbert: "
            "leave the gate 'width' out"
        )


def input_factors(masks: Masks, parts: Parts, number: int) -> Float[Tensor, "N"]:
    """What the inputs of an attention's output projection are multiplied with: each head's factor, for all its numbers."""
    return masks.head_LH[number].repeat_interleave(parts.queries * parts.head_size)


def output_factors(masks: Masks, factor: Float[Tensor, ""]) -> Float[Tensor, "*D"]:
    """What the outputs of a sub-layer are multiplied with: its own factor and, where the width is pruned, each entry's."""
    return factor if masks.width_D is None else factor * masks.width_D


def rows_of_heads(heads: Int64[Tensor, "N"], parts: Parts) -> tuple[Tensor, Tensor, Tensor]:
    """Which outputs of the projections to queries, keys and values belong to some heads.

    Args:
        heads: their numbers; where several heads share keys and values, those of the groups.
        parts: what the model has.
    """
    queries, keys = (
        (heads[:, None] * size + torch.arange(size)).flatten() for size in (parts.queries * parts.head_size, parts.head_size)
    )
    if parts.keys_shared:
        keys = torch.arange(parts.head_size)
    return queries, keys, keys


def _untouched(module: nn.Module, inputs: Tensor) -> Tensor:
    """What a projection says without masks."""
    said: Tensor = type(module).forward(module, inputs)
    return said


def _few(open_LN: Bool[Tensor, "L N"]) -> Iterator[tuple[int, Int64[Tensor, "M"]]]:
    """Of layers in which few parts are open, which; the first stands for all where none is, for nothing has no shape."""
    for number, open_N in enumerate(open_LN):
        places = open_N.nonzero()[:, 0]
        if len(places) <= FEW * len(open_N):
            yield number, places if len(places) else torch.zeros(1, dtype=torch.long)


def weight_of(module: nn.Module, transposed: bool) -> Float[Tensor, "N M"]:
    """The weight (out, in) of a projection.

    Args:
        module: a linear layer.
        transposed: whether its weight is stored (in, out).
    """
    weight = module.weight
    assert isinstance(weight, nn.Parameter)
    return weight.T if transposed else weight


def scaled(
    module: nn.Module, factors: Factors, picked: Int64[Tensor, "M"] | None = None, *, transposed: bool
) -> tuple[Float[Tensor, "N M"], Float[Tensor, "N"] | None]:
    """Weight (out, in) and bias of a projection with the factors multiplied into them.

    Args:
        module: a linear layer.
        factors: of its inputs, and of its outputs, one for all or one for each.
        picked: which of its inputs are left; None for all.
        transposed: whether its weight is stored (in, out).
    """
    inputs, outputs = factors
    weight, bias = weight_of(module, transposed), module.bias
    if picked is not None:
        weight, inputs = weight.index_select(1, picked), inputs.index_select(0, picked)
    inputs, outputs = inputs.to(weight.dtype), outputs.to(weight.dtype)
    # One factor for all outputs, as it usually is, takes one pass over the weight and not two.
    all_of_it = weight * (inputs * outputs) if outputs.dim() == 0 else weight * inputs * outputs[:, None]
    return all_of_it, bias * outputs if isinstance(bias, nn.Parameter) else None


def norm_of_width(norm: nn.Module, inputs: Float[Tensor, "*B D"], width_D: Float[Tensor, "D"]) -> Float[Tensor, "*B D"]:
    """What a LayerNorm says that only sees the entries that are left, times their factors.

    Args:
        norm: the LayerNorm.
        inputs: 0 where the width is pruned.
        width_D: the factors.
    """
    assert isinstance(norm, nn.LayerNorm)
    kept_D = (width_D != 0).to(inputs.dtype)
    mean = inputs.sum(-1, keepdim=True) / kept_D.sum()
    centred = (inputs - mean) * kept_D
    variance = centred.square().sum(-1, keepdim=True) / kept_D.sum()
    normed = centred / torch.sqrt(variance + norm.eps)
    return (normed * norm.weight + norm.bias) * width_D.to(inputs.dtype)
