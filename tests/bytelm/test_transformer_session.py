from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bytelm.random_transformers import ANY_SHAPE, FORM, random_model, random_symbols

from laconic.bytelm.base import CountFormat, restart
from laconic.bytelm.ngram import NGramByteLM

ROWS = 4
MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.lists(st.integers(-1, 5), min_size=ROWS, max_size=ROWS)),
        st.tuples(st.just("read"), st.integers(1, 40)),
        st.tuples(st.just("truncate"), st.lists(st.integers(-1, 150), min_size=ROWS, max_size=ROWS)),
        st.tuples(st.just("restart"), st.lists(st.booleans(), min_size=ROWS, max_size=ROWS)),
        st.tuples(st.just("ask"), st.none()),
    ),
    max_size=12,
)


def expected(model, contexts: list[list[int]]) -> np.ndarray:
    """The edges after each context, from the parallel path."""
    longest = max(map(len, contexts)) + 1
    symbols_BT = np.array([context + [0] * (longest - len(context)) for context in contexts], np.uint16)
    counts_BTC = model.counts(symbols_BT, FORM)
    return np.stack([counts_C[len(context)] for counts_C, context in zip(counts_BTC, contexts, strict=True)])


@given(moves=MOVES, shape=ANY_SHAPE, seed=st.integers(0, 50))
@settings(max_examples=50)
def test_any_moves_end_where_their_contexts_do(
    small_ngram: NGramByteLM, moves: list[tuple], shape: dict[str, Any], seed: int
) -> None:
    model, text_BT = random_model(seed, prior=small_ngram, **shape), random_symbols(seed, ROWS, 600, 6)
    session, contexts, used = model.start(ROWS, FORM), [[] for _ in range(ROWS)], 0
    for move, value in moves:
        if move == "append":
            session.append(np.array(value))
            contexts = [c + [s] * (s >= 0) for c, s in zip(contexts, value, strict=True)]
        elif move == "read":
            for symbols_B in text_BT.T[used : used + value]:
                session.step(symbols_B)
            contexts = [c + t for c, t in zip(contexts, text_BT[:, used : used + value].tolist(), strict=True)]
            used += value
        elif move == "truncate":
            session.truncate(np.array(value))
            contexts = [c[: max(keep, 0)] for c, keep in zip(contexts, value, strict=True)]
        elif move == "restart":
            restart(session, np.array(value))
            contexts = [[] if again else c for c, again in zip(contexts, value, strict=True)]
        else:
            assert (session.cumulative() == expected(model, contexts)).all()
    assert (session.cumulative() == expected(model, contexts)).all()


@pytest.mark.parametrize("blocks", [None, [(0, 9), (3, 0), (1, 5)], [(0, 9), (0, 4)]])
@pytest.mark.parametrize("back", [1, 3, 63, 64, 65, 300, 4096])
def test_stepping_back_far(back: int, blocks: list[tuple[int, int]] | None) -> None:
    model, symbols_BT = random_model(1, band=10, blocks=blocks), random_symbols(3, 2, 4200, 9)
    session = model.start(2, FORM)
    for step, symbols_B in enumerate(symbols_BT.T):
        session.append(symbols_B)
        if step > 4100:
            session.cumulative()
    session.cumulative()
    session.truncate(np.array([4200 - back, 4200]))
    kept = symbols_BT[0, : 4200 - back].tolist()
    assert (session.cumulative()[0] == expected(model, [kept])[0]).all()
    session.append(np.array([5, -1]))
    assert (session.cumulative() == expected(model, [[*kept, 5], symbols_BT[1].tolist()])).all()


def test_rows_that_read_much_before_they_ask() -> None:
    model, symbols_BT = random_model(2, band=10), random_symbols(4, 3, 1500, 9)
    session = model.start(3, FORM)
    for symbols_B in symbols_BT.T:
        session.append(np.where(np.arange(3) == 1, -1, symbols_B.astype(np.int64)))
    contexts = [symbols_BT[0].tolist(), [], symbols_BT[2].tolist()]
    assert (session.cumulative() == expected(model, contexts)).all()


def test_asking_again_computes_nothing(monkeypatch) -> None:
    model = random_model(3)
    session = model.start(2, FORM)
    first_BC = session.step(np.array([1, 2])).copy()
    monkeypatch.setattr(type(session), "_refresh", lambda self, rows: pytest.fail("nothing has changed"))
    session.append(np.array([-1, -1]))
    session.truncate(np.array([1, 9]))
    assert (session.cumulative() == first_BC).all()


def test_only_rows_that_changed_are_computed(monkeypatch) -> None:
    session = random_model(3).start(4, FORM)
    session.step(np.array([1, 2, 3, 4]))
    seen, step = [], type(session)._step
    monkeypatch.setattr(type(session), "_step", lambda self, rows: seen.append(rows.tolist()) or step(self, rows))
    session.step(np.array([-1, 7, -1, 8]))
    restart(session, np.array([True, False, False, False]))
    session.cumulative()
    assert seen == [[1, 3]]


def test_symbols_outside_the_alphabet_are_refused() -> None:
    with pytest.raises(ValueError, match="symbol 256 is not among the 256 symbols"):
        random_model().start(1, CountFormat(eos=False)).append(np.array([256]))
