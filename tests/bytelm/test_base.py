import numpy as np
import pytest

from laconic.bytelm.base import CountFormat, restart
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
