import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laconic.bytelm import reference
from laconic.bytelm.base import CountFormat
from laconic.bytelm.weights import WEIGHT_LIMIT, cumulative_counts
from laconic.shapes import SYMBOLS

PRECISIONS = st.sampled_from([12, 13, 16, 20, 24])
LARGEST = WEIGHT_LIMIT // SYMBOLS - 1
WEIGHTS = st.lists(st.integers(0, 3) | st.integers(0, LARGEST), min_size=1, max_size=SYMBOLS).map(
    lambda weights: (weights * SYMBOLS)[:SYMBOLS]
)


@given(weights=WEIGHTS, precision=PRECISIONS, eos=st.booleans())
def test_counts_are_at_least_one_sum_exactly_and_equal_the_reference(weights: list[int], precision: int, eos: bool) -> None:
    form = CountFormat(precision=precision, eos=eos)
    edges_C = cumulative_counts(np.array([weights]), form)[0].astype(np.int64)
    assert edges_C[0] == 0
    assert edges_C[-1] == 1 << precision
    assert np.diff(edges_C).min() >= 1
    assert edges_C.tolist() == reference.cumulative_counts(weights, form)


@given(weights=WEIGHTS, precision=PRECISIONS)
def test_counts_follow_the_weights_to_within_one_and_a_bit(weights: list[int], precision: int) -> None:
    form = CountFormat(precision=precision)
    counts_S = np.diff(cumulative_counts(np.array([weights]), form)[0].astype(np.int64))
    ideal_S = [1 + (form.total - SYMBOLS) * weight / max(sum(weights), 1) for weight in weights]
    if any(weights):
        assert np.abs(counts_S - ideal_S).max() < 2.1


def test_largest_weights_do_not_overflow() -> None:
    weights_NS = np.full((1, SYMBOLS), LARGEST)
    edges_C = cumulative_counts(weights_NS, CountFormat(precision=24))[0]
    assert edges_C.tolist() == reference.cumulative_counts(weights_NS[0].tolist(), CountFormat(precision=24))


def test_the_weight_of_the_end_of_a_document_is_dropped_before_scaling() -> None:
    weights_NS = np.ones((2, SYMBOLS), dtype=np.int64)
    weights_NS[1, 256] = LARGEST
    edges_NC = cumulative_counts(weights_NS, CountFormat(precision=16, eos=False))
    assert edges_NC[0].tolist() == edges_NC[1].tolist()


@pytest.mark.parametrize("weight", [-1, LARGEST + 1])
def test_weights_out_of_range_are_refused(weight: int) -> None:
    with pytest.raises(ValueError, match="weights must lie between 0 and"):
        cumulative_counts(np.full((1, SYMBOLS), weight), CountFormat())
