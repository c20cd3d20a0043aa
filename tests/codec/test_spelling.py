import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from laconic.codec.spelling import SLACK, gather, lengths_at, measure, spell


@given(st.sets(st.lists(st.integers(0, 3), min_size=1, max_size=20).map(tuple), min_size=1, max_size=20), st.data())
def test_every_string_is_spelled_at_its_place(longer, data):
    strings = {string[:size] for string in longer for size in range(len(string) + 1)}
    ordered = sorted(strings, key=lambda string: (len(string), string))
    numbers = {string: n for n, string in enumerate(ordered)}
    parents_N = np.array([numbers[string[:-1]] for string in ordered], np.int32)
    children_N = np.bincount(parents_N[1:], minlength=len(ordered)).astype(np.uint16)
    places_N, written = spell(
        1 + np.cumsum(children_N, dtype=np.int64) - children_N,
        children_N,
        np.array([0, *(string[-1] for string in ordered[1:])], np.uint16),
        parents_N,
        np.array(list(map(len, ordered)), np.uint16),
    )
    leaves = [string for string, children in zip(ordered, children_N, strict=True) if not children]
    assert written.size == sum(map(len, leaves)) + SLACK
    assert lengths_at(places_N).tolist() == list(map(len, ordered))
    codes = data.draw(st.lists(st.integers(1, len(ordered) - 1), max_size=30))
    wanted = [symbol for code in codes for symbol in ordered[code]]
    assert measure(np.array(codes, np.int32), places_N) == len(wanted)
    symbols = np.full(len(wanted) + SLACK + 1, 999, np.uint16)
    gather(np.array(codes, np.int32), places_N, written, symbols)
    assert symbols[: len(wanted)].tolist() == wanted
    assert symbols[-1] == 999


def test_the_first_code_that_stands_for_nothing_is_named():
    places_K = np.array([3, 0, 2], np.uint64)
    assert measure(np.array([0, 2, 2]), places_K) == 7
    assert [measure(np.array([0, 0, wrong, 1]), places_K) for wrong in (1, 3, -1, 1 << 62)] == [-3] * 4
    assert measure(np.array([1]), places_K) == -1
