"""Mixtures by hand."""

import math

import pytest
import torch

from laconic.memory.mixing import ContinuousCache, OneSum

LOGS = [torch.tensor([math.log(value)]) for value in (8.0, 2.0, 4.0, 3.0)]
"""What all words weigh and the right one, and all slots and the right ones."""
NOTHING = torch.tensor([-math.inf])


def test_probabilities() -> None:
    partition_N, gold_N, *mass = LOGS
    assert OneSum().log_probability(partition_N, gold_N, tuple(mass)).exp().item() == pytest.approx(5 / 12)
    mixed = ContinuousCache(0.2).log_probability(partition_N, gold_N, tuple(mass))
    assert mixed.exp().item() == pytest.approx(0.8 * 0.25 + 0.2 * 0.75)


def test_gates() -> None:
    partition_N, _, *mass = LOGS
    assert OneSum().gate(partition_N, tuple(mass)).item() == pytest.approx(4 / 12)
    assert ContinuousCache(0.2).gate(partition_N, tuple(mass)).item() == pytest.approx(0.2)
    for mixture in (OneSum(), ContinuousCache(0.2)):
        assert mixture.gate(partition_N, (NOTHING, NOTHING)).item() == 0.0


def test_an_empty_memory_leaves_the_vocabulary_alone() -> None:
    partition_N, gold_N = torch.tensor([2.0]), torch.tensor([1.0])
    for mixture in (OneSum(), ContinuousCache(0.3)):
        assert mixture.log_probability(partition_N, gold_N, (NOTHING, NOTHING)).item() == -1.0
    with_none_right = ContinuousCache(0.3).log_probability(partition_N, gold_N, (torch.tensor([0.0]), NOTHING))
    assert with_none_right.item() == pytest.approx(-1.0 + math.log(0.7))


def test_all_words_are_mixed_as_each_is() -> None:
    """Slots of words 0, 2 and 2 again beside a vocabulary of four."""
    generator = torch.Generator().manual_seed(0)
    logits_V, score_M = torch.randn(4, generator=generator), torch.randn(3, generator=generator)
    token_M = torch.tensor([0, 2, 2])
    word_V = torch.stack([torch.logsumexp(score_M[token_M == word], 0) for word in range(4)])
    for mixture in (OneSum(), ContinuousCache(0.3)):
        found_V = mixture.log_probabilities(logits_V, word_V)
        partition_N, all_N = torch.logsumexp(logits_V, 0).expand(4), torch.logsumexp(score_M, 0).expand(4)
        torch.testing.assert_close(found_V, mixture.log_probability(partition_N, logits_V, (all_N, word_V)))
        assert found_V.exp().sum().item() == pytest.approx(1)
        nothing_V = mixture.log_probabilities(logits_V, torch.full((4,), -math.inf))
        torch.testing.assert_close(nothing_V, torch.log_softmax(logits_V, -1))


@pytest.mark.parametrize("weight", [0.0, 1.0, -1.0])
def test_a_weight_is_a_share(weight: float) -> None:
    with pytest.raises(ValueError, match="must lie between 0 and 1"):
        ContinuousCache(weight)
