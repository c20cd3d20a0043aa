import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laconic.bytelm.base import CountFormat, pad_rows, restart
from laconic.bytelm.ngram import NGramByteLM


@pytest.mark.parametrize("precision", [11, 25])
def test_precision_out_of_range_is_refused(precision: int) -> None:
    with pytest.raises(ValueError, match=f"precision is {precision}"):
        CountFormat(precision=precision)


def test_a_format_says_how_many_symbols_and_what_total() -> None:
    assert (CountFormat(precision=20, eos=False).symbols, CountFormat(precision=20, eos=False).total) == (256, 1 << 20)
    assert (CountFormat().symbols, CountFormat().total) == (257, 1 << 16)


def test_restart_empties_the_marked_rows_only(small_ngram: NGramByteLM) -> None:
    session = small_ngram.start(3, CountFormat())
    fresh = session.cumulative()[0].copy()
    after = session.step(np.array([116, 116, 116])).copy()
    restart(session, np.array([False, True, False]))
    assert (session.cumulative()[1] == fresh).all()
    assert (session.cumulative()[[0, 2]] == after[[0, 2]]).all()
    assert (after[0] != fresh).any()


@given(rows=st.lists(st.lists(st.integers(0, 256), max_size=6), max_size=5))
def test_padded_rows_hold_their_symbols_and_zeros_behind(rows: list[list[int]]) -> None:
    symbols_BT, lengths_B = pad_rows([np.array(row, np.uint16) for row in rows])
    assert symbols_BT.dtype == np.uint16 and lengths_B.dtype == np.int64
    assert symbols_BT.shape == (len(rows), max(map(len, rows), default=0))
    assert lengths_B.tolist() == [len(row) for row in rows]
    assert symbols_BT.tolist() == [row + [0] * (symbols_BT.shape[1] - len(row)) for row in rows]


def test_rows_of_bytes_become_symbols() -> None:
    symbols_BT, lengths_B = pad_rows([np.frombuffer(b"\xffa", np.uint8), np.zeros(0, np.uint8)])
    assert (symbols_BT.tolist(), lengths_B.tolist()) == ([[255, 97], [0, 0]], [2, 0])
