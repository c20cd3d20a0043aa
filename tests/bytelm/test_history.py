"""A history is a list of symbols for each row, whatever is appended and taken back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laconic.bytelm.history import History

ROWS = 3
MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.lists(st.integers(-2, 256), min_size=ROWS, max_size=ROWS)),
        st.tuples(st.just("truncate"), st.lists(st.integers(-2, 200), min_size=ROWS, max_size=ROWS)),
        st.tuples(st.just("fill"), st.integers(1, 150)),
    ),
    max_size=12,
)


def rows_of(history: History) -> list[list[int]]:
    return [row[:length].tolist() for row, length in zip(history.symbols_BT, history.lengths_B, strict=True)]


@given(moves=MOVES)
def test_any_moves_leave_what_lists_would_hold(moves: list[tuple]) -> None:
    history, rows = History(ROWS, 257), [[] for _ in range(ROWS)]
    for move, value in moves:
        if move == "truncate":
            history.truncate(np.array(value))
            rows = [row[: max(keep, 0)] for row, keep in zip(rows, value, strict=True)]
            continue
        steps = [value] if move == "append" else [[step % 257, -1, step % 7] for step in range(value)]
        for symbols in steps:
            history.append(np.array(symbols))
            rows = [row + [symbol] * (symbol >= 0) for row, symbol in zip(rows, symbols, strict=True)]
        assert rows_of(history) == rows
    assert rows_of(history) == rows


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int32, np.int64])
def test_symbols_of_any_integer_type(kind: type) -> None:
    history = History(2, 256)
    for symbol in range(130):
        history.append(np.array([symbol, 255 - symbol]).astype(kind))
    assert rows_of(history) == [list(range(130)), list(range(255, 125, -1))]
    assert history.symbols_BT.shape == (2, 256) and history.symbols_BT.dtype == np.uint16


def test_symbols_outside_the_alphabet_are_refused_before_any_is_kept() -> None:
    history = History(2, 256)
    with pytest.raises(ValueError, match="symbol 256 is not among the 256 symbols"):
        history.append(np.array([1, 256]))
    assert rows_of(history) == [[], []]


def test_a_batch_may_be_empty() -> None:
    history = History(0, 256)
    history.append(np.zeros(0, np.int64))
    history.truncate(np.zeros(0, np.int64))
    assert rows_of(history) == []
