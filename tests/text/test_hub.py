"""Data sets from the hub, with the hub played by a module of our own."""

import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from laconic.errors import MissingDataError, UsageError
from laconic.text import hub as module
from laconic.text.hub import HubData, hub_rows, missing, open_hub

WIKI = HubData(path="w/iki", config="en", splits={"train": "train"})
LINES = HubData(path="w/text", config=None, splits={"train": "train", "valid": "validation"}, lines=True)
PAIRS = HubData(path="p/airs", config="c", splits={"train": "train"}, columns=("a", "b"))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """Calls of `load_dataset`; every data set has rows with the columns text, a and b."""
    calls: list[tuple[object, ...]] = []

    def load_dataset(path: str, config: str | None, *, split: str, streaming: bool) -> list[dict[str, str]]:
        calls.append((path, config, split, streaming))
        return [{"text": f"{number}\n" if number else "", "a": f"a{number}", "b": "b"} for number in range(40)]

    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=load_dataset))
    for variable in module.OFFLINE:
        monkeypatch.delenv(variable, raising=False)
    return calls


def test_rows_stream_and_can_be_read_again(asked: list[tuple[object, ...]]) -> None:
    corpus = open_hub("w", WIKI, "all")
    assert len(list(corpus.documents())) == len(list(corpus.documents())) == 40
    assert asked == [("w/iki", "en", "train", True)]
    details = {"source": "huggingface.co/datasets/w/iki", "config": "en", "split_rule": "rows"}
    assert corpus.describe() == {"name": "w", "split": "all", **details}


def test_a_lone_train_split_is_divided(asked: list[tuple[object, ...]]) -> None:
    assert list(open_hub("w", WIKI, "test").documents()) == [b"19\n", b"39\n"]
    assert len(list(open_hub("w", WIKI, "train").documents())) == 36


def test_own_splits_and_lines_of_articles(asked: list[tuple[object, ...]]) -> None:
    text = b" \n" + b"".join(b"%d\n" % number for number in range(1, 40))
    assert list(open_hub("t", LINES, "valid").documents()) == [text]
    assert asked == [("w/text", None, "validation", True)]
    with pytest.raises(UsageError, match="t has no split 'test'"):
        open_hub("t", LINES, "test")


def test_rows_as_they_are(asked: list[tuple[object, ...]]) -> None:
    rows = hub_rows("p", PAIRS, "train")
    assert len(list(rows)) == len(list(rows)) == 40 and next(iter(rows)) == {"text": "", "a": "a0", "b": "b"}
    assert asked == [("p/airs", "c", "train", True)]
    with pytest.raises(UsageError, match="p has no split 'valid': choose one of train"):
        hub_rows("p", PAIRS, "valid")


def test_columns_are_joined(asked: list[tuple[object, ...]]) -> None:
    assert next(open_hub("p", PAIRS, "train").documents()) == b"a0\nb"


def test_a_missing_column_is_a_misuse(asked: list[tuple[object, ...]]) -> None:
    with pytest.raises(UsageError, match="p, row 0 has no column 'c'"):
        list(open_hub("p", HubData(path="p", config=None, splits={"train": "train"}, columns=("c",)), "train").documents())


@pytest.mark.parametrize("variable", module.OFFLINE)
def test_offline_is_one_sentence(asked: list[tuple[object, ...]], monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "1")
    with pytest.raises(MissingDataError, match=r"'w' is not at hand .*HF_HUB_OFFLINE.*: put it into a folder .*LACONIC_DATA"):
        open_hub("w", WIKI, "train")
    assert asked == []


def test_no_network_no_package_and_a_network_that_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in module.OFFLINE:
        monkeypatch.delenv(variable, raising=False)

    def unreachable(*_: object, **__: object) -> None:
        raise RuntimeError("name resolution failed.\nlong trace")

    def breaking(*_: object, **__: object) -> Iterator[dict[str, Any]]:
        yield {"text": "a"}
        raise ConnectionResetError("reset")

    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=unreachable))
    with pytest.raises(MissingDataError, match="cannot be reached: name resolution failed\\): put it"):
        open_hub("w", WIKI, "train")
    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=breaking))
    with pytest.raises(MissingDataError, match=r"reading 'w' from the Hugging Face hub failed \(reset\)"):
        list(open_hub("w", WIKI, "train").documents())
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingDataError, match=r"laconic\[train\]"):
        open_hub("w", WIKI, "train")


def test_the_sentence_for_missing_data() -> None:
    assert str(missing("x", "why")) == (
        "the data set 'x' is not at hand (why): put it into a folder and name that with LACONIC_DATA or --data-root"
    )
