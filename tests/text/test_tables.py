"""The named data sets' own formats."""

import json
from itertools import chain
from pathlib import Path

import pytest

from laconic.errors import CorruptFileError
from laconic.text.splits import SPLITS
from laconic.text.tables import read_csv, read_pairs, read_squad, read_tsv


def write(path: Path, text: str) -> Path:
    path.write_text(text, newline="")
    return path


def test_tab_separated(tmp_path: Path) -> None:
    path = write(tmp_path / "t.tsv", 'label\ta\tb\r\n1\t"x\ty z\r\n0\t\té\n')
    assert list(read_tsv(path, (1, 2), header=True)) == [b'"x\ny z', "\né".encode()]
    assert len(list(read_tsv(path, (0,), header=False))) == 3
    with pytest.raises(CorruptFileError, match="line 1 has 3 columns, but column 4 holds text"):
        list(read_tsv(path, (3,), header=False))


def test_comma_separated_with_quotes(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b'"a, ""b""",\xff,5.0\nc,"d\ne",1\n')
    assert list(read_csv(path, (0, 1))) == [b'a, "b"\n\xff', b"c\nd\ne"]
    with pytest.raises(CorruptFileError, match="line 1 has 3 columns"):
        list(read_csv(path, (7,)))
    with pytest.raises(CorruptFileError, match="no comma-separated row"):
        list(read_csv(write(tmp_path / "long.csv", "x" * 200_000), (0,)))


def test_pairs_with_the_same_first_sentence_stay_together(tmp_path: Path) -> None:
    rows = [f"first {number}\tsecond {number} {copy}\n" for number in range(300) for copy in range(2)]
    path = write(tmp_path / "t.tsv", "".join(rows))
    parts = [list(read_pairs(path, split)) for split in SPLITS]
    firsts = [{document.split(b"\n")[0] for document in part} for part in parts]
    assert sum(map(len, parts)) == 600 and all(parts)
    assert not firsts[0] & firsts[1] and not firsts[0] & firsts[2] and not firsts[1] & firsts[2]
    assert sorted(read_pairs(path, "all")) == sorted(chain.from_iterable(parts))


def test_squad(tmp_path: Path) -> None:
    data = {"data": [{"paragraphs": [{"context": "é"}, {"context": "b"}]}, {"paragraphs": []}]}
    assert list(read_squad(write(tmp_path / "t.json", json.dumps(data)))) == ["é".encode(), b"b"]
    for text in ("", "[]", '{"data": [{}]}', '{"data": 3}'):
        with pytest.raises(CorruptFileError, match="not in SQuAD's format"):
            read_squad(write(tmp_path / "t.json", text))
