import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.pruning.tiny import random_masks, tiny_model

from laconic.errors import UsageError
from laconic.pruning.gates import USUAL, Gates
from laconic.pruning.masks import Structure
from laconic.pruning.parts import count_parts
from laconic.pruning.speed import PartTimes

PARTS = count_parts(tiny_model("llama, groups"))
TIMES = PartTimes(attention=0.02, head=0.1, ffn=0.03, unit=0.01, rest=0.2)
PRICED = TIMES.priced(PARTS)


@given(seed=st.integers(0, 500), closed=st.sampled_from([0.0, 0.3, 0.7, 1.0]))
def test_the_time_of_a_structure_is_the_sum_of_its_parts(seed: int, closed: float) -> None:
    structure = random_masks(PARTS, seed, closed=closed).structure()
    seconds, whole = 0.2, 0.2
    for layer in structure.counts():
        seconds += (0.02 + 0.1 * layer["heads"]) * (layer["heads"] > 0) + (0.03 + 0.01 * layer["units"]) * (layer["units"] > 0)
        whole += 0.02 + 0.1 * PARTS.heads + 0.03 + 0.01 * PARTS.units
    assert TIMES.speedup(structure, PARTS) == pytest.approx(whole / seconds)


@pytest.mark.parametrize("mean", [-3.0, -1.0, 1.0])
def test_the_expected_time_is_the_mean_time_of_what_is_drawn(mean: float) -> None:
    gates = Gates(PRICED, seed=1)
    for odds in gates.log_odds.values():
        torch.nn.init.normal_(odds, mean=mean, generator=torch.Generator().manual_seed(2))
    times = torch.tensor([gates.sample(step).structure().size(PRICED) for step in range(1, 3000)])
    error = float(times.std()) / len(times) ** 0.5
    assert float(times.mean()) == pytest.approx(float(gates.expected_size().detach()), abs=4 * error)


@given(seed=st.integers(0, 200), speedup=st.floats(1.2, 6.0))
def test_fixed_masks_are_as_fast_as_asked_for_but_for_one_part(seed: int, speedup: float) -> None:
    gates = Gates(PRICED, seed=seed)
    for odds in gates.log_odds.values():
        torch.nn.init.normal_(odds, mean=2.0, std=3.0, generator=torch.Generator().manual_seed(seed))
    gates.keep_in_range()
    structure = gates.fixed(TIMES.share_for(PARTS, speedup, USUAL)).structure()
    whole = TIMES.rest + PRICED.total
    wanted, reached = whole / speedup, TIMES.rest + structure.size(PRICED)
    assert reached <= wanted + 1e-9
    assert wanted - reached < TIMES.ffn + TIMES.unit + 1e-9


def test_in_a_model_of_real_size_one_part_is_less_than_a_percentage_point() -> None:
    # BERT-base: a constant of a twentieth of each sub-layer's time is the most that the last part may be off by.
    times = PartTimes(attention=0.4e-3, head=0.6e-3, ffn=0.8e-3, unit=15.2e-3 / 3072, rest=5e-3)
    parts = _bert_base()
    priced = times.priced(parts)
    for speedup in (2.0, 5.0, 10.0, 20.0):
        gates = Gates(priced, units_at=2.0)
        structure = gates.fixed(times.share_for(parts, speedup, USUAL)).structure()
        assert 0 <= 1 / speedup - 1 / times.speedup(structure, parts) < 0.01


def test_what_cannot_be_reached_is_said_with_the_most_that_can() -> None:
    whole = TIMES.rest + PRICED.total
    with pytest.raises(UsageError, match=r"makes 6\.54, for 15\.3%"):
        TIMES.share_for(PARTS, 30.0, USUAL)
    assert whole / 0.2 == pytest.approx(6.55) and TIMES.share_for(PARTS, 6.54, USUAL) < 1
    heads_alone = Structure(
        head_LH=torch.zeros(PARTS.layers, PARTS.heads, dtype=torch.bool), unit_LU=Structure.whole(PARTS).unit_LU
    )
    most = TIMES.speedup(heads_alone, PARTS)
    with pytest.raises(UsageError, match=f"with the gates heads: .* makes {int(100 * most) / 100:g}"):
        TIMES.share_for(PARTS, most + 0.01, ("heads",))
    assert TIMES.share_for(PARTS, most - 0.01, ("heads",)) < 1


@pytest.mark.parametrize(("changes", "message"), [({"rest": -1.0}, "rest is -1"), ({"unit": 0.0}, "both must be positive")])
def test_times_that_cannot_be_are_refused(changes: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PartTimes(**{**vars(TIMES), **changes})


def _bert_base():  # type: ignore[no-untyped-def]
    from tests.pruning.test_gates import BERT_BASE

    return BERT_BASE
