"""Byte models by name, by file and by fingerprint."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from laconic.bytelm.base import AbstractByteLM
from laconic.bytelm.files import ModelFile, parse_fingerprint, read_model_file, write_model_file
from laconic.bytelm.ngram import NGramByteLM
from laconic.bytelm.uniform import UniformByteLM
from laconic.bytelm.unigram import UnigramByteLM
from laconic.errors import CorruptFileError, ModelMismatchError, UsageError, missing_extra

_FOLDER = Path(__file__).parent / "shipped"


def _open_transformer(file: ModelFile) -> AbstractByteLM:
    """Read on its own: only here is torch needed."""
    try:
        from laconic.bytelm.transformer import TransformerByteLM
    except ModuleNotFoundError as error:
        raise missing_extra("torch", "neural", "this byte model") from error
    prior = file.config.get("prior")
    return TransformerByteLM(file, None if prior is None else find_byte_lm(parse_fingerprint(prior)))


_KINDS: dict[str, Callable[[ModelFile], AbstractByteLM]] = {
    "uniform": UniformByteLM.from_file,
    "unigram": UnigramByteLM.from_file,
    "ngram": NGramByteLM,
    "transformer": _open_transformer,
    "cut-transformer": _open_transformer,
}


@runtime_checkable
class Storable(Protocol):
    """A byte model that has a file form."""

    def to_file(self) -> ModelFile:
        """This model as the content of a file."""
        ...


@dataclass(frozen=True, kw_only=True)
class ShippedModel:
    """A model file that comes with laconic.

    Attributes:
        path: where it is.
        fingerprint: what it must have; archives name models by it.
    """

    path: Path
    fingerprint: int


SHIPPED = {
    "ngram-6": ShippedModel(path=_FOLDER / "ngram-6.safetensors", fingerprint=0xE346DC59E34610A4),
    "transformer-3m": ShippedModel(path=_FOLDER / "transformer-3m.safetensors", fingerprint=0xCB1828EB2D3B327D),
    "transformer-1m": ShippedModel(path=_FOLDER / "transformer-1m.safetensors", fingerprint=0xB9DB00FFEAA38454),
}
"""Model files by name. A file, once released, keeps its name and its fingerprint; a better one gets another name."""

ALIASES = {"default": "transformer-3m", "light": "ngram-6"}
"""What the words people use stand for in this version."""


def load_byte_lm(name: str | Path) -> AbstractByteLM:
    """A byte model.

    Args:
        name: `default`, `light`, `uniform`, the name of a shipped model, or the path of a `.safetensors` file.

    Raises:
        UsageError: no model has this name.
        CorruptFileError: the file is not a model, or is damaged.
        FormatVersionError: a newer laconic wrote the file.
        LaconicError: the file cannot be read.
    """
    name = str(name)
    if name.endswith(".safetensors"):
        return _open(read_model_file(name))
    name = ALIASES.get(name, name)
    if name == "uniform":
        return UniformByteLM()
    if name in SHIPPED:
        return _load_shipped(name)
    names = ", ".join((*ALIASES, *SHIPPED))
    raise UsageError(f"there is no byte model {name!r}: choose {names} or uniform, or name a .safetensors file")


def as_byte_lm(model: str | Path | AbstractByteLM) -> AbstractByteLM:
    """The model itself, or the one that a name or a path stands for; those that come with laconic are read once."""
    return model if isinstance(model, AbstractByteLM) else load_byte_lm(model)


def find_byte_lm(fingerprint: int) -> AbstractByteLM:
    """The model that comes with laconic and has this fingerprint.

    Raises:
        ModelMismatchError: none has.
    """
    for name, shipped in SHIPPED.items():
        if shipped.fingerprint == fingerprint:
            return _load_shipped(name)
    if fingerprint == UniformByteLM().fingerprint:
        return UniformByteLM()
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
    if not isinstance(model, Storable):
        raise ValueError(f"model is a {type(model).__name__}, which has no file form")
    write_model_file(model.to_file(), path)


@functools.cache
def _load_shipped(name: str) -> AbstractByteLM:
    """Read once per process; models never change."""
    model = _open(read_model_file(SHIPPED[name].path))
    if model.fingerprint != SHIPPED[name].fingerprint:
        raise CorruptFileError(f"{SHIPPED[name].path} is not the model that this laconic came with: install laconic again")
    return model


def _open(file: ModelFile) -> AbstractByteLM:
    if file.kind not in _KINDS:
        raise CorruptFileError(f"this laconic knows no byte model of kind {file.kind!r}: upgrade it, or name another model")
    return _KINDS[file.kind](file)
