"""What may be drawn, and how often."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from laconic.memory.sampling import Sampling

LOG_P = torch.log_softmax(torch.tensor([2.0, -1.0, 0.5, 2.5, -math.inf, 0.0]), -1)


@given(st.integers(2, 40), st.floats(0.01, 1.0), st.floats(0.1, 10.0), st.integers(0, 99))
def test_the_nucleus_is_the_fewest_most_probable_tokens_that_have_the_share(
    words: int, top_p: float, temperature: float, seed: int
) -> None:
    log_p_V = torch.log_softmax(3 * torch.randn(words, generator=torch.Generator().manual_seed(seed)), -1)
    all_V = Sampling(temperature=temperature).shares(log_p_V)
    kept_V = Sampling(temperature=temperature, top_p=top_p).shares(log_p_V)
    torch.testing.assert_close(all_V, torch.softmax(log_p_V.double() / temperature, -1))
    inside_V = kept_V > 0
    assert bool(inside_V.any()) and (bool(inside_V.all()) or all_V[inside_V].min() >= all_V[~inside_V].max())
    share, least = float(all_V[inside_V].sum()), float(all_V[inside_V].min())
    assert share >= top_p - 1e-9 and (share - least < top_p + 1e-9)
    torch.testing.assert_close(kept_V, torch.where(inside_V, all_V, 0.0) / share)


def test_draws_are_as_frequent_as_probable_and_nothing_outside_the_nucleus_is_drawn() -> None:
    generator, sampling = torch.Generator().manual_seed(0), Sampling(top_p=0.9)
    drawn = [sampling.draw(LOG_P, generator) for _ in range(4000)]
    assert set(drawn) == {0, 2, 3}
    shares_V = torch.bincount(torch.tensor(drawn), minlength=len(LOG_P)) / len(drawn)
    torch.testing.assert_close(shares_V.double(), sampling.shares(LOG_P), atol=0.03, rtol=0)


def test_greedy_takes_the_most_probable_token_and_leaves_chance_alone() -> None:
    generator = torch.Generator().manual_seed(0)
    before = generator.get_state()
    assert Sampling(greedy=True, temperature=9.0).draw(LOG_P, generator) == 3
    assert torch.equal(generator.get_state(), before)


def test_the_coldest_draw_is_the_greedy_one() -> None:
    assert Sampling(temperature=1e-320).draw(LOG_P, torch.Generator()) == 3


def test_a_seed_decides_what_is_drawn() -> None:
    first, again, other = (
        [Sampling().draw(LOG_P, generator) for _ in range(30)]
        for generator in (torch.Generator().manual_seed(seed) for seed in (1, 1, 2))
    )
    assert first == again != other


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"temperature": 0.0}, r"sampling temperature is 0\.0, but must be positive"),
        ({"temperature": math.nan}, "temperature is nan"),
        ({"top_p": 0.0}, r"top_p is 0\.0, but must be above 0 and at most 1"),
        ({"top_p": 1.1}, r"top_p is 1\.1"),
        ({"top_p": math.nan}, "top_p is nan"),
    ],
)
def test_settings_are_checked(change: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Sampling(**change)
