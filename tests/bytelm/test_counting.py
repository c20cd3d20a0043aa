from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laconic.bytelm.counting import CONTEXT, FIELD, NOTHING, add_starts, count_grams

DOCUMENTS = st.lists(st.tuples(st.binary(max_size=12) | st.text("ab", max_size=20).map(str.encode), st.integers(1, 3)))


def count_plainly(documents: list[tuple[bytes, int]]) -> dict[int, int]:
    counts: Counter[int] = Counter()
    for document, weight in documents:
        symbols = [*document, 256]
        for position, symbol in enumerate(symbols):
            context = symbols[max(position - CONTEXT, 0) : position][::-1]
            fields = [*context, *[NOTHING] * (CONTEXT - len(context)), symbol]
            counts[sum(field << FIELD * (CONTEXT - place) for place, field in enumerate(fields))] += weight
    return dict(sorted(counts.items()))


@given(documents=DOCUMENTS, chunk=st.integers(1, 40))
def test_counts_equal_those_counted_plainly_whatever_the_chunk(documents: list[tuple[bytes, int]], chunk: int) -> None:
    counts = count_grams(documents, chunk=chunk)
    assert dict(zip(counts.keys_N.tolist(), counts.counts_N.tolist(), strict=True)) == count_plainly(documents)
    assert (counts.keys_N[1:] > counts.keys_N[:-1]).all()
    assert counts.symbols == sum(len(document) + 1 for document, _ in documents)


@given(documents=DOCUMENTS)
def test_starts_are_contexts_that_hide_what_is_older(documents: list[tuple[bytes, int]]) -> None:
    counts = count_grams(documents)
    expected: Counter[int] = Counter()
    for key, count in zip(counts.keys_N.tolist(), counts.counts_N.tolist(), strict=True):
        expected[key] += count
        fields = [key >> FIELD * (CONTEXT - place) & NOTHING for place in range(CONTEXT + 1)]
        for length in range(CONTEXT):
            if NOTHING not in fields[:length]:
                hidden = [*fields[:length], *[NOTHING] * (CONTEXT - length), fields[-1]]
                expected[sum(field << FIELD * (CONTEXT - place) for place, field in enumerate(hidden))] += count / 2
    started = add_starts(counts, 0.5)
    assert dict(zip(started.keys_N.tolist(), started.counts_N.tolist(), strict=True)) == dict(sorted(expected.items()))


def test_a_weight_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="a weight of 0"):
        count_grams([(b"text", 0)])
