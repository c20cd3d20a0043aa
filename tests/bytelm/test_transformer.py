from typing import Any

import numba
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bytelm.random_transformers import (
    ANY_SHAPE,
    FORM,
    extreme_file,
    random_file,
    random_model,
    random_symbols,
    reference_counts,
)

from laconic.bytelm.base import CountFormat
from laconic.bytelm.files import ModelFile
from laconic.bytelm.ngram import NGramByteLM
from laconic.bytelm.registry import load_byte_lm, save_byte_lm
from laconic.bytelm.transformer import TransformerByteLM
from laconic.bytelm.uniform import UniformByteLM
from laconic.errors import CorruptFileError, ModelMismatchError

FORMS = st.builds(CountFormat, precision=st.sampled_from([12, 16, 20, 24]), eos=st.booleans())


def step_through(model: TransformerByteLM, symbols_BT: np.ndarray, form: CountFormat = FORM) -> np.ndarray:
    """What a session answers before each symbol."""
    session, seen = model.start(symbols_BT.shape[0], form), []
    for symbols_B in symbols_BT.T:
        seen.append(session.cumulative().copy())
        session.append(symbols_B)
    return np.stack(seen, axis=1)


@given(shape=ANY_SHAPE, seed=st.integers(0, 99), rows=st.integers(1, 3), length=st.integers(1, 45), form=FORMS)
@settings(max_examples=40)
def test_counts_ranges_and_steps_are_those_of_the_reference(
    shape: dict[str, Any], seed: int, rows: int, length: int, form: CountFormat
) -> None:
    model, symbols_BT = random_model(seed, **shape), random_symbols(seed, rows, length, form.symbols)
    expected_BTC = reference_counts(model, symbols_BT, form)
    assert (model.counts(symbols_BT, form) == expected_BTC).all()
    assert (step_through(model, symbols_BT, form) == expected_BTC).all()
    starts_BT, stops_BT = model.ranges(symbols_BT, np.full(rows, length), form)
    places = symbols_BT.astype(np.int64)[..., None]
    assert (starts_BT == np.take_along_axis(expected_BTC, places, 2)[..., 0]).all()
    assert (stops_BT == np.take_along_axis(expected_BTC, places + 1, 2)[..., 0]).all()


@pytest.mark.parametrize("scale", [1e-20, 1e-3, 1e6])
@pytest.mark.parametrize("sign", [-1, 1])
def test_numbers_as_large_as_they_may_be(sign: int, scale: float) -> None:
    model = TransformerByteLM(extreme_file(sign, scale, layers=2, width=256, heads=2, head=128, ffn=512, band=32), None)
    symbols_BT = random_symbols(5, 2, 70)
    expected_BTC = reference_counts(model, symbols_BT)
    assert (model.counts(symbols_BT, FORM) == expected_BTC).all()
    assert (step_through(model, symbols_BT) == expected_BTC).all()


@pytest.mark.parametrize("uniform", [True, False])
def test_on_top_of_another_model(small_ngram: NGramByteLM, texts: tuple[bytes, ...], uniform: bool) -> None:
    prior = UniformByteLM() if uniform else small_ngram
    model = random_model(1, prior=prior)
    symbols_BT = np.frombuffer(texts[0][:300], np.uint8).astype(np.uint16).reshape(2, -1)
    symbols_BT[1, 70] = 256
    expected_BTC = reference_counts(model, symbols_BT, prior=prior)
    assert (model.counts(symbols_BT, FORM) == expected_BTC).all()
    assert (step_through(model, symbols_BT) == expected_BTC).all()


def test_texts_longer_than_what_is_read_at_once(small_ngram: NGramByteLM) -> None:
    model, symbols_BT = random_model(2, prior=small_ngram, band=40), random_symbols(7, 1, 1100, 20)
    expected_BTC = reference_counts(model, symbols_BT, prior=small_ngram)
    assert (model.counts(symbols_BT, FORM) == expected_BTC).all()


def test_rows_of_any_lengths(small_ngram: NGramByteLM) -> None:
    lengths_B = np.array([0, 3, 1300, 1, 200, 0, 90, 64, 1100, 5, *range(30, 60)])
    symbols_BT = random_symbols(8, lengths_B.size, 1300)
    model = random_model(3, prior=small_ngram)
    padded_BT = np.where(np.arange(1300) < lengths_B[:, None], symbols_BT, 65535).astype(np.uint16)
    starts_BT, stops_BT = model.ranges(padded_BT, lengths_B, FORM)
    for b, length in enumerate(lengths_B):
        alone = model.ranges(symbols_BT[b : b + 1, :length], lengths_B[b : b + 1], FORM)
        assert (starts_BT[b, :length] == alone[0][0]).all()
        assert (stops_BT[b, :length] == alone[1][0]).all()
        assert not stops_BT[b, length:].any()
    assert (starts_BT < stops_BT).sum() == lengths_B.sum()


