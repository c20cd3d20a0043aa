import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from laconic.codec import nodes
from laconic.codec.reference import Interval


@st.composite
def paths(draw):
    """Cumulative counts and a symbol, several times over."""
    precision = draw(st.integers(12, 24))
    steps = []
    for _ in range(draw(st.integers(0, 12))):
        inner = sorted(draw(st.sets(st.integers(1, (1 << precision) - 1), max_size=5)))
        edges = [0, *inner, 1 << precision]
        steps.append((edges, draw(st.integers(0, len(edges) - 2))))
    return precision, steps


@given(paths(), st.integers(16, 128))
def test_nodes_are_the_intervals_of_the_reference(drawn, bits):
    precision, steps = drawn
    node, interval = np.zeros(nodes.FIELDS, np.uint64), Interval()
    nodes.to_root(node)
    for edges, symbol in steps:
        nodes.narrow(node, edges[symbol], edges[symbol + 1], np.uint64(precision))
        interval = interval.child(edges, symbol, precision)
    settled = (int(node[nodes.SETTLED_HIGH]) << 64) + int(node[nodes.SETTLED_LOW])
    shift = int(node[nodes.SHIFT])
    if shift <= 128:
        assert (settled << 63) + int(node[nodes.LOW]) == interval.low
    assert (int(node[nodes.WIDTH]), shift) == (interval.stop - interval.low, interval.shift)
    units = 63 + shift
    first, stop = -((-interval.low << bits) >> units), (interval.stop << bits) >> units
    fits, place = nodes.first_cell(node, np.uint64(bits))
    assert fits == (first < stop)
    if fits:
        high, low = nodes.code_of(node, np.uint64(place), np.uint64(bits))
        # Where units are larger than cells, the first whole cell begins with the node.
        assert (int(high) << 64) + int(low) == first
