"""Files, folders and standard input as corpora."""

import gzip
import io
import json
import os
from itertools import chain
from pathlib import Path

import pytest

from laconic.errors import CorruptFileError, MissingDataError, UsageError
from laconic.text.paths import is_table, list_files, open_path, open_stdin
from laconic.text.splits import SPLITS


def fill(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def documents(path: Path, split: str = "all", **options: str) -> list[bytes]:
    return list(open_path(path, split, **options).documents())


def test_a_folder_is_read_in_the_order_of_names(tmp_path: Path) -> None:
    fill(tmp_path, b_txt="1", a__z_txt="2", a__b__c="3", B="4", e_jsonl='{"text": "5"}\n{"text": "6"}')
    (tmp_path / ".hidden").write_text("no")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text("no")
    (tmp_path / "x.bin").write_bytes(b"\xff\x00")
    (tmp_path / "empty").write_bytes(b"")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("nowhere")
    corpus = open_path(tmp_path)
    assert list(corpus.documents()) == list(corpus.documents()) == [b"4", b"3", b"2", b"1", b"5", b"6", b"\xff\x00"]
    assert corpus.describe() == {"name": str(tmp_path), "split": "all", "source": "path", "files": 7, "split_rule": "none"}


def test_packed_files_and_tables_by_name(tmp_path: Path) -> None:
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"text"))
    (tmp_path / "b.ndjson.gz").write_bytes(gzip.compress(b'{"text": "row"}'))
    (tmp_path / "c.json").write_text('{"text": "row"}')
    assert documents(tmp_path) == [b"text", b"row", b'{"text": "row"}']
    assert documents(tmp_path / "c.json", text_column="text") == [b"row"]
    assert is_table(Path("x.PARQUET"), None) and not is_table(Path("x.parquet.gz"), None) and not is_table(Path("jsonl"), None)


def test_own_splits_by_file_names(tmp_path: Path) -> None:
    fill(tmp_path, train_txt="1", train2_txt="2", validation__a_txt="3", README="no", training_txt="no")
    assert documents(tmp_path, "train") == [b"1", b"2"]
    assert documents(tmp_path, "valid") == [b"3"]
    with pytest.raises(MissingDataError, match="no files for the split 'test'"):
        open_path(tmp_path, "test")
    assert len(documents(tmp_path)) == 5


def test_rows_are_split_by_number(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text("".join(json.dumps({"text": str(number)}) + "\n" for number in range(45)))
    parts = {split: documents(tmp_path / "t.jsonl", split) for split in SPLITS}
    assert parts["valid"] == [b"18", b"38"] and parts["test"] == [b"19", b"39"]
    assert sorted(chain.from_iterable(parts.values())) == sorted(documents(tmp_path / "t.jsonl"))


def test_many_files_are_split_whole_and_few_by_bytes(tmp_path: Path) -> None:
    line = "0123456\n"
    for number in range(19):
        (tmp_path / f"{number:02}").write_text(line * 100)
    assert [len(documents(tmp_path, split)) for split in SPLITS] == [19, 19, 19]
    assert b"".join(chain.from_iterable(documents(tmp_path, split) for split in SPLITS)) == (line * 1900).encode()
    (tmp_path / "99").write_text("last")
    assert documents(tmp_path, "test") == [b"last"]
    assert [len(documents(tmp_path, split)) for split in SPLITS] == [18, 1, 1]
    assert open_path(tmp_path, "test").describe()["split_rule"] == "whole files"


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match="cannot read"):
        open_path(tmp_path / "gone")
    with pytest.raises(MissingDataError, match="holds no files"):
        open_path(tmp_path)
    with pytest.raises(UsageError, match="no split 'dev'"):
        open_path(tmp_path, "dev")


def test_a_file_that_vanishes_after_opening(tmp_path: Path) -> None:
    corpus = open_path(fill(tmp_path, a="1", b="2"))
    (tmp_path / "b").unlink()
    reading = corpus.documents()
    assert next(reading) == b"1"
    with pytest.raises(MissingDataError, match=r"cannot read .*b: No such file"):
        next(reading)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_a_folder_without_permission(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir(mode=0)
    with pytest.raises(MissingDataError, match="Permission denied"):
        list_files(tmp_path)


def test_a_damaged_file_in_a_folder_is_named(tmp_path: Path) -> None:
    fill(tmp_path, a_gz="no", b="fine")
    with pytest.raises(CorruptFileError, match=r"a\.gz is not a whole"):
        documents(tmp_path)


def test_standard_input_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = open_stdin(stream=io.BytesIO(b"a\xff\n"))
    assert list(corpus.documents()) == [b"a\xff\n"]
    with pytest.raises(UsageError, match="only once"):
        corpus.documents()
    with pytest.raises(UsageError, match="standard input has no split 'train'"):
        open_stdin("train")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"piped")))
    assert list(open_stdin().documents()) == [b"piped"]
    assert corpus.describe() == {"name": "-", "split": "all", "source": "standard input"}
