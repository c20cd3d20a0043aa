"""Rows with labels, before anything is made of the labels."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from laconic.errors import CorruptFileError, UsageError
from laconic.text.hub import OFFLINE, HubData
from laconic.text.labelled_rows import TABLES, fetched_rows, file_rows, table_rows
from laconic.text.tables import Layout


def write(path: Path, text: str) -> Path:
    path.write_text(text, newline="")
    return path


def test_rows_of_a_layout(tmp_path: Path) -> None:
    path = write(tmp_path / "t.tsv", "0 \ta\tb\n1\tc\td\n")
    expected = [(f"{path}, line 1", ("b", "a"), "0"), (f"{path}, line 2", ("d", "c"), "1")]
    assert list(file_rows(path, Layout(texts=(2, 1), label=0, header=False))) == expected
    with pytest.raises(CorruptFileError, match="line 2 has an empty label"):
        list(file_rows(write(path, "a\tb\nc\t\n"), Layout(texts=(0,), label=1, header=False)))


def test_rows_of_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"text": "a", "label": 0}, {"text": "b"}]
    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=lambda *_, **__: rows))
    for variable in OFFLINE:
        monkeypatch.delenv(variable, raising=False)
    found = fetched_rows("n", HubData(path="p", config=None, splits={"train": "train"}), "train")
    assert next(found) == ("n, row 0", ("a",), "0")
    with pytest.raises(CorruptFileError, match="n, row 1 has an empty label"):
        next(found)


@pytest.mark.parametrize("suffix", TABLES)
def test_rows_of_a_table_say_where_they_stand(tmp_path: Path, suffix: str) -> None:
    texts = {
        ".csv": 'text,label\n"a\nb", x \n\nc,y\n',
        ".tsv": "text\tlabel\r\n\r\na\tx\r\nc\ty\r\n",
    }
    path = write(tmp_path / f"t{suffix}", texts.get(suffix, '{"text": "a", "label": "x"}\n\n{"text": "c", "label": "y"}'))
    rows = list(table_rows(path, ["text"], "label"))
    assert [label for *_, label in rows] == ["x", "y"] and rows[1][1] == ("c",)
    assert rows[1][0] == f"{path}, line {3 if 'json' in suffix else 5 if suffix == '.csv' else 4}"


def test_the_end_of_the_name_says_what_a_table_is(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is none of"):
        list(table_rows(tmp_path / "t.json", ["text"], "label"))
