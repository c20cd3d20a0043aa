"""Parquet files give the text of each row."""

import sys
from pathlib import Path

import pytest

from laconic.errors import CorruptFileError, MissingDataError, MissingExtraError, UsageError
from laconic.text.parquet import read_parquet

pyarrow = pytest.importorskip("pyarrow", reason="Parquet needs the extra train")
parquet = pytest.importorskip("pyarrow.parquet", reason="Parquet needs the extra train")


def write(path: Path, **columns: object) -> Path:
    parquet.write_table(pyarrow.table(columns), path, row_group_size=100)
    return path


def test_rows_in_order(tmp_path: Path) -> None:
    texts = [f"é {number}" for number in range(1000)]
    path = write(tmp_path / "t.parquet", text=texts, other=list(range(1000)), raw=[b"\xff"] * 1000)
    assert list(read_parquet(path, "text")) == [text.encode() for text in texts]
    assert list(read_parquet(path, "raw")) == [b"\xff"] * 1000


@pytest.mark.parametrize("group", [100, 4_000])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, group: int) -> None:
    text = [f"{number} " + "x" * 10_000 for number in range(4_000)]
    path = tmp_path / "t.parquet"
    parquet.write_table(pyarrow.table({"text": text}), path, row_group_size=group, compression="none", use_dictionary=False)
    before = pyarrow.total_allocated_bytes()
    held = [pyarrow.total_allocated_bytes() - before for _ in read_parquet(path, "text")]
    assert len(held) == 4_000 and max(held) < path.stat().st_size / 2


def test_columns_that_are_missing_or_no_text(tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet", title=["a"], number=[3], holes=pyarrow.array([None], pyarrow.string()))
    with pytest.raises(UsageError, match="no column 'text': choose a text column among title, number, holes"):
        list(read_parquet(path, "text"))
    with pytest.raises(CorruptFileError, match="row 0, column 'number' is a int"):
        list(read_parquet(path, "number"))
    with pytest.raises(CorruptFileError, match="row 0, column 'holes' is a NoneType"):
        list(read_parquet(path, "holes"))


def test_damaged_and_missing_files(tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet", text=["a" * 100, "b"] * 50)
    data = path.read_bytes()
    for damaged in (b"", b"no table", data[:-9], data[:20] + bytes(40) + data[60:]):
        path.write_bytes(damaged)
        with pytest.raises(CorruptFileError, match=r"t\.parquet is not a whole"):
            list(read_parquet(path, "text"))
    with pytest.raises(MissingDataError, match="cannot read"):
        list(read_parquet(tmp_path / "gone.parquet", "text"))


def test_without_its_package_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"laconic\[train\]"):
        list(read_parquet(tmp_path / "t.parquet", "text"))
