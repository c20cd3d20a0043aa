import pickle
from pathlib import Path

import numpy as np
import pytest

from laconic.bytelm.base import CountFormat
from laconic.bytelm.registry import SHIPPED
from laconic.bytelm.uniform import UniformByteLM
from laconic.errors import CorruptFileError, ModelMismatchError
from laconic.tokens.byte_model import (
    BYTE_MODEL_FILE,
    DeferredByteLM,
    byte_model_settings,
    load_byte_model,
    save_byte_model,
)


def test_a_model_that_comes_with_laconic_needs_no_file(tmp_path):
    assert save_byte_model(UniformByteLM(), tmp_path) == []
    assert not list(tmp_path.iterdir())
    assert load_byte_model(UniformByteLM().fingerprint, None).fingerprint == UniformByteLM().fingerprint


def test_another_model_is_kept_as_a_file(unigram, tmp_path):
    assert save_byte_model(unigram, tmp_path) == [BYTE_MODEL_FILE]
    assert load_byte_model(unigram.fingerprint, tmp_path / BYTE_MODEL_FILE).fingerprint == unigram.fingerprint


def test_a_model_that_is_not_the_named_one_is_refused(unigram, tmp_path):
    save_byte_model(unigram, tmp_path)
    with pytest.raises(CorruptFileError, match="the tokenizer names 0000000000000001"):
        load_byte_model(1, tmp_path / BYTE_MODEL_FILE)
    with pytest.raises(ModelMismatchError):
        load_byte_model(1, None)


def test_settings_name_the_model(unigram):
    settings = byte_model_settings(unigram)
    assert int(settings["byte_model"], 16) == unigram.fingerprint
    assert settings["byte_model_description"] == unigram.description


def test_a_deferred_model_is_read_when_asked(unigram, tmp_path, monkeypatch):
    save_byte_model(unigram, tmp_path)
    monkeypatch.chdir(tmp_path)
    deferred = DeferredByteLM(unigram.fingerprint, Path(BYTE_MODEL_FILE), "words")
    monkeypatch.chdir("/")
    for model in (deferred, pickle.loads(pickle.dumps(deferred))):
        assert (model.fingerprint, model.description, "_model" in vars(model)) == (unigram.fingerprint, "words", False)
        symbols_BT, form = np.array([[97, 98, 256]], np.uint16), CountFormat()
        np.testing.assert_array_equal(model.counts(symbols_BT, form), unigram.counts(symbols_BT, form))
        lengths_B = np.array([3])
        for mine, its in zip(
            model.ranges(symbols_BT, lengths_B, form), unigram.ranges(symbols_BT, lengths_B, form), strict=True
        ):
            np.testing.assert_array_equal(mine, its)
        np.testing.assert_array_equal(model.start(1, form).cumulative(), unigram.start(1, form).cumulative())
        assert model.to_file().fingerprint == unigram.fingerprint
    assert len(pickle.dumps(deferred)) < 1000


def test_a_deferred_model_that_is_not_there_is_said_so_when_asked():
    deferred = DeferredByteLM(1, None, "words")
    with pytest.raises(ModelMismatchError, match="0000000000000001"):
        deferred.start(1, CountFormat())


def test_shipped_models_are_known_without_reading_them(tmp_path, monkeypatch):
    monkeypatch.setattr("laconic.tokens.byte_model.find_byte_lm", None)
    for shipped in SHIPPED.values():
        assert save_byte_model(DeferredByteLM(shipped.fingerprint, None, "words"), tmp_path) == []
