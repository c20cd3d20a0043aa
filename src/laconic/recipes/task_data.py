"""The data of a task as a model reads it: examples of the train and the valid split, and how answers are judged."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Int32
from torch import nn
from transformers import AutoTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast
from xxhash import xxh64_intdigest

from laconic.errors import CorruptFileError, UsageError
from laconic.evaluation.scores import score
from laconic.evaluation.tasks import read_logits
from laconic.text.labelled import TASKS, Labelled, LabelledTask, majority, read_table, read_task, some
from laconic.training.examples import Example
from laconic.training.tasks import Kind

SQUAD = "squad"
MANY = 20
"""Classes that even a small table may have."""
_TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")
_COLUMNS = ("input_ids", "attention_mask", "token_type_ids")

AT_ONCE = 2048
"""Examples that a tokenizer is given at once: what it keeps of them is much more than their ids."""

Item = TypeVar("Item")


@dataclass(frozen=True, kw_only=True)
class TaskData:
    """A task, ready to be learned and judged.

    Attributes:
        name: of the task.
        kind: one of `laconic.training.tasks.KINDS`.
        labels: names of classes; none for what is asked without them.
        train: what is learned from.
        valid: what is judged on.
        judge: scores by name, the main one first, of a model in evaluation mode on the valid split.
        trivial: the main score of the commonest answer; of a text, of knowing only how often each token occurs.
        pad_id: fills `input_ids`.
        lower_is_better: whether the main score is a cost rather than a share of what is right.
        questions: how many are judged, where several examples may be windows of one text; None where each example is one.
    """

    name: str
    kind: Kind
    labels: tuple[str, ...]
    train: Sequence[Example]
    valid: Sequence[Example]
    judge: Callable[[nn.Module], dict[str, float]]
    trivial: float
    pad_id: int
    lower_is_better: bool = False
    questions: int | None = None

    def words(self) -> str:
        """What was understood of the data, in one line."""
        asked = f"labels {some(self.labels)}" if self.labels else self.kind
        return f"{self.name}: {len(self.train):,} examples to learn from, {len(self.valid):,} to judge on, {asked}"

    def beats(self, score: float, other: float) -> bool:
        """Whether one main score is better than another."""
        return score < other if self.lower_is_better else score > other


def main_score(scores: Mapping[str, float]) -> float:
    """The first of several, by which models are compared."""
    return next(iter(scores.values()))


@dataclass(frozen=True, kw_only=True)
class Tables:
    """A user's own data.

    Attributes:
        train: a table with a header, or JSON lines.
        valid: another one; none for a tenth of the rows of the first, drawn by chance and always the same.
        text_columns: one, or two for pairs.
        label: the column of the label.
        kind: `classification` or `regression`; None to tell it from the labels.
    """

    train: Path
    valid: Path | None
    text_columns: tuple[str, ...]
    label: str
    kind: str | None = None


def load_task_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """The tokenizer of a model's folder; Python code in the folder is never run.

    Raises:
        UsageError: there is none.
        CorruptFileError: its files cannot be read.
    """
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise UsageError(f"{folder} {what}: name a folder with a model and its tokenizer; laconic fetches none by name")
    if not any(any(folder.glob(pattern)) for pattern in _TOKENIZER_FILES):
        raise UsageError(f"{folder} holds no tokenizer: name a folder with a model and its tokenizer")
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    except Exception as error:
        raise CorruptFileError(f"{folder} holds a tokenizer that cannot be read ({error!r}): save it again") from error
    return tokenizer


def named_data(
    name: str, tokenizer: PreTrainedTokenizerBase, *, max_length: int, limit: int | None = None, data_root: Path | None = None
) -> TaskData:
    """A task of GLUE, or SQuAD.

    Args:
        name: `squad`, or one of `laconic.text.labelled.TASKS`.
        tokenizer: of the model.
        max_length: tokens of an example; longer ones are cut off, contexts of questions are read in overlapping windows.
        limit: examples or questions to learn from, at most.
        data_root: the data folder.

    Raises:
        UsageError: no such task.
        MissingDataError: it is not at hand.
    """
    if name == SQUAD:
        from laconic.recipes.question_data import squad_data

        return squad_data(tokenizer, max_length=max_length, limit=limit, data_root=data_root)
    if name not in TASKS:
        raise UsageError(f"there is no task {name!r}: choose {SQUAD} or one of {', '.join(TASKS)}, or give --data")
    train = read_task(name, "train", data_root=data_root, limit=limit)
    return _labelled(TASKS[name], train, read_task(name, "valid", data_root=data_root), tokenizer, max_length)


def table_data(tables: Tables, tokenizer: PreTrainedTokenizerBase, *, max_length: int, limit: int | None = None) -> TaskData:
    """A user's own task.

    Args:
        tables: where it is.
        tokenizer, max_length, limit: as for `named_data`.

    Raises:
        UsageError: a column or label that is not there, a label for every other row, too few examples to hold any out, or none
            to judge on but those of one label.
        CorruptFileError: a row that cannot be read.
    """
    columns: dict[str, Any] = {"text_columns": tables.text_columns, "label": tables.label}
    task, train = read_table(tables.train, **columns, kind=tables.kind)
    if len(task.labels) > max(MANY, len(train) // 2):
        raise UsageError(
            f"{tables.train} has {len(task.labels):,} labels in {len(train):,} rows, too many to be classes: "
            "name another column, or set kind=regression if they are numbers"
        )
    order, held = _by_chance(len(train)), 0 if tables.valid else len(train) // 10
    if tables.valid:
        valid, where = read_table(tables.valid, **columns, task=task)[1], f"{tables.valid}"
    else:
        valid, where = [train[place] for place in sorted(order[:held])], f"a tenth of {tables.train}"
    if not valid:
        raise UsageError(f"{tables.train} has {len(train)} examples, too few to hold a tenth out: give --valid-data")
    if len({example.label for example in valid}) == 1:
        raise UsageError(f"all {len(valid)} examples to judge on ({where}) have the same label: give other --valid-data")
    return _labelled(task, [train[place] for place in sorted(order[held:][:limit])], valid, tokenizer, max_length)


def _by_chance(count: int) -> list[int]:
    """The numbers below `count` in an order that is always the same, and no table's own."""
    return sorted(range(count), key=lambda place: xxh64_intdigest(place.to_bytes(8, "little")))


