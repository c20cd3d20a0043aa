"""Byte models by name, by file and by fingerprint."""

import functools
from collections.abc import Callable
from pathlib import Path

from laconic.bytelm.base import AbstractByteLM
from laconic.bytelm.files import ModelFile, read_model_file, write_model_file
from laconic.bytelm.ngram import NGramByteLM
from laconic.bytelm.uniform import UniformByteLM
from laconic.bytelm.unigram import UnigramByteLM
from laconic.errors import CorruptFileError, ModelMismatchError, UsageError

_KINDS: dict[str, Callable[[ModelFile], AbstractByteLM]] = {
    "uniform": UniformByteLM.from_file,
    "unigram": UnigramByteLM.from_file,
    "ngram": NGramByteLM,
}

_ALIASES = {"default": "uniform", "light": "uniform"}
"""Temporary, until the first trained model ships."""


def load_byte_lm(name: str | Path) -> AbstractByteLM:
    """A byte model.

    Args:
        name: `default`, `light` or `uniform`, or the path of a `.safetensors` file.

    Raises:
        UsageError: no model has this name.
        CorruptFileError: the file is not a model, or is damaged.
        FormatVersionError: a newer laconic wrote the file.
    """
    name = str(name)
    if name.endswith(".safetensors"):
        return _open(read_model_file(name))
    if _ALIASES.get(name, name) == "uniform":
        return UniformByteLM()
    raise UsageError(f"there is no byte model {name!r}: choose default, light or uniform, or name a .safetensors file")


def find_byte_lm(fingerprint: int) -> AbstractByteLM:
    """The model that comes with laconic and has this fingerprint.

    Raises:
        ModelMismatchError: none has.
    """
    for name in ("default", "light", "uniform"):
        model = _load_shipped(name)
        if model.fingerprint == fingerprint:
            return model
    raise ModelMismatchError(
        f"no byte model with fingerprint {fingerprint:016x} comes with this laconic: name the model's file, or upgrade laconic"
    )


def save_byte_lm(model: AbstractByteLM, path: Path | str) -> None:
    """Write a model that `load_byte_lm` reads; equal models give equal files.

    Raises:
        OutputError: the path cannot be written.
        ValueError: the path does not end with `.safetensors`, or the model has no file form.
    """
    if not str(path).endswith(".safetensors"):
        raise ValueError(f"path is {str(path)!r}, but the file of a byte model is named *.safetensors")
    if not isinstance(model, UniformByteLM | UnigramByteLM | NGramByteLM):
        raise ValueError(f"model is a {type(model).__name__}, which has no file form")
    write_model_file(model.to_file(), path)


@functools.cache
def _load_shipped(name: str) -> AbstractByteLM:
    return load_byte_lm(name)


def _open(file: ModelFile) -> AbstractByteLM:
    if file.kind not in _KINDS:
        raise CorruptFileError(f"this laconic knows no byte model of kind {file.kind!r}: upgrade it, or name another model")
    return _KINDS[file.kind](file)
