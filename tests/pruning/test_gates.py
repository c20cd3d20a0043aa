import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.pruning.tiny import tiny_model

from laconic.pruning.gates import LEAST, MOST, Gates, draw, fix, fix_alone, open_probability, suitable_rate
from laconic.pruning.masks import to_tensors
from laconic.pruning.parts import Cost, Parts, count_parts
from laconic.pruning.trimming import largest_sparsity

PARTS = count_parts(tiny_model("bert"))
BERT_BASE = Parts(
    layers=12, heads=12, queries=1, head_size=64, units=3072, width=768, keys_shared=False,
    head=Cost(per_width=256, fixed=192), attention=Cost(per_width=1, fixed=0), unit=Cost(per_width=2, fixed=1),
    ffn=Cost(per_width=1, fixed=0),
)  # fmt: skip


@pytest.mark.parametrize(("odds", "probability"), [(10.0, 1.0), (4.605, 0.998), (0.0, 0.832), (-4.605, 0.047)])
def test_probabilities_are_those_of_the_release(odds: float, probability: float) -> None:
    assert float(open_probability(torch.tensor(odds))) == pytest.approx(probability, abs=5e-4)


@pytest.mark.parametrize("odds", [-3.0, -1.0, 0.0, 2.0])
def test_draws_are_open_as_often_as_the_closed_form_says(odds: float) -> None:
    uniform = torch.rand(200_000, generator=torch.Generator().manual_seed(0))
    drawn = draw(torch.full((200_000,), odds), uniform)
    assert drawn.min() >= 0 and drawn.max() <= 1
    assert float((drawn != 0).float().mean()) == pytest.approx(float(open_probability(torch.tensor(odds))), abs=4e-3)


def test_the_expected_sparsity_of_bert_base_at_first_and_without_layer_gates_at_most() -> None:
    assert float(Gates(BERT_BASE).expected_sparsity().detach()) == pytest.approx(0.117, abs=3e-3)
    floor = Gates(BERT_BASE, kinds=("heads", "units"))
    for odds in floor.log_odds.values():
        torch.nn.init.constant_(odds, LEAST)
    assert float(floor.expected_sparsity().detach()) == pytest.approx(0.953, abs=1e-3)


def test_the_expected_size_is_the_mean_size_of_what_is_drawn() -> None:
    gates = Gates(PARTS, seed=1)
    for odds in gates.log_odds.values():
        torch.nn.init.normal_(odds, generator=torch.Generator().manual_seed(2))
    sizes = [gates.sample(step).structure().size(PARTS) for step in range(1, 1500)]
    # A sub-layer whose own gate is open, but that has no heads or units left, still counts its bias in the closed form.
    assert sum(sizes) / len(sizes) == pytest.approx(float(gates.expected_size().detach()), rel=0.02)


def test_every_kind_of_gate_is_in_the_expected_size() -> None:
    gates = Gates(PARTS, kinds=("heads", "attention", "units", "ffn", "width"))
    gates.expected_size().backward()
    assert all(odds.grad is not None and bool((odds.grad > 0).all()) for odds in gates.log_odds.values())


@given(seed=st.integers(0, 500), count=st.integers(1, 40))
def test_fixed_masks_close_as_many_as_are_expected_and_the_least_open_ones(seed: int, count: int) -> None:
    odds = 3 * torch.randn(2, count, generator=torch.Generator().manual_seed(seed))
    values = fix(odds)
    for row, value in zip(odds, values, strict=True):
        closed = int((value == 0).sum())
        assert closed == round(float(count - open_probability(row).sum()))
        if 0 < closed < count:
            assert row[value == 0].max() <= row[value != 0].min()
    assert values.max() < 1


def test_gates_that_stand_alone_close_below_one_half() -> None:
    half = math.log(0.1 / 1.1) * 2 / 3
    assert (fix_alone(torch.tensor([half - 0.01, half + 0.01, MOST])) != 0).tolist() == [False, True, True]


def test_draws_depend_on_seed_and_step_alone_and_log_odds_stay_in_range() -> None:
    gates = Gates(PARTS, seed=5)
    first, again, other = (to_tensors(gates.sample(step)) for step in (3, 3, 4))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["unit_LU"], other["unit_LU"])
    torch.nn.init.constant_(gates.log_odds["heads"], 10.0)
    gates.keep_in_range()
    assert float(gates.log_odds["heads"].detach().max()) == pytest.approx(MOST)


@pytest.mark.parametrize("kinds", [("attention",), ("ffn",), ("attention", "ffn"), ("heads", "ffn")])
@given(seed=st.integers(0, 20), share=st.floats(0.05, 0.95))
def test_gates_of_whole_sub_layers_meet_a_target_too(kinds: tuple[str, ...], seed: int, share: float) -> None:
    sparsity = share * largest_sparsity(PARTS, kinds)
    gone = Gates(PARTS, kinds=kinds, seed=seed).fixed(sparsity).structure().sparsity(PARTS)
    # One part less would be too few, and a sub-layer's bias may go with it.
    part, bias = (PARTS.unit, PARTS.ffn) if "ffn" in kinds else (PARTS.head, PARTS.attention)
    assert sparsity <= gone < sparsity + (part.at(PARTS.width) + bias.at(PARTS.width)) / PARTS.total + 1e-9


def test_unknown_gates_are_refused() -> None:
    with pytest.raises(ValueError, match=r"kinds is \('layers',\)"):
        Gates(PARTS, kinds=("layers",))


@given(seed=st.integers(0, 200), sparsity=st.floats(0.1, 0.95))
def test_fixed_masks_are_as_sparse_as_asked_for_and_those_that_come_back_are_soft(seed: int, sparsity: float) -> None:
    gates = Gates(PARTS, seed=seed)
    for odds in gates.log_odds.values():
        torch.nn.init.normal_(odds, mean=2.0, std=3.0, generator=torch.Generator().manual_seed(seed))
    gates.keep_in_range()
    masks = gates.fixed(sparsity)
    reached = masks.structure().sparsity(PARTS)
    assert reached >= sparsity
    assert reached - sparsity < 2 * PARTS.unit.at(PARTS.width) / PARTS.total
    values = masks.unit_LU[masks.unit_LU != 0]
    assert bool((values < 1).all())


def test_what_stays_of_the_width_counts_as_it_did_however_much_of_the_rest_goes() -> None:
    gates = Gates(PARTS, kinds=("heads", "units", "width"))
    for sparsity in (0.3, 0.6, 0.9):
        masks = gates.fixed(sparsity)
        assert masks.width_D is not None
        stays = masks.width_D[masks.width_D != 0]
        assert float(stays.min()) > 0.99 and masks.structure().sparsity(PARTS) >= sparsity


def test_short_runs_have_faster_gates() -> None:
    """One that crosses the range of a gate in an eighth of the run, but no slower than the paper's, nor wild."""
    assert suitable_rate(100_000) == 0.01
    assert suitable_rate(1000) * 1000 / 8 == pytest.approx(MOST - LEAST)
    assert suitable_rate(1) == suitable_rate(0) == 1.0
