import threading

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.bytelm.random_transformers import FORM, random_model, random_symbols

from laconic.bytelm.ngram import NGramByteLM
from laconic.bytelm.shared_session import SharedSession
from laconic.bytelm.transformer_session import TransformerSession
from laconic.bytelm.uniform import UniformByteLM


@given(batch=st.integers(1, 9), threads=st.integers(1, 4), seed=st.integers(0, 20))
def test_shared_rows_are_those_of_one_session(small_ngram: NGramByteLM, batch: int, threads: int, seed: int) -> None:
    shared = SharedSession(lambda rows: small_ngram.start(rows, FORM), batch, min(threads, batch), FORM)
    whole, text_BT = small_ngram.start(batch, FORM), random_symbols(seed, batch, 12, 6).astype(np.int64)
    for step, symbols_B in enumerate(text_BT.T):
        assert (shared.cumulative() == whole.cumulative()).all()
        moved_B = np.where(symbols_B > 4, -1, symbols_B)
        shared.append(moved_B)
        whole.append(moved_B)
        if step % 5 == 4:
            shared.truncate(symbols_B)
            whole.truncate(symbols_B)
    assert (shared.cumulative() == whole.cumulative()).all()


def test_a_wrong_symbol_leaves_every_row_as_it_was() -> None:
    shared = SharedSession(lambda rows: UniformByteLM().start(rows, FORM), 4, 2, FORM)
    before = shared.cumulative().copy()
    with pytest.raises(ValueError):
        shared.append(np.array([1, 2, 3, 999]))
    assert (shared.cumulative() == before).all()


class Failing:
    def cumulative(self) -> np.ndarray:
        raise MemoryError("no room")


@pytest.mark.parametrize("failing", [0, 1])
def test_what_goes_wrong_in_a_thread_is_told(failing: int) -> None:
    parts = iter([Failing() if part == failing else UniformByteLM().start(2, FORM) for part in range(2)])
    shared = SharedSession(lambda rows: next(parts), 4, 2, FORM)
    with pytest.raises(MemoryError):
        shared.cumulative()


def test_threads_end_with_their_session() -> None:
    before = threading.active_count()
    shared = SharedSession(lambda rows: UniformByteLM().start(rows, FORM), 4, 3, FORM)
    shared.cumulative()
    assert threading.active_count() > before
    del shared
    for thread in threading.enumerate():
        if thread.name.startswith("ThreadPoolExecutor"):
            thread.join(5)
    assert threading.active_count() <= before


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="one core")
def test_a_transformer_shares_rows_where_it_may_use_threads() -> None:
    model = random_model(1)
    assert isinstance(model.start(64, FORM), SharedSession)
    assert isinstance(model.start(1, FORM), TransformerSession)
    numba.set_num_threads(1)
    try:
        assert isinstance(model.start(64, FORM), TransformerSession)
    finally:
        numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)
