"""Labelled examples: by name from a folder or the hub, and from the tables that people bring."""

import csv
import json
import lzma
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laconic.errors import CorruptFileError, LaconicError, MissingDataError, UsageError
from laconic.evaluation.scores import SCORES
from laconic.text.hub import OFFLINE
from laconic.text.labelled import TASKS, Labelled, LabelledTask, majority, read_table, read_task
from laconic.text.named import NAMED

MNLI = "\t".join(["i", "p", "q", "g", "b1", "b2", "p1", "p2", "first {}", "second {}", "neutral", "{}"]) + "\n"


def put(root: Path, name: str, text: str) -> None:
    path = root / "glue" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(lzma.compress(text.encode()))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    put(tmp_path, "SST-2/train.tsv.xz", "label\tsentence\r\n0\tsad\r\n1\tfine \r\n")
    put(tmp_path, "MRPC/dev.tsv.xz", '\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t7\t8\tone "\ttwo\n')
    put(tmp_path, "RTE/dev.tsv.xz", "index\tsentence1\tsentence2\tlabel\n0\ta\tb\tnot_entailment\n1\tc\td\tentailment\n")
    put(tmp_path, "CoLA/in_domain_dev.tsv.xz", "gj04\t1\t\tFine.\n")
    put(tmp_path, "CoLA/out_of_domain_dev.tsv.xz", "gj04\t0\t*\tNot fine is.\n")
    put(tmp_path, "STS-B/stsb-en-dev.csv.xz", '"a, b",c,4.75\r\nd,é,0\r\n')
    put(tmp_path, "QNLI/train.tsv.xz", "index\tquestion\tsentence\tlabel\n0\twho\tme\tentailment\n")
    put(tmp_path, "MNLI/train.tsv.xz", MNLI + MNLI.format(1, 1, "contradiction"))
    put(tmp_path, "MNLI/dev_matched.tsv.xz", MNLI.replace("{}\n", "x\ty\tgold\n") + MNLI.format(1, 1, "x\ty\tneutral"))
    put(
        tmp_path,
        "QQP/train.tsv.xz",
        "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n1\t2\t3\ta\tb\t1\n4\t5\tbro\nken\t0\n",
    )
    return tmp_path


def example(first: str, second: str | None, label: float) -> Labelled:
    return Labelled(first=first, second=second, label=label)


@pytest.mark.parametrize(
    ("name", "split", "expected"),
    [
        ("sst2", "train", [example("sad", None, 0), example("fine ", None, 1)]),
        ("mrpc", "valid", [example('one "', "two", 1)]),
        ("rte", "valid", [example("a", "b", 1), example("c", "d", 0)]),
        ("cola", "valid", [example("Fine.", None, 1), example("Not fine is.", None, 0)]),
        ("stsb", "valid", [example("a, b", "c", 4.75), example("d", "é", 0.0)]),
        ("qnli", "train", [example("who", "me", 0)]),
        ("mnli", "train", [example("first 1", "second 1", 2)]),
        ("mnli", "valid", [example("first 1", "second 1", 1)]),
        ("qqp", "train", [example("a", "b", 1)]),
    ],
)
def test_the_tasks_of_glue_as_they_lie_in_a_folder(root: Path, name: str, split: str, expected: list[Labelled]) -> None:
    found = read_task(name, split, data_root=root)
    assert found == expected
    assert [type(one.label) for one in found] == [float if name == "stsb" else int for _ in found]
    assert read_task(name, split, data_root=root, limit=1) == expected[:1]


def test_every_task_is_whole() -> None:
    for name, task in TASKS.items():
        data = NAMED[task.data or ""]
        assert data.hub and data.layout and len(data.layout.texts) == len(data.hub.columns) == 1 + task.pairs
        assert task.name == name and set(task.metrics) <= set(SCORES) and bool(task.labels) == (name != "stsb")


