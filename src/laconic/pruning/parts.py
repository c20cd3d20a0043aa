"""What of a model can be pruned, and what each part of it costs: how many parameters it carries, or how long it takes."""

from dataclasses import dataclass

from torch import nn
from transformers import PreTrainedModel

from laconic.errors import UsageError
from laconic.model.anatomy import Anatomy, dissect


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Parameters of a part: so many for each entry of the width that is left, and so many besides. Or seconds, all besides.

    Attributes:
        per_width: for each entry of the residual stream.
        fixed: whatever its width.
    """

    per_width: int
    fixed: int | float

    def at(self, width: int) -> int | float:
        """The cost where the residual stream has `width` entries."""
        return self.per_width * width + self.fixed


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The parts of a model whose layers are all alike, and what each costs.

    Counted are the matrices and biases of attention and feed-forward parts: neither embeddings, norms nor what follows the
    last layer. `laconic.pruning.speed` counts seconds instead.

    Attributes:
        layers: L.
        heads: H, what is pruned of an attention: heads; or, where several groups of heads share keys and values, the groups.
        queries: query heads in each of them.
        head_size: numbers of a query head.
        units: U of a feed-forward part.
        width: D.
        keys_shared: whether all heads share keys and values, which then go with the attention.
        head: what one of H carries.
        attention: what an attention carries beside its heads: the output's bias, and keys and values that all heads share.
        unit: what one of U carries.
        ffn: what a feed-forward part carries beside its units: the output's bias.
    """

    layers: int
    heads: int
    queries: int
    head_size: int
    units: int
    width: int
    keys_shared: bool
    head: Cost
    attention: Cost
    unit: Cost
    ffn: Cost

    @property
    def total(self) -> int | float:
        """The cost of all parts: what sparsity is a share of."""
        attention = self.attention.at(self.width) + self.heads * self.head.at(self.width)
        return self.layers * (attention + self.ffn.at(self.width) + self.units * self.unit.at(self.width))


def count_parts(model: PreTrainedModel) -> Parts:
    """The parts of a model.

    Args:
        model: of a family that `laconic.model.anatomy` knows, its layers all alike.

    Raises:
        UsageError: another family, or layers that differ, as those of a pruned model do.
    """
    anatomy = dissect(model)
    if getattr(model.config, "cut_layers", None) is not None:
        raise UsageError(
            f"this {model.config.model_type} has been cut already: prune the model that it was cut from to a higher sparsity"
        )
    kinds = {_layer_parts(anatomy, number) for number in range(len(anatomy.layers))}
    if len(kinds) != 1:
        raise UsageError(
            f"the {len(anatomy.layers)} layers of this {model.config.model_type} are not all alike: "
            "prune the model that it was cut from, or set the higher sparsity there"
        )
    return kinds.pop()


def _layer_parts(anatomy: Anatomy, number: int) -> Parts:
    layer, width, layout = anatomy.layers[number], anatomy.width, anatomy.layout
    if layout.fusion == "per_head":
        raise UsageError("projections that are fused head by head, as GPT-NeoX has them, cannot be pruned yet")
    shared = anatomy.kv_heads == 1 < anatomy.heads
    heads = anatomy.heads if shared else anatomy.kv_heads
    head_size, queries = anatomy.head_size, anatomy.heads // heads
    projections = 1 if layout.fusion == "thirds" else 3
    biased = [_has_bias(module) for module in (layer.attention_in * 3)[:3]]
    sizes = [queries * head_size, head_size, head_size]
    own = sizes[:1] if shared else sizes
    beside = sizes[1:] if shared else []
    assert len(layer.attention_in) == projections
    return Parts(
        layers=len(anatomy.layers),
        heads=heads,
        queries=queries,
        head_size=head_size,
        units=anatomy.ffn_units(number),
        width=width,
        keys_shared=shared,
        head=Cost(per_width=sum(own) + sizes[0], fixed=_biases(own, biased)),
        attention=Cost(per_width=sum(beside) + _has_bias(layer.attention_out), fixed=_biases(beside, biased[1:])),
        unit=Cost(per_width=len(layer.ffn_in) + 1, fixed=sum(_has_bias(module) for module in layer.ffn_in)),
        ffn=Cost(per_width=int(_has_bias(layer.ffn_out)), fixed=0),
    )


def _biases(sizes: list[int], biased: list[bool]) -> int:
    return sum(size for size, has in zip(sizes, biased, strict=False) if has)


def _has_bias(module: nn.Module) -> bool:
    return isinstance(module.bias, nn.Parameter)
