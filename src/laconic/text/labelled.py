"""Labelled examples of classification and regression: GLUE's tasks by name, and a user's own tables."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from laconic.errors import CorruptFileError, UsageError
from laconic.text.compressed import unpacked_name
from laconic.text.labelled_rows import Row, fetched_rows, file_rows, table_rows
from laconic.text.named import NAMED, find_folder, split_files
from laconic.text.splits import check_split

CLASSIFICATION, REGRESSION = KINDS = ("classification", "regression")
"""The kinds of tasks: the label of an example is the id of its class, or a number."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_SHOWN = 8


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """One example.

    Attributes:
        first: a text.
        second: the text that it is compared with, in a task of pairs.
        label: the id of its class, counted from 0; or, in regression, a number.
    """

    first: str
    second: str | None
    label: int | float


@dataclass(frozen=True, kw_only=True)
class LabelledTask:
    """What is asked of labelled examples.

    Attributes:
        name: what the task is called.
        kind: `classification` or `regression`.
        labels: names of the classes, in the order of their ids; none for regression.
        pairs: whether an example has two texts.
        metrics: what it is judged by, as `laconic.evaluation.scores` calls it, the main one first.
        data: under which name `laconic.text.named` knows where its splits lie, in the data folder and on the hub; None for a
            table.
    """

    name: str
    kind: str
    labels: tuple[str, ...]
    pairs: bool
    metrics: tuple[str, ...]
    data: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, but is {self.kind!r}")
        if self.kind == CLASSIFICATION and len(set(self.labels)) < max(2, len(self.labels)):
            raise ValueError(f"labels must be at least two different names, but are {self.labels}")
        if self.kind == REGRESSION and self.labels:
            raise ValueError(f"labels must be empty for regression, but are {self.labels}")
        if not self.metrics:
            raise ValueError("metrics must name at least one, the main one first")

    def ids(self) -> dict[str, int]:
        """The id of each class by what may stand for it: its name, and, in a task of `TASKS`, the id itself."""
        numbers = {str(number): number for number in range(len(self.labels))} if self.data else {}
        return numbers | {label: number for number, label in enumerate(self.labels)}


def _glue(name: str, labels: tuple[str, ...], *, pairs: bool = True, metrics: tuple[str, ...] = ("accuracy",)) -> LabelledTask:
    kind = CLASSIFICATION if labels else REGRESSION
    return LabelledTask(name=name, kind=kind, labels=labels, pairs=pairs, metrics=metrics, data=f"glue/{name}")


_ENTAILMENT = ("entailment", "not_entailment")

TASKS: Mapping[str, LabelledTask] = {
    task.name: task
    for task in (
        _glue("sst2", ("negative", "positive"), pairs=False),
        _glue("mrpc", ("not_equivalent", "equivalent"), metrics=("accuracy", "f1")),
        _glue("rte", _ENTAILMENT),
        _glue("cola", ("unacceptable", "acceptable"), pairs=False, metrics=("matthews",)),
        _glue("stsb", (), metrics=("spearman", "pearson")),
        _glue("qnli", _ENTAILMENT),
        _glue("mnli", ("entailment", "neutral", "contradiction")),
        _glue("qqp", ("not_duplicate", "duplicate"), metrics=("accuracy", "f1")),
    )
}
"""The tasks of GLUE that have a name, with the ids that the hub gives to classes. Papers often say only "correlation" of STS-B:
here its main score is Spearman's, which a monotone mistake of scale does not change. The valid split of MNLI is the matched
one; that of CoLA has the examples from within the domain and from outside, 527 and 516."""


def read_task(name: str, split: str, *, data_root: Path | str | None = None, limit: int | None = None) -> list[Labelled]:
    """The examples of a task, in the order in which they are stored.

    Args:
        name: one of `TASKS`.
        split: `train` or `valid`.
        data_root: the data folder; that of `LACONIC_DATA` if None.
        limit: read only so many, at least 1; None for all.

    Raises:
        UsageError: no such task or split.
        MissingDataError: neither in the data folder nor to be had from the hub; the message says how to provide it.
        CorruptFileError: a row that cannot be read; the message says which.
    """
    if name not in TASKS:
        raise UsageError(f"there is no task {name!r}: choose one of {', '.join(TASKS)}")
    if limit is not None and limit < 1:
        raise ValueError(f"limit must be at least 1, but is {limit}")
    task = TASKS[name]
    assert task.data is not None
    data = NAMED[task.data]
    check_split(split, data.splits, name)
    folder = find_folder(data, data_root)
    if folder is None:
        assert data.hub is not None
        rows = fetched_rows(task.data, data.hub, split)
    else:
        assert data.layout is not None
        files = split_files(task.data, data, split, folder)
        rows = chain.from_iterable(file_rows(file, data.layout) for file in files)
    return _examples(task, islice(rows, limit))