def test_what_is_not_there(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(UsageError, match="no task 'imdb': choose one of sst2, mrpc"):
        read_task("imdb", "train", data_root=root)
    with pytest.raises(UsageError, match="sst2 has no split 'test': choose one of train, valid"):
        read_task("sst2", "test", data_root=root)
    with pytest.raises(MissingDataError, match=r"has no file dev\.\* for 'glue/sst2', split 'valid'"):
        read_task("sst2", "valid", data_root=root)
    with pytest.raises(MissingDataError, match=r"'glue/rte' is not at hand .*HF_HUB_OFFLINE.*: put it into a folder"):
        read_task("rte", "train", data_root=root / "glue")
    with pytest.raises(ValueError, match="limit must be at least 1, but is 0"):
        read_task("sst2", "train", data_root=root, limit=0)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "SST-2/dev.tsv.xz",
            "label\tsentence\n0\ta\n2\tb\n",
            "line 3 has the label '2', but the task 'sst2' has only 'negative'",
        ),
        ("SST-2/dev.tsv.xz", "label\tsentence\n0\n", "line 2 has 1 columns, but column 2 is read"),
        ("SST-2/dev.tsv.xz", "label\tsentence\n\ta\n", "line 2 has an empty label"),
        ("STS-B/stsb-en-dev.csv.xz", "a,b,good\n", "line 1 has the label 'good', but the task 'stsb' needs finite numbers"),
        ("STS-B/stsb-en-dev.csv.xz", "a,b,1e999\n", "needs finite numbers"),
    ],
)
def test_damaged_files_of_the_folder(root: Path, name: str, text: str, message: str) -> None:
    put(root, name, text)
    with pytest.raises(LaconicError, match=message):
        read_task("sst2" if name.startswith("SST") else "stsb", "valid", data_root=root)


def test_from_the_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[tuple[object, ...]] = []

    def load_dataset(path: str, config: str, *, split: str, streaming: bool) -> list[dict[str, Any]]:
        asked.append((path, config, split, streaming))
        if config == "stsb":
            return [{"sentence1": "a", "sentence2": "b", "label": 3.0, "idx": 0}]
        return [{"premise": "a", "hypothesis": "é", "label": label, "idx": label} for label in (2, 0, -1)]

    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=load_dataset))
    for variable in OFFLINE:
        monkeypatch.delenv(variable, raising=False)
    assert read_task("mnli", "valid", data_root=tmp_path, limit=2) == [example("a", "é", 2), example("a", "é", 0)]
    assert asked == [("nyu-mll/glue", "mnli", "validation_matched", True)]
    assert read_task("stsb", "train", data_root=tmp_path) == [example("a", "b", 3.0)]
    with pytest.raises(UsageError, match="glue/mnli, row 2 has the label '-1'"):
        read_task("mnli", "valid", data_root=tmp_path)


def test_tasks_that_make_no_sense() -> None:
    whole: dict[str, Any] = {"name": "t", "kind": "classification", "labels": ("a", "b"), "pairs": False, "metrics": ("f1",)}
    LabelledTask(**whole)
    for field, value in (
        ("kind", "ranking"),
        ("kind", "regression"),
        ("labels", ("a",)),
        ("labels", ("a", "a")),
        ("metrics", ()),
    ):
        with pytest.raises(ValueError, match="^labels" if value == "regression" else f"^{field}"):
            LabelledTask(**whole | {field: value})


def write(path: Path, rows: Sequence[Sequence[object]], header: Sequence[str] = ("text", "label")) -> Path:
    """Rows as a table of the kind that the name of the file says."""
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(dict(zip(header, row, strict=True))) + "\n" for row in rows))
    else:
        with path.open("w", newline="") as stream:
            if path.suffix == ".csv":
                csv.writer(stream).writerows([header, *rows])
            else:
                stream.write("".join("\t".join(map(str, row)) + "\n" for row in [header, *rows]))
    return path


def read(path: Path, **more: Any) -> tuple[LabelledTask, list[Labelled]]:
    return read_table(path, text_columns=["text"], label="label", **more)


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl"])
def test_a_table_of_words_for_classes(tmp_path: Path, suffix: str) -> None:
    path = write(
        tmp_path / f"mail.{suffix}", [("spam", "x", 'buy, "now"'), ("ham", "y", "é"), ("spam", "z", "")], ("l", "id", "t")
    )
    task, examples = read_table(path, text_columns=["t"], label="l")
    assert (task.name, task.kind, task.labels, task.pairs) == ("mail", "classification", ("ham", "spam"), False)
    assert task.metrics == ("accuracy",) and task.data is None
    assert examples == [example('buy, "now"', None, 1), example("é", None, 0), example("", None, 1)]
    pairs, (first, *_) = read_table(path, text_columns=["t", "id"], label="l")
    assert pairs.pairs and first == example('buy, "now"', "x", 1)


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl"])
@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        ((10, 9, -1, 9), ("-1", "9", "10")),
        ((1.0, 0.0, 10.0, 2.0), ("0.0", "1.0", "2.0", "10.0")),
        (("10", "9", "x"), ("10", "9", "x")),
        ((0.5, 2, 1e-7), ()),
        ((0.5, "x"), ("0.5", "x")),
        (("1_0", "2.5"), ("1_0", "2.5")),
    ],
)
def test_numbers_as_labels(tmp_path: Path, suffix: str, labels: tuple[Any, ...], classes: tuple[str, ...]) -> None:
    task, examples = read(write(tmp_path / f"t.{suffix}", [("a", label) for label in labels]))
    assert (task.labels, task.kind) == (classes, "classification" if classes else "regression")
    assert [one.label for one in examples] == ([classes.index(str(label)) for label in labels] if classes else list(labels))


