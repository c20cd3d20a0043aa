"""A text read with a memory: without slots it is the plain measurement, with local ones the loss of training."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.training.models import tiny_model

from laconic.evaluation.bits import tokens_bits
from laconic.evaluation.memory import MemoryConfig, memory_bits, read_windows, word_perplexity
from laconic.memory.keys import KeyTap
from laconic.memory.objective import Trime, TrimeConfig
from laconic.training.objective import Batch

TOKENS = np.random.default_rng(0).integers(0, 6, 61).astype(np.int32)
OPTIONS = {"vocab_size": 20, "context": 16}


@given(st.integers(1, 16), st.integers(1, 5), st.integers(1, 61))
def test_without_slots_it_is_the_plain_measurement(stride: int, batch: int, size: int) -> None:
    model, tokens_N = tiny_model().eval(), TOKENS[:size]
    ours = memory_bits(model, tokens_N, 99, MemoryConfig(), stride=stride, batch=batch, **OPTIONS)
    plain = tokens_bits(model, tokens_N, 99, stride=stride, **OPTIONS)
    assert ours.tokens == plain.tokens == size
    assert ours.bits_per_byte == pytest.approx(plain.bits_per_byte, rel=1e-5)


def test_a_window_with_local_memory_costs_what_training_says() -> None:
    model = tiny_model().eval()
    batch = Batch(tokens_BT=torch.from_numpy(TOKENS[:16].astype(np.int64))[None], pad_id=20, count=16, bytes=16)
    loss = Trime(KeyTap(model), vocab_size=20, config=TrimeConfig()).loss(model, batch).loss.item()
    bits = memory_bits(model, TOKENS[:16], 16, MemoryConfig(read="local"), stride=16, **OPTIONS)
    assert bits.bits_per_byte == pytest.approx(loss / math.log(2), rel=1e-5)


@given(st.integers(1, 16), st.integers(1, 5))
def test_windows_cover_the_text_in_order(stride: int, batch: int) -> None:
    done = 0
    for said in read_windows(tiny_model().eval(), TOKENS, stride=stride, batch=batch, **OPTIONS):
        window, partition_N, gold_N = said.window, said.partition_N, said.gold_N
        assert torch.equal(window.token_T, torch.from_numpy(TOKENS[window.begin : window.begin + len(window.token_T)]))
        assert window.begin + len(window.token_T) == done + window.asked
        assert len(partition_N) == len(gold_N) == window.asked and bool((partition_N > gold_N).all())
        done += window.asked
    assert done == len(TOKENS)


def test_memory_and_mixture_make_a_difference() -> None:
    model = tiny_model().eval()
    memories = [
        MemoryConfig(),
        MemoryConfig(read="local"),
        MemoryConfig(read="long", size=20),
        MemoryConfig(read="long", size=5),
        MemoryConfig(read="long", size=20, temperature=2.0),
        MemoryConfig(read="local", cache_weight=0.2),
    ]
    found = [memory_bits(model, TOKENS, 61, memory, stride=4, **OPTIONS).bits_per_byte for memory in memories]
    assert len({round(bits, 6) for bits in found}) == len(memories)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"read": "far"}, "read is 'far'"),
        ({"size": 0}, "size is 0"),
        ({"temperature": -1.0}, "temperature is -1.0"),
        ({"cache_weight": 1.0}, "cache_weight is 1.0"),
    ],
)
def test_settings_are_checked(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MemoryConfig(**change)


def test_perplexity_per_word_is_that_of_the_same_bits() -> None:
    bits = memory_bits(tiny_model().eval(), TOKENS, 200, MemoryConfig(), stride=16, **OPTIONS)
    assert word_perplexity(bits, words=61) == pytest.approx(bits.perplexity)
    assert word_perplexity(bits, words=122) == pytest.approx(math.sqrt(bits.perplexity))
