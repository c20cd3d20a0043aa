"""Smaller models that learn nothing about what to leave out: what CoFi is compared with.

Each is as small as asked for, and is then trained as a cut model is.
"""

import copy
import math
from bisect import bisect_right
from typing import Any

import torch
from torch.nn.utils import prune
from transformers import PreTrainedModel

from laconic.errors import UsageError
from laconic.model.anatomy import Slice, dissect
from laconic.model.cut import UNIT_FIELDS
from laconic.pruning.masks import Structure
from laconic.pruning.parts import count_parts
from laconic.pruning.trimming import Importance, trim

SMALL_LAYERS, SMALL_HEADS = 4, 4
"""Of a small model with random weights; as many layers as the smaller TinyBERT."""


@torch.no_grad()
def magnitudes(model: PreTrainedModel) -> Importance:
    """How large the weights of heads and units are: roots of mean squares, so that heads and units can be compared.

    Args:
        model: of a family that can be pruned, uncut.
    """
    anatomy, parts = dissect(model), count_parts(model)

    def head(layer: int, number: int) -> float:
        queries = range(number * parts.queries, (number + 1) * parts.queries)
        return _root_mean_square([part for query in queries for part in anatomy.head_slices(layer, query)])

    layers = range(parts.layers)
    return Importance(
        head_LH=torch.tensor([[head(layer, number) for number in range(parts.heads)] for layer in layers]),
        unit_LU=torch.tensor(
            [[_root_mean_square(anatomy.ffn_slices(layer, unit)) for unit in range(parts.units)] for layer in layers]
        ),
    )


def by_magnitude(model: PreTrainedModel, sparsity: float) -> Structure:
    """What is left where the heads and units with the smallest weights go, wherever they are.

    Args:
        model: of a family that can be pruned, uncut.
        sparsity: the share of parameters that is to be gone.
    """
    parts, importance = count_parts(model), magnitudes(model)
    order = torch.cat([importance.head_LH.flatten(), importance.unit_LU.flatten()]).argsort(stable=True)

    def without(count: int) -> Structure:
        there = torch.ones(len(order), dtype=torch.bool)
        there[order[:count]] = False
        head, unit = there[: importance.head_LH.numel()], there[importance.head_LH.numel() :]
        return Structure(head_LH=head.view_as(importance.head_LH), unit_LU=unit.view_as(importance.unit_LU))

    least, most = 0, len(order)
    while least < most:
        middle = (least + most) // 2
        least, most = (least, middle) if without(middle).sparsity(parts) >= sparsity else (middle + 1, most)
    return trim(without(least), parts, importance, sparsity=sparsity)


def first_layers(model: PreTrainedModel, sparsity: float) -> Structure:
    """What is left where layers go from the last one on, and all that stay become equally thin.

    Args:
        model: of a family that can be pruned, uncut.
        sparsity: the share of parameters that is to be gone.
    """
    parts, importance = count_parts(model), magnitudes(model)
    layers = max(1, math.ceil((1 - sparsity) * parts.layers))
    heads = max(1, math.floor((1 - sparsity) * parts.layers / layers * parts.heads))
    rank_LH = importance.head_LH.argsort(dim=-1, descending=True, stable=True).argsort(dim=-1)
    stays_L = torch.arange(parts.layers)[:, None] < layers
    structure = Structure(head_LH=(rank_LH < heads) & stays_L, unit_LU=stays_L.expand(parts.layers, parts.units).clone())
    return trim(structure, parts, importance, sparsity=sparsity)


def small_model(model: PreTrainedModel, sparsity: float, *, seed: int = 0) -> PreTrainedModel:
    """A narrow model of the same family with random weights: as wide as can be with no more in its layers than is to be left.

    Args:
        model: gives the family, the vocabulary and the task.
        sparsity: the share of the parameters of its layers that is to be gone.
        seed: of the weights.

    Raises:
        UsageError: even the narrowest has more.
    """
    wanted = round((1 - sparsity) * count_parts(model).total)
    # Rotary positions turn pairs of numbers, so heads have an even size.
    widths = range(2 * SMALL_HEADS, model.config.hidden_size, 2 * SMALL_HEADS)
    place = bisect_right(widths, wanted, key=lambda width: _size(model, width))
    if not place:
        raise UsageError(
            f"a small model of {wanted:,} parameters cannot be made, for the narrowest has {_size(model, widths[0]):,}: "
            "set a lower sparsity"
        )
    torch.manual_seed(seed)
    small: PreTrainedModel = type(model)(_narrow_config(model, widths[place - 1]))
    small.train(False)
    return small


def _size(model: PreTrainedModel, width: int) -> int:
    with torch.device("meta"):
        return int(count_parts(type(model)(_narrow_config(model, width))).total)


def _narrow_config(model: PreTrainedModel, width: int) -> Any:
    config: Any = copy.deepcopy(model.config)
    config.hidden_size, config.num_attention_heads = width, SMALL_HEADS
    config.num_hidden_layers = min(SMALL_LAYERS, config.num_hidden_layers)
    for name in UNIT_FIELDS:
        if getattr(config, name, None) is not None:
            setattr(config, name, 4 * width)
    if getattr(config, "num_key_value_heads", None) is not None:
        config.num_key_value_heads = SMALL_HEADS
    if getattr(config, "head_dim", None) is not None:
        config.head_dim = width // SMALL_HEADS
    return config


def drop_weights(model: PreTrainedModel, sparsity: float) -> None:
    """Let the smallest single weights of attention and feed-forward parts be 0 for ever, wherever they are, until `keep_zeros`.

    Nothing becomes smaller or faster by it: the matrices keep their shapes.

    Args:
        model: of a family that can be pruned, uncut; changed in place.
        sparsity: the share of parameters that is to be 0; biases count, but stay.

    Raises:
        UsageError: more than there are weights.
    """
    modules, total = _projections(model), count_parts(model).total
    gone, weights = math.ceil(sparsity * total), sum(module.weight.numel() for module in modules)
    if gone > weights:
        raise UsageError(f"a sparsity of {sparsity} cannot be reached: the weights are {weights / total:.4f} of the parameters")
    prune.global_unstructured([(module, "weight") for module in modules], prune.L1Unstructured, amount=gone)


def count_zeros(model: PreTrainedModel) -> int:
    """Single weights of attention and feed-forward parts that are 0."""
    return sum(int((module.weight == 0).sum()) for module in _projections(model))


def keep_zeros(model: PreTrainedModel) -> None:
    """Make the zeros of `drop_weights` plain weights of a plain model; in place."""
    for module in _projections(model):
        prune.remove(module, "weight")  # type: ignore[no-untyped-call]


def _projections(model: PreTrainedModel) -> list[Any]:
    layers = dissect(model).layers
    return [module for layer in layers for module in (*layer.attention_in, layer.attention_out, *layer.ffn_in, layer.ffn_out)]


def _root_mean_square(slices: list[Slice]) -> float:
    numbers = torch.cat([part.parameter.index_select(part.axis, part.index).flatten() for part in slices])
    return float(numbers.square().mean().sqrt())
