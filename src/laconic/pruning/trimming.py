"""Making a structure exactly as small as was asked for, whatever the gates came to.

Gates meet a sparsity in expectation. What is left after rounding is a little more or less; after a short run, far more or less.
Feed-forward units are the smallest parts there are, so the least important of them go, or the most important come back.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from laconic.errors import UsageError
from laconic.pruning.masks import Structure
from laconic.pruning.parts import Parts


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
    """The most that can be pruned where only some parts have gates.

    Args:
        parts: what the model has.
        kinds: which gates there are, of `laconic.pruning.gates.KINDS`.
    """
    whole, wide = Structure.whole(parts), "width" in kinds
    heads = not wide and not {"heads", "attention"} & set(kinds)
    units = not wide and not {"units", "ffn"} & set(kinds)
    return Structure(head_LH=whole.head_LH & heads, unit_LU=whole.unit_LU & units).sparsity(parts)


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

    Heads go where all units are not enough, and come back where all units are too few.

    Args:
        structure: what the gates left.
        parts: what the model has.
        importance: which parts go first, and come back last. Units come back where their layer has any; then elsewhere.
        sparsity: the share of parameters that is to be gone.
        heads: whether heads may go and come back.
        units: whether units may.

    Raises:
        UsageError: more than there is in what may go.
    """

    def with_heads(head_LH: Tensor) -> Structure:
        as_before = Structure(head_LH=head_LH, unit_LU=structure.unit_LU, width_D=structure.width_D)
        unit_LU = _trim_units(as_before, parts, importance, sparsity) if units else structure.unit_LU
        return Structure(head_LH=head_LH, unit_LU=unit_LU, width_D=structure.width_D)

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


def _trim_units(structure: Structure, parts: Parts, importance: Importance, sparsity: float) -> Tensor:
    """Units such that one more would be too many, or all that may stay; found by halving, for sizes grow with each unit."""
    alive_LU = structure.unit_LU.any(-1, keepdim=True).expand_as(structure.unit_LU)
    # Those that are there first, then their layers' other units, then the rest; each from the most important on.
    order = torch.cat(
        [_order(importance.unit_LU, chosen).flip(0) for chosen in (structure.unit_LU, alive_LU & ~structure.unit_LU, ~alive_LU)]
    )

    def with_units(count: int) -> Structure:
        unit_LU = torch.zeros(structure.unit_LU.numel(), dtype=torch.bool)
        unit_LU[order[:count]] = True
        return Structure(head_LH=structure.head_LH, unit_LU=unit_LU.view_as(structure.unit_LU), width_D=structure.width_D)

    least, most = 0, len(order)
    while least < most:
        middle = (least + most + 1) // 2
        if with_units(middle).sparsity(parts) >= sparsity:
            least = middle
        else:
            most = middle - 1
    return with_units(least).unit_LU


def _order(importance: Tensor, chosen: Tensor) -> Tensor:
    """Where the chosen parts stand, the least important first."""
    places = chosen.flatten().nonzero()[:, 0]
    return places[importance.flatten()[places].argsort(stable=True)]
