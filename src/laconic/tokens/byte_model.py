"""The byte model inside a saved tokenizer: named by its fingerprint, and kept as a file unless it comes with laconic."""

from pathlib import Path
from typing import Any

from laconic.bytelm.base import AbstractByteLM
from laconic.bytelm.registry import find_byte_lm, load_byte_lm, save_byte_lm
from laconic.errors import CorruptFileError, ModelMismatchError

BYTE_MODEL_FILE = "byte_model.safetensors"


def byte_model_settings(model: AbstractByteLM) -> dict[str, Any]:
    """The model as JSON values: `byte_model`, its fingerprint in hexadecimal, and a description for people."""
    return {"byte_model": f"{model.fingerprint:016x}", "byte_model_description": model.description}


def save_byte_model(model: AbstractByteLM, folder: Path) -> list[str]:
    """Write the model into the folder, unless it comes with laconic; returns the names of the files written."""
    try:
        find_byte_lm(model.fingerprint)
    except ModelMismatchError:
        save_byte_lm(model, folder / BYTE_MODEL_FILE)
        return [BYTE_MODEL_FILE]
    return []


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
