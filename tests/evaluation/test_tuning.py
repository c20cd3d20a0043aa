"""Tuning measures each setting as a measurement of its own would, and finds the best."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.training.models import tiny_model

from laconic.evaluation.memory import MemoryConfig, memory_bits, read_windows
from laconic.evaluation.tuning import FINER, TEMPERATURES, WEIGHTS, tune

TOKENS = np.random.default_rng(0).integers(0, 6, 70).astype(np.int32)
OPTIONS = {"vocab_size": 20, "context": 16}


@settings(max_examples=8)
@given(st.integers(1, 16), st.sampled_from([0, 20, 60]), st.booleans())
def test_each_trial_is_the_measurement(stride: int, size: int, cache: bool) -> None:
    model = tiny_model().eval()
    memory = MemoryConfig(read="long" if size else "local", size=size or 1, cache_weight=0.1 if cache else None)
    windows = list(read_windows(model, TOKENS, stride=stride, **OPTIONS))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("laconic.evaluation.tuning.LEAST_SIZE", 10)
        trials = tune(windows, memory)
    sizes = {0: 1, 20: 3, 60: 4}[size]
    assert len(trials) == (sizes * len(TEMPERATURES) + len(FINER)) * (len(WEIGHTS) if cache else 1)
    assert [trial.nats for trial in trials] == sorted(trial.nats for trial in trials)
    for trial in trials[:: len(trials) // 5]:
        bits = memory_bits(model, TOKENS, 70, trial.memory, stride=stride, **OPTIONS)
        assert trial.nats / math.log(2) == pytest.approx(bits.bits_per_byte * 70, rel=1e-5)


def test_a_memory_that_is_wrong_is_turned_down() -> None:
    """Keys of an untrained model know nothing, so the hottest temperature, the flattest, and the least weight win."""
    windows = list(read_windows(tiny_model().eval(), np.arange(70, dtype=np.int32) % 20, stride=4, **OPTIONS))
    best = tune(windows, MemoryConfig(read="local", cache_weight=0.1))[0].memory
    assert best.cache_weight == min(WEIGHTS) or best.temperature >= max(TEMPERATURES) * min(FINER)


def test_progress_is_told_of_both_rounds() -> None:
    windows, told = list(read_windows(tiny_model().eval(), TOKENS, stride=16, **OPTIONS)), list[tuple[int, int]]()
    tune(windows, MemoryConfig(read="local"), progress=lambda done, total: told.append((done, total)))
    assert told == [(done + 1, 2 * len(windows)) for done in range(2 * len(windows))]


def test_only_slots_can_be_tuned() -> None:
    with pytest.raises(ValueError, match="read is 'none'"):
        tune([], MemoryConfig())
