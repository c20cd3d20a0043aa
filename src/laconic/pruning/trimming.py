"""Making a structure exactly as small as was asked for, whatever the gates came to.

Gates meet a sparsity in expectation. What is left after rounding is a little more or less; after a short run, far more or less.
Feed-forward units are the smallest parts there are, so the least important of them go, or the most important come back.
Of a feed-forward part with next to no units nothing is left: its norm and its sums would take more time than they do.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from laconic.errors import UsageError
from laconic.pruning.masks import Structure
from laconic.pruning.parts import Parts

SLIVER = 0.02
"""The share of its units below which a feed-forward part is not worth the time of its norm and its sums: as long as 30 of
MiniLM's 1,536 units take, for 8 texts of 128 tokens on a processor (`docs/log.md`)."""


@dataclass(frozen=True, kw_only=True)
class Importance:
    """What is worth keeping most: higher is more important. Only the order counts.

    Attributes:
        head_LH: of heads.
        unit_LU: of feed-forward units.
    """

    head_LH: Float[Tensor, "L H"]
    unit_LU: Float[Tensor, "L U"]


def largest_sparsity(parts: Parts, kinds: tuple[str, ...]) -> float:
    """The most that can be pruned where only some parts have gates; of the width an entry stays.

    Args:
        parts: what the model has.
        kinds: which gates there are, of `laconic.pruning.gates.KINDS`.
    """
    whole = Structure.whole(parts)
    heads, units = not {"heads", "attention"} & set(kinds), not {"units", "ffn"} & set(kinds)
    width_D = torch.arange(parts.width) == 0 if "width" in kinds else None
    return Structure(head_LH=whole.head_LH & heads, unit_LU=whole.unit_LU & units, width_D=width_D).sparsity(parts)


def trim(
    structure: Structure,
    parts: Parts,
    importance: Importance,
    *,
    sparsity: float,
    heads: bool = True,
    units: bool = True,
) -> Structure:
    """The structure that is nearest to one, and at least as sparse as asked for, but by one part.

    Heads go where all units are not enough, and come back where all units are too few. The units of a `SLIVER` go first of all;
    what comes back in their place comes where there are more, or else together.

    Args:
        structure: what the gates left.
        parts: what the model has.
        importance: which parts go first, and come back last. Units come back where their layer has any; then in one
            layer after the other.
        sparsity: the share of parameters that is to be gone.
        heads: whether heads may go and come back.
        units: whether units may.

    Raises:
        UsageError: more than there is in what may go.
    """

    unit_order = _unit_order(structure.unit_LU, importance.unit_LU)

    def with_heads(head_LH: Tensor) -> Structure:
        changed = replace(structure, head_LH=head_LH)
        return _trim_units(changed, parts, unit_order, sparsity) if units else changed

    trimmed = with_heads(structure.head_LH)
    for head in _order(importance.head_LH, structure.head_LH & heads).tolist():
        if trimmed.sparsity(parts) >= sparsity:
            break
        trimmed = with_heads(_changed(trimmed.head_LH, head, False))
    if trimmed.sparsity(parts) < sparsity:
        raise UsageError(f"a sparsity of {sparsity} cannot be reached: everything that can go is {trimmed.sparsity(parts):.4f}")
    for head in _order(importance.head_LH, ~structure.head_LH & heads).flip(0).tolist():
        larger = with_heads(_changed(trimmed.head_LH, head, True))
        if (units and not trimmed.unit_LU.all()) or larger.sparsity(parts) < sparsity:
            break
        trimmed = larger
    return trimmed


def _changed(head_LH: Tensor, head: int, there: bool) -> Tensor:
    changed_LH = head_LH.clone()
    changed_LH.view(-1)[head] = there
    return changed_LH


def _unit_order(unit_LU: Tensor, importance_LU: Tensor) -> Tensor:
    """Where units stand, those that stay longest first: in parts that are more than slivers what is there, then what is not,
    each from the most important on; then one of the other parts after the other, the largest first.
    """
    worthy_L1 = unit_LU.float().mean(-1, keepdim=True) >= SLIVER
    chosen = [worthy_L1 & unit_LU, worthy_L1 & ~unit_LU]
    size_L, best_L = unit_LU.sum(-1).tolist(), importance_LU.amax(-1).tolist()
    for layer in sorted(range(len(unit_LU)), key=lambda layer: (-size_L[layer], -best_L[layer])):
        here_L1 = (torch.arange(len(unit_LU)) == layer)[:, None] & ~worthy_L1
        chosen += [here_L1 & unit_LU, here_L1 & ~unit_LU]
    return torch.cat([_order(importance_LU, units_LU).flip(0) for units_LU in chosen])


def _trim_units(structure: Structure, parts: Parts, order: Tensor, sparsity: float) -> Structure:
    """With so many units that one more would be too many, or all of them; found by halving, for sizes grow with each unit.

    Args:
        structure: what is left besides.
        parts: what the model has.
        order: where units stand, those that stay longest first.
        sparsity: the share of parameters that is to be gone.
    """

    def with_units(count: int) -> Structure:
        unit_LU = torch.zeros(structure.unit_LU.numel(), dtype=torch.bool)
        unit_LU[order[:count]] = True
        return replace(structure, unit_LU=unit_LU.view_as(structure.unit_LU))

    least, most = 0, len(order)
    while least < most:
        middle = (least + most + 1) // 2
        if with_units(middle).sparsity(parts) >= sparsity:
            least = middle
        else:
            most = middle - 1
    return with_units(least)


def _order(importance: Tensor, chosen: Tensor) -> Tensor:
    """Where the chosen parts stand, the least important first."""
    places = chosen.flatten().nonzero()[:, 0]
    return places[importance.flatten()[places].argsort(stable=True)]
