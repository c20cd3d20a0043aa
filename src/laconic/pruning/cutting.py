"""Cutting: masks become a really smaller dense model that says the same.

Factors are multiplied into the weights, exactly as the masked model multiplies them, and what is multiplied with 0 is left out:

    rows of query, key and value, columns of the output    those of the heads that are left
    rows into the units, columns out of them               those of the units that are left
    output of a sub-layer, its bias included               times the factor of the sub-layer
    a sub-layer that is off                                gone, and its norm with it
    embeddings, norms, outputs of sub-layers               times the factors of the width; what is 0 of it is gone everywhere

The fold of the released code leaves the last one's bias and the residual stream out (`docs/notes/cofi.md`).
"""

from collections.abc import Iterator, Mapping, Sequence

import torch
from jaxtyping import Int64
from torch import Tensor, nn
from transformers import PreTrainedModel

from laconic.errors import UsageError
from laconic.model.anatomy import Anatomy, Layer, dissect
from laconic.model.cut import cut_class, cut_config
from laconic.pruning.masking import input_factors, output_factors, require_width, rows_of_heads, scaled
from laconic.pruning.masks import Masks, Structure
from laconic.pruning.parts import Parts, count_parts


def cut(model: PreTrainedModel, masks: Masks) -> PreTrainedModel:
    """The model that is left.

    Args:
        model: uncut; it stays as it is.
        masks: what it would wear. Layers may have no heads, no units, or neither.

    Returns:
        A model of the same task and data type, in evaluation mode, of one of the classes of `laconic.model.cut`.

    Raises:
        UsageError: a family that cannot be cut, or not so.
    """
    if masks.width_D is not None:
        require_width(model)
    parts, structure = count_parts(model), masks.to(torch.device("cpu")).structure()
    try:
        config = cut_config(model.config, layer_sizes(structure, parts), width=structure.width)
        smaller: PreTrainedModel = cut_class(type(model))(config)
    except ValueError as error:
        raise UsageError(f"a {type(model).__name__} cannot be cut ({error})") from error
    for parameter in smaller.parameters():  # Not buffers: those of rotations stay in float32, whatever weights are in.
        parameter.data = parameter.data.to(model.dtype)
    kept = dict(_kept(model, masks.to(model.device), structure, parts))
    wanted = smaller.state_dict()
    rest = {name: tensor for name, tensor in model.state_dict().items() if name in wanted and name not in kept}
    left = {**rest, **kept}
    if structure.width_D is not None:
        left = dict(_narrowed(left, wanted, structure.width_D.nonzero()[:, 0]))
    smaller.load_state_dict(left, strict=True)
    smaller.train(False)
    return smaller


def require_cuttable(model: PreTrainedModel) -> None:
    """See that there is a class for what will be left of a model.

    Raises:
        UsageError: there is none.
    """
    try:
        cut_class(type(model))
    except ValueError as error:
        raise UsageError(f"a {type(model).__name__} cannot be cut ({error})") from error


def layer_sizes(structure: Structure, parts: Parts) -> list[dict[str, int]]:
    """What `laconic.model.cut` has to know of each layer: query heads, key/value heads and units; 0 where there are none."""
    sizes = []
    for layer in structure.counts():
        heads = layer["heads"] * parts.queries
        sizes.append(
            {
                "heads": heads,
                "kv_heads": min(layer["heads"], 1) if parts.keys_shared else layer["heads"],
                "units": layer["units"],
            }
        )
    return sizes


def _kept(model: PreTrainedModel, masks: Masks, structure: Structure, parts: Parts) -> Iterator[tuple[str, Tensor]]:
    """The tensors of all projections that are left, by their names."""
    anatomy = dissect(model)
    names = {id(module): name for name, module in model.named_modules()}
    for number, layer in enumerate(anatomy.layers):
        for module, tensors in _projections(anatomy, layer, number, masks, structure, parts):
            for kind, tensor in tensors.items():
                yield f"{names[id(module)]}.{kind}", tensor
    if masks.width_D is None:
        return
    norms = (*anatomy.outer_norms, *(norm for layer in anatomy.layers for norm in layer.norms))
    for module in (*anatomy.embeddings, *norms):
        for kind, parameter in module.named_parameters():
            yield f"{names[id(module)]}.{kind}", (parameter.detach() * masks.width_D.to(parameter.dtype)).cpu()


