import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bytelm.random_transformers import random_model

from laconic.bytelm.base import AbstractByteLM
from laconic.bytelm.ngram import NGramByteLM
from laconic.bytelm.prior import PRIOR_FORM, PriorReader, logits_of, prior_logits
from laconic.bytelm.uniform import UniformByteLM

SYMBOLS = np.array([*b"the cat sat", 256, *b"on the mat", 256, 256, 0, 255, *b"the dog"], np.uint16)


def priors(small_ngram: NGramByteLM) -> list[AbstractByteLM]:
    """One that depends on a few symbols, one on none, and one of which nothing is known."""
    return [small_ngram, UniformByteLM(), random_model()]


@given(cuts=st.sets(st.integers(1, SYMBOLS.size - 1)))
@settings(max_examples=10)
def test_stretches_are_predicted_as_a_whole_is(small_ngram: NGramByteLM, cuts: set[int]) -> None:
    symbols_RT = np.stack([SYMBOLS, SYMBOLS[::-1]])
    for prior in priors(small_ngram):
        reader = PriorReader(prior, 2)
        parts = [reader.read(part_RT) for part_RT in np.split(symbols_RT, sorted(cuts), axis=1)]
        assert (np.concatenate(parts, axis=1) == prior.counts(symbols_RT, PRIOR_FORM)).all()


def test_logits_are_logarithms_of_counts(small_ngram: NGramByteLM) -> None:
    logits_BTS = prior_logits(small_ngram, SYMBOLS[None])
    counts_BTS = np.diff(small_ngram.counts(SYMBOLS[None], PRIOR_FORM))
    assert np.abs(logits_BTS / 128 - np.log2(counts_BTS / (1 << 22))).max() < 0.01
    assert logits_BTS.max() <= 0


@pytest.mark.parametrize("count", [1, 2, 3, 1000, (1 << 22) - 256])
def test_logits_of_a_single_count(count: int) -> None:
    edges = np.zeros(258, np.uint32)
    edges[1:] = count + np.arange(257)
    logits = logits_of(edges)
    assert logits[0] == pytest.approx(128 * np.log2(count / (1 << 22)), abs=1)
    assert (logits[1:] == -22 * 128).all()