def test_padding_behind_a_row_does_not_matter() -> None:
    model, symbols_BT = random_model(4), random_symbols(9, 1, 30)
    padded_BT = np.concatenate([symbols_BT, np.full((1, 5), 65535, np.uint16)], axis=1)
    assert (model.counts(padded_BT, FORM)[:, :30] == model.counts(symbols_BT, FORM)).all()


@pytest.mark.parametrize("blocks", [None, [(4, 33), (0, 96), (1, 0)]])
@pytest.mark.parametrize("batch", [1, 3, 17, 64, 512])
def test_the_batch_does_not_matter(batch: int, blocks: list[tuple[int, int]] | None) -> None:
    model, symbols_BT = random_model(5, width=64, ffn=96, blocks=blocks), random_symbols(10, 512, 20)
    expected_BTC = step_through(model, symbols_BT[-3:])
    assert (step_through(model, symbols_BT[-batch:])[-min(batch, 3) :] == expected_BTC[-min(batch, 3) :]).all()
    assert (model.counts(symbols_BT[-batch:], FORM)[-min(batch, 3) :] == expected_BTC[-min(batch, 3) :]).all()


def test_threads_do_not_matter(small_ngram: NGramByteLM) -> None:
    model, symbols_BT = random_model(6, prior=small_ngram, width=64, ffn=96), random_symbols(11, 100, 70)
    before, answers = (torch.get_num_threads(), numba.get_num_threads()), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
            answers.append((model.counts(symbols_BT, FORM), step_through(model, symbols_BT[:, :20])))
    finally:
        torch.set_num_threads(before[0])
        numba.set_num_threads(before[1])
    assert (answers[0][0] == answers[1][0]).all()
    assert (answers[0][1] == answers[1][1]).all()
    assert (answers[0][1] == answers[0][0][:, :20]).all()


def test_symbols_outside_the_alphabet_are_refused() -> None:
    model, form = random_model(), CountFormat(eos=False)
    with pytest.raises(ValueError, match="symbol 256 is not among the 256 symbols"):
        model.ranges(np.array([[256]], dtype=np.uint16), np.array([1]), form)


def test_no_symbols_give_no_ranges() -> None:
    starts_BT, stops_BT = random_model().ranges(np.zeros((2, 0), dtype=np.uint16), np.zeros(2, dtype=np.int64), FORM)
    assert starts_BT.shape == stops_BT.shape == (2, 0)


def test_saved_and_loaded_it_is_the_same_model(tmp_path) -> None:
    prior = load_byte_lm("light")
    model, symbols_BT = random_model(7, prior=prior), random_symbols(12, 1, 40)
    save_byte_lm(model, tmp_path / "one.safetensors")
    again = load_byte_lm(tmp_path / "one.safetensors")
    assert again.fingerprint == model.fingerprint
    assert again.description == model.description == "random"
    assert (again.counts(symbols_BT, FORM) == model.counts(symbols_BT, FORM)).all()


def test_cut_models_are_saved_and_loaded(tmp_path) -> None:
    model, symbols_BT = random_model(7, blocks=[(2, 0), (0, 5)]), random_symbols(12, 1, 40)
    save_byte_lm(model, tmp_path / "one.safetensors")
    again = load_byte_lm(tmp_path / "one.safetensors")
    assert again.fingerprint == model.fingerprint
    assert (again.counts(symbols_BT, FORM) == model.counts(symbols_BT, FORM)).all()


def test_another_kind_of_file_is_refused() -> None:
    with pytest.raises(CorruptFileError, match="'ngram', not a transformer"):
        TransformerByteLM(ModelFile(kind="ngram", config={}, description="", tensors={}), None)


def test_another_prior_is_refused(small_ngram: NGramByteLM) -> None:
    with pytest.raises(ModelMismatchError, match="on top of another byte model"):
        TransformerByteLM(random_file(prior=small_ngram), UniformByteLM())
    with pytest.raises(ModelMismatchError, match="on top of another byte model"):
        TransformerByteLM(random_file(), UniformByteLM())


def test_many_rows_are_worth_threads_and_few_are_not() -> None:
    model, most = random_model(1), numba.get_num_threads()
    assert [model.threads_for(rows) for rows in (0, 1, 31, 512)] == [1, 1, 1, min(most, 32)]
    numba.set_num_threads(1)
    try:
        assert model.threads_for(512) == 1
    finally:
        numba.set_num_threads(most)
