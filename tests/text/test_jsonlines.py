"""JSON lines give the text of each line, or name the line that does not."""

import gzip
import json
import lzma
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from laconic.errors import CorruptFileError, UsageError
from laconic.text import jsonlines
from laconic.text.jsonlines import read_json_lines, read_json_rows, text_of_row, to_bytes


def write(path: Path, *lines: bytes) -> Path:
    path.write_bytes(b"\n".join(lines))
    return path


@given(st.lists(st.text()))
def test_every_text_comes_back(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    path = tmp_path_factory.mktemp("lines") / "t.jsonl"
    path.write_text("".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts), newline="")
    assert list(read_json_lines(path, "text")) == [text.encode() for text in texts]


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".xz", lzma.compress), (".zst", zstandard.compress)])
def test_packed(tmp_path: Path, suffix: str, pack: object) -> None:
    path = tmp_path / f"t.jsonl{suffix}"
    path.write_bytes(pack(b'{"text": "a"}\n{"text": "b"}'))  # type: ignore[operator]
    assert list(read_json_lines(path, "text")) == [b"a", b"b"]


def test_byte_order_mark_empty_lines_and_other_columns(tmp_path: Path) -> None:
    path = write(tmp_path / "t.jsonl", b'\xef\xbb\xbf{"body": "a", "text": 1}\r', b"", b"  ", b'{"body": ""}')
    assert list(read_json_lines(path, "body")) == [b"a", b""]


def test_rows_say_where_they_stand(tmp_path: Path) -> None:
    path = write(tmp_path / "t.jsonl", b'{"a": 1}', b"", b"{}")
    assert list(read_json_rows(path)) == [(f"{path}, line 1", {"a": 1}), (f"{path}, line 3", {})]


def test_lone_surrogates_pass() -> None:
    assert to_bytes("\ud800", "x") == b"\xed\xa0\x80"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"text": "a"', "is not JSON"),
        (b"text", "is not JSON"),
        (b'{"text": "\xff"}', "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b'["text"]', "is a JSON list, not an object"),
        (b'{"text": 3}', "column 'text' is a int, but text is needed"),
        (b'{"text": null}', "column 'text' is a NoneType"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: bytes, reason: str) -> None:
    path = write(tmp_path / "t.jsonl", b'{"text": "a"}', b"", line)
    documents = read_json_lines(path, "text")
    assert next(documents) == b"a"
    with pytest.raises(CorruptFileError, match=rf"t\.jsonl, line 3\b.*{reason}"):
        next(documents)


def test_a_missing_column_is_named_with_those_there_are(tmp_path: Path) -> None:
    path = write(tmp_path / "t.jsonl", b'{"title": "a", "body": "b"}')
    with pytest.raises(UsageError, match=r"line 1 has no column 'text': choose a text column among title, body"):
        list(read_json_lines(path, "text"))
    with pytest.raises(UsageError, match="among none"):
        text_of_row({}, "text", "row")


def test_a_line_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonlines, "MAX_LINE_BYTES", 20)
    path = write(tmp_path / "t.jsonl", b'{"text": "123456789"}')
    with pytest.raises(CorruptFileError, match="line 1 is longer than 20 bytes"):
        list(read_json_lines(path, "text"))
