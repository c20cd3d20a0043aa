"""Who sees what, written down slot by slot."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from laconic.memory.visibility import see_earlier, see_other_rows

SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 5))


@st.composite
def documents(draw: st.DrawFn) -> torch.Tensor:
    rows, length = draw(SHAPES)
    new = draw(arrays.arrays(bool, (rows * length,)))
    return torch.from_numpy(new).cumsum(0).reshape(rows, length)


@given(documents(), st.booleans())
def test_earlier_tokens_of_the_same_document(documents_BT: torch.Tensor, across_rows: bool) -> None:
    rows, length = documents_BT.shape
    document_N = documents_BT.flatten().tolist()
    seen_NM = see_earlier(documents_BT, across_rows=across_rows).mask(slice(0, rows * length))
    for query in range(rows * length):
        for slot in range(rows * length):
            same_row = query // length == slot // length
            expected = slot < query and document_N[slot] == document_N[query] and (across_rows or same_row)
            assert bool(seen_NM[query, slot]) == expected


@given(SHAPES, st.booleans(), st.integers(0, 2), st.integers(0, 2))
def test_all_tokens_of_other_rows(shape: tuple[int, int], own: bool, before: int, behind: int) -> None:
    rows, length = shape
    all_rows = before + rows + behind
    visibility = see_other_rows(rows, length, own=own, first=before, all_rows=all_rows)
    seen_NM = visibility.mask(slice(0, all_rows * length))
    for query in range(rows * length):
        place = query + before * length
        for slot in range(all_rows * length):
            same_row = place // length == slot // length
            assert bool(seen_NM[query, slot]) == (own and slot < place if same_row else True)


@given(documents(), st.booleans(), st.data())
def test_all_is_seen_where_no_mask_hides_anything(documents_BT: torch.Tensor, others: bool, data: st.DataObject) -> None:
    size = documents_BT.numel()
    whole = see_other_rows(*documents_BT.shape, own=True) if others else see_earlier(documents_BT, across_rows=True)
    first, begin = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size - 1))
    part = whole.of(slice(first, data.draw(st.integers(first + 1, size))))
    slots = slice(begin, data.draw(st.integers(begin + 1, size)))
    assert part.sees_all(slots) == bool(part.mask(slots).all())


@given(documents(), st.data())
def test_parts_and_their_spans_lose_nothing(documents_BT: torch.Tensor, data: st.DataObject) -> None:
    size = documents_BT.numel()
    visibility = see_earlier(documents_BT, across_rows=True)
    first = data.draw(st.integers(0, size - 1))
    queries = slice(first, data.draw(st.integers(first + 1, size)))
    whole_NM, part = visibility.mask(slice(0, size))[queries], visibility.of(queries)
    span = part.span()
    assert torch.equal(part.mask(slice(0, size)), whole_NM)
    assert part.mask(span).sum() == whole_NM.sum()
