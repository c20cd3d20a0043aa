import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laconic.bytelm.base import AbstractSession, CountFormat
from laconic.bytelm.files import ModelFile
from laconic.bytelm.ngram import NGramByteLM
from laconic.bytelm.reference import NGramReference
from laconic.bytelm.registry import load_byte_lm, save_byte_lm
from laconic.errors import CorruptFileError

FORMS = st.builds(CountFormat, precision=st.sampled_from([12, 16, 20, 24]), eos=st.booleans())
SAMPLE = [*b"the cat sat on the dog\n", 256, *"naïve über\n".encode(), 0, 255, 256, 256, *b"def f(x):\n"]
PIECES = st.tuples(st.integers(0, len(SAMPLE)), st.integers(0, 25)).map(lambda piece: SAMPLE[piece[0] : sum(piece)])
ROWS = st.lists(
    st.lists(PIECES | st.lists(st.integers(0, 256), max_size=8), max_size=3).map(
        lambda parts: [symbol for part in parts for symbol in part]
    ),
    min_size=1,
    max_size=4,
)


def pad(rows: list[list[int]], form: CountFormat) -> tuple[np.ndarray, np.ndarray]:
    """Rows as one array, padded with 65,535, and their lengths; without EOS where the format has none."""
    rows = [[symbol for symbol in row if symbol < form.symbols] for row in rows]
    symbols_BT = np.full((len(rows), max(map(len, rows))), 65535, dtype=np.uint16)
    for index, row in enumerate(rows):
        symbols_BT[index, : len(row)] = row
    return symbols_BT, np.array([len(row) for row in rows])


def step_through(session: AbstractSession, symbols_BT: np.ndarray, lengths_B: np.ndarray) -> list[np.ndarray]:
    """The edges before each step and after the last; rows that have ended are left as they are."""
    seen = [session.cumulative().copy()]
    for step in range(symbols_BT.shape[1]):
        symbols_B = np.where(step < lengths_B, symbols_BT[:, step].astype(np.int64), -1)
        seen.append(session.step(symbols_B).copy())
    return seen


@given(rows=ROWS, form=FORMS)
@settings(max_examples=60)
def test_steps_and_counts_and_ranges_agree(small_ngram: NGramByteLM, rows: list[list[int]], form: CountFormat) -> None:
    symbols_BT, lengths_B = pad(rows, form)
    seen = step_through(small_ngram.start(len(rows), form), symbols_BT, lengths_B)
    counts_BTC = small_ngram.counts(symbols_BT, form)
    starts_BT, stops_BT = small_ngram.ranges(symbols_BT, lengths_B, form)
    for b, length in enumerate(lengths_B):
        for t in range(length):
            symbol = int(symbols_BT[b, t])
            assert seen[t][b].tolist() == counts_BTC[b, t].tolist()
            assert (starts_BT[b, t], stops_BT[b, t]) == (counts_BTC[b, t, symbol], counts_BTC[b, t, symbol + 1])
        assert not starts_BT[b, length:].any()
        assert not stops_BT[b, length:].any()


@given(rows=ROWS, form=FORMS)
@settings(max_examples=40)
def test_counts_equal_the_reference(small_ngram: NGramByteLM, rows: list[list[int]], form: CountFormat) -> None:
    symbols_BT, lengths_B = pad(rows, form)
    reference = NGramReference(small_ngram.to_file().tensors)
    counts_BTC = small_ngram.counts(symbols_BT, form)
    for b, length in enumerate(lengths_B):
        for t in range(length):
            assert counts_BTC[b, t].tolist() == reference.cumulative(symbols_BT[b, :t].tolist(), form)


@given(rows=ROWS, form=FORMS)
@settings(max_examples=30)
def test_counts_are_at_least_one_and_sum_exactly(small_ngram: NGramByteLM, rows: list[list[int]], form: CountFormat) -> None:
    symbols_BT, lengths_B = pad(rows, form)
    final_BC = step_through(small_ngram.start(len(rows), form), symbols_BT, lengths_B)[-1].astype(np.int64)
    assert final_BC.shape[1] == form.symbols + 1
    assert (final_BC[:, 0] == 0).all()
    assert (final_BC[:, -1] == form.total).all()
    assert np.diff(final_BC, axis=1).min() >= 1


@given(rows=ROWS, form=FORMS)
@settings(max_examples=30)
def test_a_row_does_not_depend_on_the_others(small_ngram: NGramByteLM, rows: list[list[int]], form: CountFormat) -> None:
    symbols_BT, lengths_B = pad(rows, form)
    together = step_through(small_ngram.start(len(rows), form), symbols_BT, lengths_B)
    for b in range(len(rows)):
        alone = step_through(small_ngram.start(1, form), symbols_BT[b : b + 1], lengths_B[b : b + 1])
        assert all((one[0] == all_[b]).all() for one, all_ in zip(alone, together, strict=True))


