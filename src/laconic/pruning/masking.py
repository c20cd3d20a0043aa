"""A model that wears masks: its parts are multiplied with factors, without a line of its code being changed.

Factors are multiplied into the weights of the two projections that lead back to the residual stream, not into activations: a
batch has more tokens than a matrix has rows. Nothing here waits for an accelerator.
"""

from collections.abc import Callable
from functools import partial
from types import MethodType
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel

from laconic.errors import UsageError
from laconic.model.anatomy import dissect
from laconic.pruning.masks import Masks
from laconic.pruning.parts import Parts, count_parts

AT_HAND = ("cpu",)
"""Devices whose numbers can be looked at without waiting for them."""

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
        self._hooks, self._wrapped, self._wide = list[Any](), list[nn.Module](), False
        self._model, anatomy = model, dissect(model)
        transposed = anatomy.layout.transposed
        for number, layer in enumerate(anatomy.layers):
            self._project(layer.attention_out, partial(self._attention, number), transposed)
            self._project(layer.ffn_out, partial(self._ffn, number), transposed)
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

    def close(self) -> None:
        """Leave the model as it was."""
        self.masks = None
        for hook in self._hooks:
            hook.remove()
        for module in self._wrapped:
            del module.forward
        self._hooks.clear()
        self._wrapped.clear()

    def _project(self, module: nn.Module, factors: Callable[[Masks], Factors], transposed: bool) -> None:
        def forward(module: nn.Module, inputs: Tensor) -> Tensor:
            if self.masks is None:
                untouched: Tensor = type(module).forward(module, inputs)
                return untouched
            weight, bias = scaled(module, factors(self.masks), transposed)
            return functional.linear(inputs, weight, bias)

        # A method, so that a copy of the model multiplies weights of its own.
        module.forward = MethodType(forward, module)
        self._wrapped.append(module)

    def _attention(self, number: int, masks: Masks) -> Factors:
        outputs = output_factors(masks, masks.attention_L[number] * self._attention_on(number))
        return input_factors(masks, self.parts, number), outputs

    def _ffn(self, number: int, masks: Masks) -> Factors:
        return masks.unit_LU[number], output_factors(masks, masks.ffn_L[number] * self._ffn_on(number))

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


def scaled(module: nn.Module, factors: Factors, transposed: bool) -> tuple[Float[Tensor, "N M"], Float[Tensor, "N"] | None]:
    """Weight (out, in) and bias of a projection with the factors multiplied into them.

    Args:
        module: a linear layer.
        factors: of its inputs, and of its outputs, one for all or one for each.
        transposed: whether its weight is stored (in, out).
    """
    inputs, outputs = factors
    weight, bias = module.weight, module.bias
    assert isinstance(weight, nn.Parameter)
    weight = weight.T if transposed else weight
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
