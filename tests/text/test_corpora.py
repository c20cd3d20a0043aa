"""One function opens every body of text, and reading it streams."""

import gzip
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from laconic.errors import UsageError
from laconic.text import plain
from laconic.text.corpora import open_corpus


def test_each_kind_of_source_goes_to_its_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_text("path")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stdlib").write_text("not the library")
    (tmp_path / "calgary").mkdir()
    (tmp_path / "calgary" / "book1").write_text("book")
    (tmp_path / "t.json").write_text('{"body": "row"}')
    assert list(open_corpus("a.txt").documents()) == list(open_corpus(Path("a.txt")).documents()) == [b"path"]
    assert list(open_corpus("./stdlib").documents()) == [b"not the library"]
    assert open_corpus("stdlib").describe()["source"] == "python standard library"
    assert list(open_corpus("calgary/book1", data_root=tmp_path).documents()) == [b"book"]
    assert list(open_corpus("t.json", text_column="body").documents()) == [b"row"]
    assert list(open_corpus(["x"]).documents()) == [b"x"]
    assert open_corpus("-").name == "-"


def test_names_are_train_and_everything_else_is_all_unless_asked(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("line\n" * 100)
    assert [open_corpus(source).split for source in ("stdlib", tmp_path, ["x"], "-")] == ["train", "all", "all", "all"]
    assert list(open_corpus(tmp_path, "test").documents()) == [b"line\n" * 4]


@pytest.mark.parametrize("source", ["gone.txt", "no-such-set", "", "x" * 5000, "nul\0"])
def test_what_is_nowhere_is_one_sentence(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="is neither a file nor a data set: check the path, or choose one of stdlib, c4-en"):
        open_corpus(source)


def peak_of(documents: Iterator[bytes]) -> tuple[int, int]:
    """Bytes read, and the most memory that Python held meanwhile."""
    tracemalloc.start()
    try:
        size = sum(map(len, documents))
        return size, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_reading_json_lines_streams(tmp_path: Path) -> None:
    path = tmp_path / "big.jsonl.gz"
    with gzip.open(path, "wb", compresslevel=1) as stream:
        for _ in range(500):
            stream.write(b'{"text": "' + b"x" * 100_000 + b'"}\n')
    size, peak = peak_of(open_corpus(path).documents())
    assert size == 50_000_000 and peak < 4_000_000


def test_reading_one_huge_text_streams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "big.txt.gz"
    with gzip.open(path, "wb", compresslevel=1) as stream:
        for _ in range(50):
            stream.write((b"x" * 99 + b"\n") * 10_000)
    whole, peak = peak_of(open_corpus(path).documents())
    assert whole == 50_000_000 and peak < 4 * plain.PIECE_BYTES
    part, peak = peak_of(open_corpus(path, "valid").documents())
    assert part == 2_500_000 and peak < 8_000_000
