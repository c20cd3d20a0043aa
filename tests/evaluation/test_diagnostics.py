"""Sums and single predictions say what a computation by hand says."""

import math

import numpy as np
import pytest
import torch
from tests.training.models import tiny_model

from laconic.evaluation.bits import tokens_bits
from laconic.evaluation.diagnostics import BINS, BUCKETS, diagnose
from laconic.evaluation.memory import MemoryConfig, Said, memory_bits, read_windows
from laconic.memory.stores import Window

TOKENS = np.random.default_rng(0).integers(0, 6, 61).astype(np.int32)
OPTIONS = {"vocab_size": 20, "context": 16}
COUNTS = np.array([20_000, 5_000, 500, 50, 5, 0, *[0] * 14])
MEMORIES = [
    MemoryConfig(read="local"),
    MemoryConfig(read="long", size=20, temperature=0.5),
    MemoryConfig(read="long", size=20, cache_weight=0.3),
]


def windows(stride: int = 4) -> list[Said]:
    return list(read_windows(tiny_model().eval(), TOKENS, stride=stride, **OPTIONS))


@pytest.mark.parametrize("memory", MEMORIES)
def test_perplexities_are_those_of_the_measurement(memory: MemoryConfig) -> None:
    results, _ = diagnose(windows(), memory, COUNTS)
    with_memory = memory_bits(tiny_model().eval(), TOKENS, 61, memory, stride=4, **OPTIONS)
    without = tokens_bits(tiny_model().eval(), TOKENS, 61, stride=4, **OPTIONS)
    assert results["tokens"] == 61
    assert results["perplexity"] == pytest.approx(with_memory.perplexity, rel=1e-5)
    assert results["vocabulary_perplexity"] == pytest.approx(without.perplexity, rel=1e-5)
    buckets = results["frequency_buckets"]
    assert [bucket["bucket"] for bucket in buckets] == [name for _, name in BUCKETS]
    assert [bucket["tokens"] for bucket in buckets] == [*np.bincount(TOKENS)[:4], np.isin(TOKENS, (4, 5)).sum()]
    for kind in ("perplexity", "vocabulary_perplexity"):
        mean = sum(bucket["tokens"] * math.log(bucket[kind]) for bucket in buckets) / 61
        assert math.exp(mean) == pytest.approx(results[kind], rel=1e-6)


@pytest.mark.parametrize("memory", MEMORIES)
def test_each_prediction_is_the_sum_of_its_parts(memory: MemoryConfig) -> None:
    results, seen = diagnose(windows(), memory, COUNTS, view=range(61))
    assert [one.token for one in seen] == TOKENS.tolist()
    nats = -sum(math.log(one.probability) for one in seen)
    assert math.exp(nats / 61) == pytest.approx(results["perplexity"], rel=1e-4)
    for place, one in enumerate(seen):
        shares = [share for _, share in one.sources]
        assert shares == sorted(shares, reverse=True) and len(shares) <= 5
        assert sum(shares) <= one.from_memory + 1e-3
        if len(shares) < 5:
            assert sum(shares) == pytest.approx(one.from_memory, abs=1e-3)
        assert all(back > 0 and TOKENS[place - back] == TOKENS[place] for back, _ in one.sources)
        assert 0 <= one.gate <= 1
    gates = np.array([one.gate for one in seen])
    assert results["gates"]["tokens"] == np.histogram(gates, bins=BINS, range=(0, 1))[0].tolist()
    assert seen[0].sources == () and seen[0].from_memory == seen[0].gate == 0.0


def test_memory_alone_is_right_where_its_heaviest_token_is() -> None:
    """Keys of two kinds: a slot is found by its like. Tokens 1 and 2 follow them, but once it is the other way round."""
    kinds, tokens = torch.tensor([0, 1, 0, 1, 0, 0]), torch.tensor([1, 2, 1, 2, 2, 1])
    window = Window(key_TD=10 * torch.eye(2)[kinds], token_T=tokens, begin=0, asked=6)
    said = Said(window=window, partition_N=torch.zeros(6), gold_N=torch.full((6,), -1.0))
    results, _ = diagnose([said], MemoryConfig(read="local"), COUNTS)
    # The first two tokens are new; of the four others, the fifth is the exception; two of three slots then say 1.
    assert results["memory_only"] == {"reachable": 4 / 6, "accuracy": 3 / 4}


def test_a_part_of_the_text_can_be_looked_at() -> None:
    _, whole = diagnose(windows(), MEMORIES[1], COUNTS, view=range(61))
    done = list[int]()
    _, part = diagnose(windows(), MEMORIES[1], COUNTS, view=range(13, 29), progress=done.append)
    assert part == whole[13:29]
    assert done[-1] == 61 and done == sorted(done)
    assert part[0].to_dict().keys() == {"probability", "from_memory", "gate", "sources"}
