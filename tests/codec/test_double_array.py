"""The law of the double array: every string is found from its beginning, and nothing else is."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from laconic.codec.double_array import lay_out

STRINGS = st.sets(st.lists(st.sampled_from([0, 1, 2, 97, 256]), min_size=1, max_size=6).map(tuple), max_size=30)


@given(STRINGS, st.integers(0, 2**24 - 1000))
def test_every_step_is_in_the_array_and_no_other(longer, code):
    strings = {string[:size] for string in longer for size in range(len(string) + 1)} | {()} | {(s,) for s in range(257)}
    ordered = sorted(strings, key=lambda string: (len(string), string))
    numbers = {string: n for n, string in enumerate(ordered)}
    parents_N = np.array([numbers[string[:-1]] for string in ordered], np.int32)
    children_N = np.bincount(parents_N[1:], minlength=len(ordered)).astype(np.uint16)
    first_N = 1 + np.cumsum(children_N, dtype=np.int64) - children_N
    symbols_N = np.array([0, *(string[-1] for string in ordered[1:])], np.uint16)
    codes_N = np.array([n + code if len(s) == 1 or n % 2 else -1 for n, s in enumerate(ordered)], np.int32)
    slots = lay_out(first_N, children_N, symbols_N, parents_N, codes_N).tolist()
    bases, known = {(): 0}, {}
    for string in ordered:
        for symbol in range(257):
            entry = slots[bases[string] + symbol]
            assert (entry & 511 == symbol) == ((*string, symbol) in strings)
            if entry & 511 == symbol:
                bases[*string, symbol] = entry >> 34
                own = codes_N[numbers[*string, symbol]]
                known[*string, symbol] = own if own >= 0 else known[string]
                assert (entry >> 9) & 1 == (own >= 0)
                assert entry >> 10 & 0xFFFFFF == known[*string, symbol]
