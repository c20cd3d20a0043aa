"""Models in folders: `config.json` and safetensors, nothing that could run code."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel
from transformers.utils import logging

from laconic.errors import CorruptFileError, OutputError, UsageError
from laconic.model import adaptive as adaptive  # Its models are known to AutoModel once it is imported.


def save_model(model: PreTrainedModel, folder: Path) -> None:
    """Write a model as `config.json` and safetensors; the folder appears whole or not at all, and replaces an older one.

    Raises:
        OutputError: the folder cannot be written.
    """
    folder = Path(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.", suffix=".part"))
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error.strerror}; choose a folder that is writable") from error
    try:
        with _without_bars():
            model.save_pretrained(fresh)
        fresh.chmod(0o755)
        _swap(fresh, folder)
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error.strerror or error}; nothing new was left behind") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _swap(fresh: Path, folder: Path) -> None:
    aside = fresh.with_suffix(".old")
    if folder.exists():
        folder.rename(aside)
    fresh.rename(folder)
    shutil.rmtree(aside, ignore_errors=True)


def load_model(folder: Path) -> PreTrainedModel:
    """Read a causal language model that `save_model` (or `save_pretrained`) wrote.

    Only safetensors are read, and Python code in the folder is never run.

    Raises:
        UsageError: the folder holds no model.
        CorruptFileError: its files are damaged, or of a kind this cannot read.
    """
    folder = Path(folder)
    if not (folder / "config.json").is_file():
        raise UsageError(f"{folder} holds no config.json: name a folder that a model was saved to")
    if not any(folder.glob("*.safetensors")):
        raise CorruptFileError(
            f"{folder} holds no .safetensors file: convert the model with save_pretrained, pickled weights are not read"
        )
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        with _without_bars():
            model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
                folder, config=config, local_files_only=True, trust_remote_code=False, use_safetensors=True
            )
    except Exception as error:
        raise CorruptFileError(f"{folder} holds a model that cannot be read ({_first_line(error)}): save it again") from error
    return model


@contextlib.contextmanager
def _without_bars() -> Iterator[None]:
    """A bar for a file of a few seconds would tear the output of whoever calls."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