@given(rows=ROWS, cut=st.integers(-1, 80), form=FORMS)
@settings(max_examples=30)
def test_truncated_and_read_again_equals_fresh(
    small_ngram: NGramByteLM, rows: list[list[int]], cut: int, form: CountFormat
) -> None:
    symbols_BT, lengths_B = pad(rows, form)
    session = small_ngram.start(len(rows), form)
    last = step_through(session, symbols_BT, lengths_B)[-1]
    kept_B = np.clip(lengths_B, 0, max(cut, 0))
    session.truncate(np.full(len(rows), cut))
    assert (session.cumulative() == step_through(small_ngram.start(len(rows), form), symbols_BT, kept_B)[-1]).all()
    for step in range(symbols_BT.shape[1]):
        ready = (step >= kept_B) & (step < lengths_B)
        session.append(np.where(ready, symbols_BT[:, step].astype(np.int64), -1))
    assert (session.cumulative() == last).all()


def test_contexts_do_not_reach_over_the_end_of_a_document(small_ngram: NGramByteLM) -> None:
    form = CountFormat(precision=20)
    symbols_BT = np.array([[*b"the cat", 256, *b"the"], [*b"xyzzy  ", 256, *b"the"]], dtype=np.uint16)
    counts_BTC = small_ngram.counts(symbols_BT, form)
    assert (counts_BTC[0, 8:] == counts_BTC[1, 8:]).all()
    assert (counts_BTC[0, 8] == counts_BTC[0, 0]).all()
    assert (counts_BTC[0, 9] != counts_BTC[0, 0]).any()


def test_a_context_longer_than_five_symbols_does_not_matter(small_ngram: NGramByteLM) -> None:
    symbols_BT = np.array([list(b"a cat sat on"), list(b"the dog t on")], dtype=np.uint16)
    form = CountFormat()
    session = small_ngram.start(2, form)
    last = step_through(session, symbols_BT, np.array([12, 12]))[-1]
    assert (last[0] == last[1]).all()


def test_training_text_is_likelier_than_noise(small_ngram: NGramByteLM, texts: tuple[bytes, ...]) -> None:
    form = CountFormat(precision=20, eos=False)
    rows, lengths_B = pad([list(texts[0]), list(np.random.default_rng(0).bytes(len(texts[0])))], form)
    starts_BT, stops_BT = small_ngram.ranges(rows, lengths_B, form)
    bits_B = -np.log2((stops_BT - starts_BT) / form.total).sum(axis=1) / lengths_B
    assert bits_B[0] < 1.5
    assert bits_B[1] > 7


def test_one_and_two_threads_agree(small_ngram: NGramByteLM) -> None:
    form = CountFormat(precision=20)
    symbols_BT = np.tile(np.array(SAMPLE, dtype=np.uint16), (400, 9))
    symbols_BT[:, 0] = np.arange(400) % 257
    lengths_B = np.arange(400) % symbols_BT.shape[1]
    before, answers = numba.get_num_threads(), []
    try:
        for threads in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
            numba.set_num_threads(threads)
            session = small_ngram.start(400, form)
            session.append(symbols_BT[:, 0])
            counts_BTC = small_ngram.counts(symbols_BT[:, :40], form)
            answers.append((*small_ngram.ranges(symbols_BT, lengths_B, form), counts_BTC, session.cumulative().copy()))
    finally:
        numba.set_num_threads(before)
    for one, two in zip(*answers, strict=True):
        assert (one == two).all()


def test_a_history_of_many_thousand_symbols_can_be_taken_back(small_ngram: NGramByteLM) -> None:
    session = small_ngram.start(1, CountFormat())
    first = session.step(np.array([116])).copy()
    for symbol in range(5000):
        session.append(np.array([symbol % 256]))
    session.truncate(np.array([1]))
    assert (session.cumulative() == first).all()


def test_symbols_outside_the_alphabet_are_refused(small_ngram: NGramByteLM) -> None:
    form = CountFormat(eos=False)
    with pytest.raises(ValueError, match="symbol 256 is not among the 256 symbols"):
        small_ngram.start(1, form).append(np.array([256]))
    with pytest.raises(ValueError, match="symbol 256 is not among the 256 symbols"):
        small_ngram.ranges(np.array([[256]], dtype=np.uint16), np.array([1]), form)


def test_saved_and_loaded_it_is_the_same_model(small_ngram: NGramByteLM, tmp_path) -> None:
    save_byte_lm(small_ngram, tmp_path / "one.safetensors")
    again = load_byte_lm(tmp_path / "one.safetensors")
    save_byte_lm(again, tmp_path / "two.safetensors")
    assert (tmp_path / "one.safetensors").read_bytes() == (tmp_path / "two.safetensors").read_bytes()
    assert again.fingerprint == small_ngram.fingerprint
    assert again.description == small_ngram.description
    symbols_BT = np.array([SAMPLE], dtype=np.uint16)
    assert (again.counts(symbols_BT, CountFormat()) == small_ngram.counts(symbols_BT, CountFormat())).all()


def test_no_symbols_give_no_ranges(small_ngram: NGramByteLM) -> None:
    starts_BT, stops_BT = small_ngram.ranges(np.zeros((2, 0), dtype=np.uint16), np.zeros(2, dtype=np.int64), CountFormat())
    assert starts_BT.shape == stops_BT.shape == (2, 0)


@pytest.mark.parametrize("order", [None, "6", 1, 7, True])
def test_an_order_out_of_range_is_refused(small_ngram: NGramByteLM, order: object) -> None:
    tensors = small_ngram.to_file().tensors
    with pytest.raises(CorruptFileError, match="has the order"):
        NGramByteLM(ModelFile(kind="ngram", config={"order": order}, description="", tensors=tensors))
