import pytest

from laconic.bytelm.uniform import UniformByteLM
from laconic.errors import CorruptFileError, ModelMismatchError
from laconic.tokens.byte_model import BYTE_MODEL_FILE, byte_model_settings, load_byte_model, save_byte_model


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