def test_truth_values_and_packed_tables(tmp_path: Path) -> None:
    path = write(tmp_path / "t.jsonl", [("a", True), ("b", False)])
    packed = tmp_path / "t.jsonl.xz"
    packed.write_bytes(lzma.compress(path.read_bytes()))
    assert read(path) == read(packed)
    assert read(packed)[0].labels == ("false", "true")


def test_marks_can_be_numbers(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", [("a", 1), ("b", 5)])
    assert read(path)[0].labels == ("1", "5")
    task, examples = read(path, kind="regression")
    assert task.kind == "regression" and [one.label for one in examples] == [1.0, 5.0]
    with pytest.raises(ValueError, match="kind must be one of"):
        read(path, kind="ranking")


def test_a_second_file_is_read_as_the_first(tmp_path: Path) -> None:
    task, _ = read(write(tmp_path / "train.csv", [("a", "c"), ("b", "b"), ("c", "a")]))
    valid = write(tmp_path / "valid.csv", [("x", "c"), ("y", "c")])
    assert read(valid, task=task) == (task, [example("x", None, 2), example("y", None, 2)])
    with pytest.raises(UsageError, match=r"valid.csv, line 3 has the label 'd', but the task 'train' has only 'a', 'b', 'c'"):
        read(write(valid, [("x", "c"), ("y", "d")]), task=task)
    valid.write_text("text,other,label\nx,y,c\n")
    with pytest.raises(UsageError, match="'train' needs one text column, but 2 are named"):
        read_table(valid, text_columns=["text", "other"], label="label", task=task)
    numbers, _ = read(write(tmp_path / "train.csv", [("a", 0.5), ("b", 2)]))
    with pytest.raises(
        CorruptFileError, match=r"valid\.csv, line 2 has the label 'c', but the task 'train' needs finite numbers"
    ):
        read(valid, task=numbers)


def test_ids_stand_for_classes_in_named_tasks_only(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", [("a", "positive"), ("b", "1"), ("c", "0")])
    assert [one.label for one in read(path, task=TASKS["sst2"])[1]] == [1, 1, 0]
    train, _ = read(write(tmp_path / "train.csv", [("a", "1"), ("b", "2")]))
    with pytest.raises(UsageError, match="the label '0'"):
        read(write(path, [("a", "1"), ("b", "0")]), task=train)


def test_a_long_list_of_classes_is_cut_short(tmp_path: Path) -> None:
    train, _ = read(write(tmp_path / "train.csv", [("a", number) for number in range(20)]))
    with pytest.raises(UsageError, match=r"has only '0', .*'7', 12 more: mend the row"):
        read(write(tmp_path / "t.csv", [("a", 20)]), task=train)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("t.csv", "", "t.csv holds no examples"),
        ("t.csv", "text,label\n\n", "t.csv holds no examples"),
        ("t.jsonl", "\n", "t.jsonl holds no examples"),
        ("t.csv", "text,mark\na,1\n", "line 2 has no column 'label': choose the label's among text, mark"),
        ("t.csv", "body,label\na,1\n", "line 2 has no column 'text': choose a text column among body, label"),
        ("t.jsonl", '{"text": "a", "label": 1}\n{"text": "b"}', "line 2 has no column 'label'"),
        ("t.tsv", "text\tid\tlabel\na\t1\n", "line 2 has 2 cells, but the header names 3: mend the row"),
        ("t.csv", "text,label\na,1\nb, c,0\n", "line 3 has 3 cells, but the header names 2"),
        ("t.csv", "text,label,label\na,1,2\n", "line 1 names the column 'label' twice"),
        ("t.csv", "text,label\na,1\nb, \n", "line 3 has an empty label: fill it in"),
        ("t.csv", "text,label\na,good\nb,nan\n", "line 3 has an empty label: fill it in"),
        ("t.csv", "text;label\na;1\n", "choose the label's among text;label (semicolons seem to stand between cells"),
        ("t.csv", "text;label\na, b;1\n", "2 cells, but the header names 1 (semicolons seem to stand between cells"),
        ("t.csv", "text,label\n" + "a,0.5\n" * 10 + "b,none\n", "has numbers as labels, but also 'none': mend the rows"),
        ("t.jsonl", '{"text": "a", "label": null}', "line 1 has an empty label"),
        ("t.jsonl", '{"text": "a", "label": NaN}', "line 1 has an empty label"),
        ("t.jsonl", '{"text": "a", "label": [1]}', "line 1 has a label that is a list"),
        ("t.jsonl", '{"text": 3, "label": 1}', "line 1, column 'text' is a int, but text is needed"),
        ("t.jsonl", '{"text": "\\ud800", "label": 1}', "line 1 is not UTF-8"),
        ("t.jsonl", "[1]", "line 1 is a JSON list"),
        ("t.csv", "text,label\na,yes\nb,yes\n", "t.csv has only the label 'yes': give examples of at least two classes"),
        ("t.txt", "text,label\n", "t.txt is none of .csv, .tsv, .jsonl"),
    ],
)
def test_bad_tables_are_one_sentence(tmp_path: Path, name: str, text: str, message: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(LaconicError, match=re.escape(message)) as caught:
        read(path)
    assert "\n" not in str(caught.value)


def test_other_bad_tables(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"text,label\n\xff,1\n")
    with pytest.raises(CorruptFileError, match="line 2 is not UTF-8"):
        read(path)
    for columns in ([], ["a", "b", "c"]):
        with pytest.raises(UsageError, match=f"{len(columns)} text columns are named"):
            read_table(path, text_columns=columns, label="label")
    for columns in (["text", "text"], ["label"]):
        with pytest.raises(UsageError, match="must all be different"):
            read_table(path, text_columns=columns, label="label")
    with pytest.raises(MissingDataError, match="cannot read"):
        read(tmp_path / "none.csv")


PRINTED = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1)
ROWS = st.lists(st.tuples(PRINTED, PRINTED), min_size=2).filter(lambda rows: len({label for _, label in rows}) > 1)


