import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.pruning.tiny import random_masks, tiny_model

from laconic.pruning.masks import Structure
from laconic.pruning.parts import count_parts

PARTS = count_parts(tiny_model("bert"))


@given(seed=st.integers(0, 1000), closed=st.sampled_from([0.0, 0.3, 0.7, 1.0]))
def test_what_is_off_has_nothing_left_and_counts_nothing(seed: int, closed: float) -> None:
    masks = random_masks(PARTS, seed, closed=closed)
    structure = masks.structure()
    attention_L = (masks.attention_L != 0) & (masks.head_LH != 0).any(-1)
    assert torch.equal(structure.head_LH.any(-1), attention_L)
    size = 0
    for layer in range(PARTS.layers):
        heads, units = int(structure.head_LH[layer].sum()), int(structure.unit_LU[layer].sum())
        size += (PARTS.attention.at(PARTS.width) if heads else 0) + heads * PARTS.head.at(PARTS.width)
        size += (PARTS.ffn.at(PARTS.width) if units else 0) + units * PARTS.unit.at(PARTS.width)
    assert structure.size(PARTS) == size
    assert structure.sparsity(PARTS) == pytest.approx(1 - size / PARTS.total)
    assert structure.counts() == masks.only(structure).structure().counts()


def test_a_whole_structure_is_all_of_the_model() -> None:
    whole = Structure.whole(PARTS)
    assert whole.sparsity(PARTS) == 0 and whole.masks().structure().size(PARTS) == PARTS.total


def test_a_narrower_stream_makes_every_part_smaller() -> None:
    whole = Structure.whole(PARTS)
    width_D = torch.arange(PARTS.width) < PARTS.width // 2
    half = Structure(head_LH=whole.head_LH, unit_LU=whole.unit_LU, width_D=width_D)
    assert PARTS.total / 2 < half.size(PARTS) < 0.6 * PARTS.total