def _narrowed(
    tensors: Mapping[str, Tensor], wanted: Mapping[str, Tensor], kept_N: Int64[Tensor, "N"]
) -> Iterator[tuple[str, Tensor]]:
    """Tensors without what is gone of the width: it is the one axis along which they are still too large."""
    for name, tensor in tensors.items():
        if name in wanted:
            too_large = [axis for axis, size in enumerate(wanted[name].shape) if tensor.shape[axis] != size]
            for axis in too_large:
                tensor = tensor.index_select(axis, kept_N.to(tensor.device))
            yield name, tensor


def _projections(
    anatomy: Anatomy, layer: Layer, number: int, masks: Masks, structure: Structure, parts: Parts
) -> Iterator[tuple[nn.Module, dict[str, Tensor]]]:
    transposed = anatomy.layout.transposed
    heads, units = structure.head_LH[number].nonzero()[:, 0], structure.unit_LU[number].nonzero()[:, 0]
    if len(heads):
        rows: Sequence[Tensor] = rows_of_heads(heads, parts)
        queries = rows[0]
        if anatomy.layout.fusion == "thirds":
            whole = parts.heads * parts.head_size
            rows = [torch.cat([queries + third * whole for third in range(3)])]
        for module, chosen in zip(layer.attention_in, rows, strict=True):
            yield module, _cut_rows(module, chosen, transposed)
        factors = input_factors(masks, parts, number), output_factors(masks, masks.attention_L[number])
        yield layer.attention_out, _cut_columns(layer.attention_out, factors, queries, transposed)
    if len(units):
        for module in layer.ffn_in:
            yield module, _cut_rows(module, units, transposed)
        factors = masks.unit_LU[number], output_factors(masks, masks.ffn_L[number])
        yield layer.ffn_out, _cut_columns(layer.ffn_out, factors, units, transposed)


@torch.no_grad()
def _cut_rows(module: nn.Module, rows: Tensor, transposed: bool) -> dict[str, Tensor]:
    weight, bias = _tensors(module)
    tensors = {"weight": weight.index_select(1 if transposed else 0, rows)}
    return tensors if bias is None else {**tensors, "bias": bias.index_select(0, rows)}


@torch.no_grad()
def _cut_columns(module: nn.Module, factors: tuple[Tensor, Tensor], columns: Tensor, transposed: bool) -> dict[str, Tensor]:
    weight, bias = scaled(module, factors, transposed=transposed)
    weight = weight.cpu().index_select(1, columns)
    tensors = {"weight": weight.T if transposed else weight}
    return tensors if bias is None else {**tensors, "bias": bias.cpu()}


def _tensors(module: nn.Module) -> tuple[Tensor, Tensor | None]:
    weight, bias = module.weight, module.bias
    assert isinstance(weight, nn.Parameter)
    return weight.cpu(), bias.cpu() if isinstance(bias, nn.Parameter) else None


def count_all(model: PreTrainedModel) -> dict[str, int]:
    """Parameters of a model, cut or not: of its parts, of layers with their norms, of embeddings, and of all.

    Args:
        model: of a family that `laconic.model.anatomy` knows.
    """
    counts: dict[str, int] = {}
    for name, parameters in dissect(model).units():
        kind = name.rpartition(".")[2]
        counts[kind] = counts.get(kind, 0) + sum(parameter.numel() for parameter in parameters)
    pruned = counts.get("attention", 0) + counts.get("ffn", 0)
    total = sum({id(parameter): parameter.numel() for parameter in model.parameters()}.values())
    return {
        "pruned": pruned,
        "without_embeddings": total - counts["embeddings"],
        "embeddings": counts["embeddings"],
        "all": total,
    }