def _labelled(
    task: LabelledTask,
    train: Sequence[Labelled],
    valid: Sequence[Labelled],
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
) -> TaskData:
    classes = task.kind == "classification"
    labels_N = np.array([example.label for example in valid], dtype=np.int64 if classes else np.float64)

    kind: Kind = "classification" if classes else "regression"
    pad_id, examples = pad_id_of(tokenizer), _encode(valid, tokenizer, max_length)

    def judge(model: nn.Module) -> dict[str, float]:
        told_N = np.stack(read_logits(model, examples, kind=kind, pad_id=pad_id))
        return score(task.metrics, told_N.argmax(-1) if classes else told_N.astype(np.float64), labels_N)

    return TaskData(
        name=task.name,
        kind=kind,
        labels=task.labels,
        train=_encode(train, tokenizer, max_length),
        valid=examples,
        judge=judge,
        trivial=majority(valid) if task.metrics[0] == "accuracy" else 0.0,
        pad_id=pad_id,
    )


def _encode(examples: Sequence[Labelled], tokenizer: PreTrainedTokenizerBase, max_length: int) -> list[Example]:
    pairs = bool(examples) and examples[0].second is not None
    special = tokenizer.num_special_tokens_to_add(pair=pairs)
    if max_length <= special:
        raise UsageError(f"max_length is {max_length}, but {special} special tokens stand around each example: set it higher")
    found = list[Example]()
    for some_of_them in batched(examples, AT_ONCE):
        second = [example.second or "" for example in some_of_them] if pairs else None
        encoded = tokenizer([example.first for example in some_of_them], second, truncation=True, max_length=max_length)
        found += [
            Example(
                columns=columns_of(encoded, place),
                label=example.label,
                bytes=len(example.first.encode()) + len((example.second or "").encode()),
            )
            for place, example in enumerate(some_of_them)
        ]
    forget_truncation(tokenizer)
    return found


def batched(items: Sequence[Item], count: int) -> Iterator[Sequence[Item]]:
    """Pieces of so many items, the last one perhaps shorter."""
    for first in range(0, len(items), count):
        yield items[first : first + count]


def forget_truncation(tokenizer: PreTrainedTokenizerBase) -> None:
    """Fast tokenizers keep how they were called last, and would be saved with it."""
    if isinstance(tokenizer, PreTrainedTokenizerFast):
        tokenizer.backend_tokenizer.no_truncation()
        tokenizer.backend_tokenizer.no_padding()


def columns_of(encoded: Mapping[str, Any], place: int) -> dict[str, Int32[np.ndarray, "T"]]:
    """What a model is called with, of one row that a tokenizer gave; as arrays, for lists take ten times the room."""
    return {name: np.array(encoded[name][place], dtype=np.int32) for name in _COLUMNS if name in encoded}


def pad_id_of(tokenizer: PreTrainedTokenizerBase) -> int:
    """The id that fills rows.

    Raises:
        UsageError: the tokenizer has none.
    """
    pad_id = tokenizer.pad_token_id
    if not isinstance(pad_id, int):
        raise UsageError("the tokenizer has no padding token: set one in its folder")
    return pad_id