def read_table(
    path: Path, *, text_columns: Sequence[str], label: str, task: LabelledTask | None = None, kind: str | None = None
) -> tuple[LabelledTask, list[Labelled]]:
    """The examples of a table with named columns, and the task that its labels make.

    `.csv` files have commas and quoting, `.tsv` files tabs and no quoting, and both a header; `.jsonl` files an object on each
    line. All may be packed (.gz, .bz2, .xz, .zst), and empty lines are passed over. If all labels are numbers and some have
    a fraction, the task is regression. Else each label is the name of a class, and the classes are numbered in the order of
    their names; of their values, if all are numbers.

    Args:
        path: the table.
        text_columns: the column that holds the text, or the two that do.
        label: the column that holds the label.
        task: the task of the training file, so that labels here mean the same; None to find it out.
        kind: `classification` or `regression`, where `task` is None and the labels tell wrongly: marks from 1 to 5, say.

    Returns:
        The task, which is `task` if one was given, and the examples in the order of the file.

    Raises:
        UsageError: another kind of file, a column that is not there, a single class, or a label that `task` does not have.
        CorruptFileError: no examples, numbers with something else among them, or a row that cannot be read; the message says
            which.
    """
    if len(text_columns) not in (1, 2):
        raise UsageError(f"{len(text_columns)} text columns are named for {path}: name one, or two for pairs of texts")
    if len({*text_columns, label}) <= len(text_columns):
        raise UsageError(
            f"the columns {', '.join(text_columns)} and {label} of {path} are to be read, but must all be different"
        )
    rows = list(table_rows(path, text_columns, label))
    if not rows:
        raise CorruptFileError(f"{path} holds no examples: give a file with at least one row")
    if task is None:
        task = _task_of(path, [written for _, _, written in rows], pairs=len(text_columns) == 2, kind=kind)
    elif task.pairs != (len(text_columns) == 2):
        needed = "two text columns" if task.pairs else "one text column"
        raise UsageError(
            f"the task {task.name!r} needs {needed}, but {len(text_columns)} are named for {path}: name as many as for training"
        )
    return task, _examples(task, rows)


def majority(examples: Sequence[Labelled]) -> float:
    """The share of the commonest label, which a guess without reading reaches, in classification.

    Raises:
        ValueError: no examples.
    """
    if not examples:
        raise ValueError("examples must not be empty")
    return Counter(example.label for example in examples).most_common(1)[0][1] / len(examples)


def _examples(task: LabelledTask, rows: Iterable[Row]) -> list[Labelled]:
    ids = task.ids()
    return [
        Labelled(first=texts[0], second=texts[1] if task.pairs else None, label=_label(task, ids, written, where))
        for where, texts, written in rows
    ]


def _label(task: LabelledTask, ids: Mapping[str, int], written: str, where: str) -> int | float:
    if task.kind == REGRESSION:
        if not _is_number(written):
            raise CorruptFileError(
                f"{where} has the label {written!r}, but the task {task.name!r} needs finite numbers: mend the row"
            )
        return float(written)
    if written not in ids:
        raise UsageError(
            f"{where} has the label {written!r}, but the task {task.name!r} has only {some(task.labels)}: "
            "mend the row, or train on examples of that label too"
        )
    return ids[written]


def _require_words(path: Path, written: Sequence[str]) -> None:
    """See that labels, fractions among them, are not numbers but for a few, which make classes of all of them.

    Raises:
        CorruptFileError: they are.
    """
    strange = [label for label in written if not _is_number(label)]
    if len(strange) * 10 <= len(written):
        raise CorruptFileError(f"{path} has numbers as labels, but also {strange[0]!r}: mend the rows whose label is no number")


def some(labels: Sequence[str]) -> str:
    """Labels in one line, the first of many."""
    more = [f"{len(labels) - _SHOWN} more"] if len(labels) > _SHOWN else []
    return ", ".join([*map(repr, labels[:_SHOWN]), *more])


def _is_number(written: str) -> bool:
    return _NUMBER.fullmatch(written) is not None and math.isfinite(float(written))


def _task_of(path: Path, written: Sequence[str], *, pairs: bool, kind: str | None) -> LabelledTask:
    name, found = Path(unpacked_name(path)).stem, set(written)
    numbers = all(map(_is_number, found))
    fractions = numbers and any(not float(label).is_integer() for label in found)
    kind = kind or (REGRESSION if fractions else CLASSIFICATION)
    if kind == CLASSIFICATION and not numbers and any("." in label and _is_number(label) for label in found):
        _require_words(path, written)
    if kind == REGRESSION:
        return LabelledTask(name=name, kind=kind, labels=(), pairs=pairs, metrics=("spearman", "pearson"))
    if len(found) < 2:
        raise UsageError(f"{path} has only the label {written[0]!r}: give examples of at least two classes")
    labels = sorted(found, key=lambda label: (float(label) if numbers else 0.0, label))
    return LabelledTask(name=name, kind=kind, labels=tuple(labels), pairs=pairs, metrics=("accuracy",))
