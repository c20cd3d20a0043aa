import threading

import numba
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from laconic.bytelm.threads import Spread, single_products


@pytest.fixture(params=[1, 2])
def threads(request, monkeypatch):
    """So many threads, also where the machine has fewer."""
    monkeypatch.setattr(numba, "get_num_threads", lambda: request.param)
    return request.param


@given(rows=st.integers(0, 100), least=st.integers(1, 40))
def test_each_row_is_done_once(rows: int, least: int) -> None:
    done, before = np.zeros(rows, int), numba.get_num_threads
    numba.get_num_threads = lambda: 3
    try:
        with Spread() as spread:
            spread(lambda part: done.__setitem__(part, done[part] + 1), rows, least=least)
    finally:
        numba.get_num_threads = before
    assert (done == 1).all()


def test_few_rows_stay_in_one_thread(threads: int) -> None:
    names = []
    with Spread() as spread:
        spread(lambda part: names.append((threading.current_thread().name, part)), 19, least=10)
    assert names == [(threading.current_thread().name, slice(0, 19))]


def test_many_rows_are_shared(threads: int) -> None:
    parts = []
    with Spread() as spread:
        spread(parts.append, 20, least=10)
    assert len(parts) == threads


def test_errors_arrive(threads: int) -> None:
    def fail(part: slice) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"), Spread() as spread:
        spread(fail, 8, least=1)


def test_products_stay_in_one_thread_for_a_while_only() -> None:
    before = torch.get_num_threads()
    with single_products():
        with single_products():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
