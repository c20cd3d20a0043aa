from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.pruning.tiny import random_masks, tiny_model

from laconic.errors import UsageError
from laconic.pruning.masks import Structure
from laconic.pruning.parts import Parts, count_parts
from laconic.pruning.trimming import SLIVER, Importance, largest_sparsity, trim

PARTS = count_parts(tiny_model("bert"))
WIDE = replace(PARTS, units=200)
ONE_PART = (PARTS.unit.at(PARTS.width) + PARTS.ffn.at(PARTS.width)) / PARTS.total


def importance(seed: int, parts: Parts = PARTS) -> Importance:
    random = torch.Generator().manual_seed(seed)
    return Importance(
        head_LH=torch.randn(parts.layers, parts.heads, generator=random),
        unit_LU=torch.randn(parts.layers, parts.units, generator=random),
    )


@given(seed=st.integers(0, 1000), closed=st.sampled_from([0.0, 0.4, 0.8, 1.0]), sparsity=st.floats(0.05, 0.99))
def test_any_structure_becomes_as_sparse_as_asked_for_but_for_one_part(seed: int, closed: float, sparsity: float) -> None:
    structure = random_masks(PARTS, seed, closed=closed).structure()
    trimmed = trim(structure, PARTS, importance(seed), sparsity=sparsity)
    reached = trimmed.sparsity(PARTS)
    assert reached >= sparsity
    assert reached - sparsity < ONE_PART


@given(seed=st.integers(0, 300))
def test_the_least_important_units_go_first_and_the_most_important_come_back_first(seed: int) -> None:
    structure, worth = random_masks(PARTS, seed, closed=0.3).structure(), importance(seed)
    sparsity = structure.sparsity(PARTS)
    smaller = trim(structure, PARTS, worth, sparsity=min(0.99, sparsity + 0.1)).unit_LU
    gone = structure.unit_LU & ~smaller
    if gone.any() and smaller.any():
        assert worth.unit_LU[gone].max() <= worth.unit_LU[smaller].min()
    larger = trim(structure, PARTS, worth, sparsity=max(0.01, sparsity - 0.05)).unit_LU
    back, alive_LU = larger & ~structure.unit_LU, structure.unit_LU.any(-1, keepdim=True)
    left = alive_LU & ~larger
    if (back & alive_LU).any() and left.any():
        assert worth.unit_LU[back & alive_LU].min() >= worth.unit_LU[left].max()


def test_what_was_asked_for_already_stays_as_it_is() -> None:
    structure = random_masks(PARTS, 4, closed=0.3).structure()
    trimmed = trim(structure, PARTS, importance(4), sparsity=structure.sparsity(PARTS))
    assert torch.equal(trimmed.head_LH, structure.head_LH) and torch.equal(trimmed.unit_LU, structure.unit_LU)


@given(
    seed=st.integers(0, 100),
    counts=st.lists(st.sampled_from([0, 1, 2, 3, 4, 90, 200]), min_size=PARTS.layers, max_size=PARTS.layers),
)
def test_slivers_are_put_together_as_many_parameters_as_they_were(seed: int, counts: list[int]) -> None:
    worth, count_L = importance(seed, WIDE), torch.tensor(counts)
    unit_LU = torch.arange(WIDE.units).expand(WIDE.layers, -1) < count_L[:, None]
    structure = replace(Structure.whole(WIDE), unit_LU=unit_LU)
    sparsity = structure.sparsity(WIDE)
    trimmed = trim(structure, WIDE, worth, sparsity=sparsity)
    assert 0 <= trimmed.sparsity(WIDE) - sparsity < ONE_PART
    left_L, least = trimmed.unit_LU.sum(-1), SLIVER * WIDE.units
    slivers = int(((left_L > 0) & (left_L < least)).sum())
    room = bool(((count_L >= least) & (count_L < WIDE.units - 3 * WIDE.layers)).any())
    assert slivers <= (0 if room else 1)
    if (count_L >= least)[count_L > 0].all():
        assert torch.equal(trimmed.unit_LU, unit_LU)


@given(seed=st.integers(0, 100), heads=st.booleans())
def test_what_has_no_gates_stays(seed: int, heads: bool) -> None:
    structure = random_masks(PARTS, seed, closed=0.2).structure()
    left = (
        structure.head_LH.sum() * PARTS.head.at(PARTS.width) if heads else structure.unit_LU.sum() * PARTS.unit.at(PARTS.width)
    )
    sparsity = structure.sparsity(PARTS) + 0.5 * float(left) / PARTS.total
    trimmed = trim(structure, PARTS, importance(seed), sparsity=sparsity, heads=heads, units=not heads)
    same = (structure.unit_LU, trimmed.unit_LU) if heads else (structure.head_LH, trimmed.head_LH)
    assert torch.equal(*same)
    assert trimmed.sparsity(PARTS) >= sparsity


def test_heads_go_where_units_are_not_enough() -> None:
    trimmed = trim(Structure.whole(PARTS), PARTS, importance(0), sparsity=0.9)
    assert 0 < int(trimmed.head_LH.sum()) < PARTS.layers * PARTS.heads


def test_the_largest_sparsity_depends_on_the_gates() -> None:
    assert largest_sparsity(PARTS, ("heads", "attention", "units", "ffn")) == 1.0
    heads, units = largest_sparsity(PARTS, ("heads",)), largest_sparsity(PARTS, ("units",))
    # An entry of the width stays, and with it what no gate reaches.
    width, both = largest_sparsity(PARTS, ("width",)), largest_sparsity(PARTS, ("width", "heads"))
    assert 0.5 < width < both < 1.0 == largest_sparsity(PARTS, ("width", "heads", "units"))
    assert heads + units == pytest.approx(1.0) and 0 < heads < 1
    with pytest.raises(UsageError, match="cannot be reached"):
        trim(Structure.whole(PARTS), PARTS, importance(0), sparsity=1.01)
