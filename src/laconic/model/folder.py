"""Models in folders: `config.json` and safetensors, nothing that could run code."""

import contextlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from safetensors import SafetensorError
from torch import Tensor
from transformers import (
    CONFIG_MAPPING,
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    PreTrainedConfig,
    PreTrainedModel,
    __version__,
)
from transformers.utils import logging

from laconic.errors import CorruptFileError, OutputError, UsageError
from laconic.model import adaptive as adaptive  # Its models are known to AutoModel once it is imported.
from laconic.model import cut


@runtime_checkable
class SavesItself(Protocol):
    """A tokenizer, whatever its kind."""

    def save_pretrained(self, save_directory: str | Path, /) -> Any:
        """Write all files that it is read from."""


def save_model(
    model: PreTrainedModel,
    folder: Path,
    *,
    tokenizer: SavesItself | None = None,
    state: dict[str, Tensor] | None = None,
) -> None:
    """Write a model as `config.json` and safetensors; the folder appears whole or not at all, and replaces an older one.

    Args:
        model: any.
        folder: where to.
        tokenizer: what the model reads its text with; `None` for none.
        state: what is written instead of the model's own tensors, such as `laconic.model.embeddings.half_embeddings` gives.

    Raises:
        OutputError: the folder cannot be written.
    """
    with fresh_folder(folder) as fresh:
        model.save_pretrained(fresh, state_dict=state)
        if tokenizer is not None:
            tokenizer.save_pretrained(fresh)


@contextlib.contextmanager
def fresh_folder(folder: Path) -> Iterator[Path]:
    """A folder beside `folder` to write a model to, which takes its place when all went well and leaves no trace otherwise.

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
            yield fresh
        fresh.chmod(0o755)
        _swap(fresh, folder)
    except (OSError, SafetensorError) as error:
        said = (error.strerror if isinstance(error, OSError) else None) or error
        raise OutputError(f"cannot write {folder}: {said}; nothing new was left behind") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _swap(fresh: Path, folder: Path) -> None:
    aside = fresh.with_suffix(".old")
    if folder.exists():
        folder.rename(aside)
    try:
        fresh.rename(folder)
    except OSError:
        if aside.exists():
            aside.rename(folder)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def load_model(folder: Path) -> PreTrainedModel:
    """Read a causal language model that `save_model` (or `save_pretrained`) wrote.

    Only safetensors are read, and Python code in the folder is never run.

    Raises:
        UsageError: the folder holds no model, or one of a type that transformers does not know.
        CorruptFileError: its files are damaged, or of a kind this cannot read.
    """
    return _load(folder, lambda config: AutoModelForCausalLM)


def load_any(folder: Path) -> PreTrainedModel:
    """Read a model of any task, as the class that its config names: a classifier as a classifier.

    Only safetensors are read, and Python code in the folder is never run, though cut models carry some.

    Raises:
        UsageError: the folder holds no model, or one of a type that transformers does not know.
        CorruptFileError: its files are damaged, or of a kind this cannot read.
    """
    return _load(folder, _task)


def load_with_head(folder: Path, *, labels: Sequence[str] = (), span: bool = False, seed: int = 0) -> PreTrainedModel:
    """Read a pretrained encoder with a head for a task, fresh unless the folder has one that fits.

    Only safetensors are read, and Python code in the folder is never run.

    Args:
        folder: `config.json` and safetensors.
        labels: names of classes; none for a single number.
        span: for the first and the last token of an answer instead.
        seed: of the fresh head.

    Returns:
        The model, in evaluation mode.

    Raises:
        UsageError: the folder holds no model, or one whose head is for other labels.
        CorruptFileError: its files are damaged, or of a kind this cannot read.
    """

    known: list[str] = []

    def choose(config: PreTrainedConfig) -> Any:
        known.extend(told_labels(config))
        names = labels or ("start", "end") if span else labels or ("value",)
        config.id2label, config.label2id = dict(enumerate(names)), {name: number for number, name in enumerate(names)}
        config.problem_type = None if span else "single_label_classification" if labels else "regression"
        return AutoModelForQuestionAnswering if span else AutoModelForSequenceClassification

    torch.manual_seed(seed)
    level = logging.get_verbosity()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # That a head is fresh is no news.
    try:
        model = _load(folder, choose, fresh_head=True)
    finally:
        logging.set_verbosity(level)
    if labels and known and not same_labels(known, labels):
        raise UsageError(
            f"the head of the model in {folder} tells {', '.join(known)}, but {', '.join(labels)} are to be told, "
            "in this order: name a folder with its encoder alone"
        )
    model.train(False)
    return model


def told_labels(config: PreTrainedConfig) -> list[str]:
    """The names of a classifier's labels, in their order; none where they have no names, or it is no classifier."""
    names = [str(name) for name in (config.id2label or {}).values()]
    classifies = any(name.endswith("ForSequenceClassification") for name in config.architectures or ())
    return names if classifies and not names[0].startswith("LABEL_") else []


