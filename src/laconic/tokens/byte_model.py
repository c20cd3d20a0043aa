"""The byte model inside a saved tokenizer: named by its fingerprint, and kept as a file unless it comes with laconic."""

from functools import cached_property
from pathlib import Path
from typing import Any, final

import numpy as np
from jaxtyping import Integer, UInt16, UInt32

from laconic.bytelm.base import AbstractByteLM, AbstractSession, CountFormat
from laconic.bytelm.files import ModelFile
from laconic.bytelm.registry import SHIPPED, Storable, find_byte_lm, load_byte_lm, save_byte_lm
from laconic.bytelm.uniform import UniformByteLM
from laconic.errors import CorruptFileError

BYTE_MODEL_FILE = "byte_model.safetensors"


@final
class DeferredByteLM(AbstractByteLM):
    """A byte model that is read when it is first asked, and never if nobody asks: who has a codebook need not.

    Args:
        fingerprint: of the model.
        path: its file; None where it comes with laconic.
        description: of the model.
    """

    def __init__(self, fingerprint: int, path: Path | None, description: str) -> None:
        self._fingerprint, self._description = fingerprint, description
        self._path = None if path is None else path.resolve()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle where the model is, not the model."""
        return DeferredByteLM, (self._fingerprint, self._path, self._description)

    @property
    def fingerprint(self) -> int:
        """64 bits that name the model."""
        return self._fingerprint

    @property
    def description(self) -> str:
        """One line for people."""
        return self._description

    @cached_property
    def _model(self) -> AbstractByteLM:
        return load_byte_model(self._fingerprint, self._path)

    def start(self, batch: int, form: CountFormat) -> AbstractSession:
        """As the model."""
        return self._model.start(batch, form)

    def threads_for(self, rows: int) -> int:
        """As the model says."""
        return self._model.threads_for(rows)

    def counts(self, symbols_BT: UInt16[np.ndarray, "B T"], form: CountFormat) -> UInt32[np.ndarray, "B T C"]:
        """As the model."""
        return self._model.counts(symbols_BT, form)

    def ranges(
        self, symbols_BT: UInt16[np.ndarray, "B T"], lengths_B: Integer[np.ndarray, "B"], form: CountFormat
    ) -> tuple[UInt32[np.ndarray, "B T"], UInt32[np.ndarray, "B T"]]:
        """As the model."""
        return self._model.ranges(symbols_BT, lengths_B, form)

    def to_file(self) -> ModelFile:
        """As the model, which was read from a file."""
        assert isinstance(self._model, Storable)
        return self._model.to_file()


def byte_model_settings(model: AbstractByteLM) -> dict[str, Any]:
    """The model as JSON values: `byte_model`, its fingerprint in hexadecimal, and a description for people."""
    return {"byte_model": f"{model.fingerprint:016x}", "byte_model_description": model.description}


def save_byte_model(model: AbstractByteLM, folder: Path) -> list[str]:
    """Write the model into the folder, unless it comes with laconic; returns the names of the files written."""
    if model.fingerprint in {UniformByteLM().fingerprint, *(shipped.fingerprint for shipped in SHIPPED.values())}:
        return []
    save_byte_lm(model, folder / BYTE_MODEL_FILE)
    return [BYTE_MODEL_FILE]


def load_byte_model(fingerprint: int, path: Path | None) -> AbstractByteLM:
    """Invert `save_byte_model`.

    Args:
        fingerprint: what the tokenizer's settings name.
        path: the file beside them; None where the model comes with laconic.

    Raises:
        CorruptFileError: the file holds another model than the settings name.
        ModelMismatchError: there is no file, and no model of laconic's has the fingerprint.
    """
    if path is None:
        return find_byte_lm(fingerprint)
    model = load_byte_lm(path)
    if model.fingerprint != fingerprint:
        raise CorruptFileError(
            f"{path} holds byte model {model.fingerprint:016x}, but the tokenizer names {fingerprint:016x}: build it again"
        )
    return model
