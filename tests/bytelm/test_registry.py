from pathlib import Path

import pytest

from laconic.bytelm.base import AbstractByteLM
from laconic.bytelm.files import ModelFile, write_model_file
from laconic.bytelm.ngram import NGramByteLM
from laconic.bytelm.registry import SHIPPED, as_byte_lm, find_byte_lm, load_byte_lm, save_byte_lm
from laconic.bytelm.uniform import UniformByteLM
from laconic.bytelm.unigram import UnigramByteLM
from laconic.errors import CorruptFileError, ModelMismatchError, UsageError

LARGEST_SHIPPED = 4_000_000


@pytest.mark.parametrize("name", ["default", "light", "uniform"])
def test_names_give_models_that_their_fingerprints_find_again(name: str) -> None:
    model = load_byte_lm(name)
    assert find_byte_lm(model.fingerprint).fingerprint == model.fingerprint


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_files_are_small_and_have_the_fingerprint_on_record(name: str) -> None:
    assert load_byte_lm(name).fingerprint == SHIPPED[name].fingerprint
    assert SHIPPED[name].path.stat().st_size <= LARGEST_SHIPPED


@pytest.mark.parametrize("name", ["", "Default", "ngram", "model.bin"])
def test_an_unknown_name_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=f"there is no byte model '{name}': choose default, light"):
        load_byte_lm(name)


def test_an_unknown_fingerprint_is_refused() -> None:
    with pytest.raises(ModelMismatchError, match="no byte model with fingerprint 0000000000000001"):
        find_byte_lm(1)


@pytest.mark.parametrize("kind", ["uniform", "unigram", "ngram"])
def test_saved_models_are_loaded(kind: str, small_ngram: NGramByteLM, tmp_path: Path) -> None:
    model: AbstractByteLM = {"uniform": UniformByteLM(), "unigram": UnigramByteLM.train([b"hello"]), "ngram": small_ngram}[kind]
    save_byte_lm(model, tmp_path / "m.safetensors")
    loaded = load_byte_lm(tmp_path / "m.safetensors")
    assert type(loaded) is type(model)
    assert (loaded.fingerprint, loaded.description) == (model.fingerprint, model.description)


def test_a_path_with_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"the file of a byte model is named \*\.safetensors"):
        save_byte_lm(UniformByteLM(), tmp_path / "model.bin")


def test_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    write_model_file(ModelFile(kind="oracle", config={}, description="", tensors={}), tmp_path / "m.safetensors")
    with pytest.raises(CorruptFileError, match="knows no byte model of kind 'oracle'"):
        load_byte_lm(tmp_path / "m.safetensors")


def test_a_model_stands_for_itself_and_a_name_for_one_that_is_read_once() -> None:
    for name in ("default", "light"):
        model = load_byte_lm(name)
        assert as_byte_lm(model) is as_byte_lm(name) is model