@given(ROWS, st.sampled_from(["csv", "tsv", "jsonl"]))
def test_a_table_that_was_written_is_read_as_it_was(tmp_path_factory: pytest.TempPathFactory, rows: Any, suffix: str) -> None:
    # With letters, so that no label is a number.
    rows = [(text, f"c{label}") for text, label in rows]
    task, examples = read(write(tmp_path_factory.mktemp("t") / f"t.{suffix}", rows))
    assert [(one.first, task.labels[int(one.label)]) for one in examples] == rows
    assert list(task.labels) == sorted({label for _, label in rows})


def test_the_share_of_the_commonest_label() -> None:
    assert majority([example("", None, label) for label in (1, 0, 1, 1)]) == 0.75
    with pytest.raises(ValueError, match="must not be empty"):
        majority([])


# Examples, and those of each class, or the sum of the marks.
SIZES: dict[tuple[str, str], tuple[int, list[float]]] = {
    ("sst2", "train"): (67_349, [29_780, 37_569]),
    ("sst2", "valid"): (872, [428, 444]),
    ("mrpc", "train"): (3_668, [1_194, 2_474]),
    ("mrpc", "valid"): (408, [129, 279]),
    ("rte", "train"): (2_490, [1_249, 1_241]),
    ("rte", "valid"): (277, [146, 131]),
    ("cola", "train"): (8_551, [2_528, 6_023]),
    ("cola", "valid"): (1_043, [324, 719]),
    ("stsb", "train"): (5_749, [15_528.043396825]),
    ("stsb", "valid"): (1_500, [3_545.861333333]),
}


@pytest.mark.data
@pytest.mark.parametrize(("name", "split"), SIZES)
def test_the_real_data_is_whole(data_root: Path, name: str, split: str) -> None:
    task, examples = TASKS[name], read_task(name, split, data_root=data_root)
    counts: list[float] = [sum(one.label == number for one in examples) for number in range(len(task.labels))]
    assert (len(examples), counts or [pytest.approx(sum(one.label for one in examples))]) == SIZES[name, split]
    assert all(one.first and bool(one.second) == task.pairs for one in examples)