def same_labels(known: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether labels are the same, in the same order; in capitals or not."""
    return [name.lower() for name in known] == [name.lower() for name in wanted]


def _require_all(folder: Path, missing: Iterable[str]) -> None:
    """See that no tensor was left to chance: with a foreign file, a model of nothing but random numbers opens all the same."""
    if names := sorted(missing):
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        raise CorruptFileError(
            f"{folder} holds weights without {names[0]}{more}, which its config.json asks for: save the model again"
        )


def _is_body(name: str, model: PreTrainedModel) -> bool:
    return name.startswith(f"{model.base_model_prefix}.")


def _require_known(folder: Path) -> None:
    """See that a folder's config is of a type of model that transformers has.

    Raises:
        UsageError: it is not.
        CorruptFileError: it cannot be read.
    """
    try:
        kind = json.loads((folder / "config.json").read_text(encoding="utf-8"))["model_type"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise CorruptFileError(f"{folder / 'config.json'} is not the config of a model ({error!r}): save it again") from error
    if kind not in CONFIG_MAPPING:
        raise UsageError(
            f"{folder} holds a model of type {kind!r}, which transformers {__version__} does not know: name another"
        )


def _load(folder: Path, choose: Callable[[PreTrainedConfig], Any], *, fresh_head: bool = False) -> PreTrainedModel:
    """The model in a folder.

    Args:
        folder: where it is.
        choose: the auto class that opens it.
        fresh_head: whether its head may be made anew; one of another shape is then the wrong choice of whoever asks, and no
            damaged file.
    """
    folder = Path(folder)
    if not (folder / "config.json").is_file():
        raise UsageError(f"{folder} holds no config.json: name a folder that a model was saved to")
    if not any(folder.glob("*.safetensors")):
        raise CorruptFileError(
            f"{folder} holds no .safetensors file: convert the model with save_pretrained, pickled weights are not read"
        )
    cut.register()
    _require_known(folder)
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        # No code is to be run now, nor named by the folder that the model is saved to next.
        config.__dict__.pop("auto_map", None)
        with _without_bars():
            model: PreTrainedModel
            model, told = choose(config).from_pretrained(
                folder,
                config=config,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                output_loading_info=True,
                ignore_mismatched_sizes=fresh_head,
            )
    except Exception as error:
        raise CorruptFileError(f"{folder} holds a model that cannot be read ({_first_line(error)}): save it again") from error
    for name, stored, wanted in sorted(told["mismatched_keys"]):
        if _is_body(name, model):
            raise CorruptFileError(
                f"{folder} holds {name} as {list(stored)}, but its config.json asks for {list(wanted)}: save the model again"
            )
        raise UsageError(f"the head of the model in {folder} is for other labels: name a folder with its encoder alone")
    missing = told["missing_keys"]
    if fresh_head:
        missing = [name for name in missing if _is_body(name, model) and ".pooler." not in name]
    _require_all(folder, missing)
    return model


def _task(config: PreTrainedConfig) -> Any:
    """The auto class that makes models of the class that a config names."""
    for auto in cut.TASKS:
        found = auto._model_mapping.get(type(config), ())
        for known in found if isinstance(found, tuple) else (found,):
            if known.__name__ in (config.architectures or ()):
                return auto
    raise ValueError(f"it is of class {', '.join(config.architectures or ['none'])}, whose task is not known")


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
