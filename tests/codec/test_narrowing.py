import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laconic.codec import narrowing

widths = st.one_of(st.integers(2**62, 2**63 + 1), st.sampled_from([2**62, 2**63 - 1, 2**63, 2**63 + 1]))


@given(widths, st.integers(12, 24), st.data())
def test_portion_is_the_exact_floor(inner, precision, data):
    count = data.draw(st.integers(0, 1 << precision))
    found = narrowing.portion(np.uint64(inner), np.uint64(count), np.uint64(precision))
    assert int(found) == inner * count >> precision


@given(st.integers(1, 2**63 + 1))
def test_a_doubled_width_fills_the_register_again(width):
    shift = int(narrowing.missing_doublings(np.uint64(width)))
    assert width << shift >= narrowing.MIN_WIDTH
    assert shift == 0 or width << shift < 2 * narrowing.MIN_WIDTH


@given(widths, st.lists(st.integers(1, 50), min_size=1, max_size=40), st.data())
def test_bisection_finds_the_child_around_a_value(inner, counts, data):
    counts[-1] += 4096 - sum(counts) if sum(counts) <= 4096 else 0
    edges = np.concatenate([[0], np.cumsum(counts)]).astype(np.uint32)
    value = data.draw(st.integers(0, inner - 1))
    starts = [inner * int(edge) >> 12 for edge in edges[:-1]]
    found = narrowing.child_holding(edges, np.uint64(inner), np.uint64(value), np.uint64(12))
    assert found == max(s for s, start in enumerate(starts) if start <= value)


@pytest.mark.parametrize("precision", [11, 25])
def test_precision_out_of_range_is_refused(precision):
    with pytest.raises(ValueError, match="between 12 and 24"):
        narrowing.check_precision(precision)
