"""The named data sets' own formats."""

import json
from itertools import chain
from pathlib import Path

import pytest

from laconic.errors import CorruptFileError
from laconic.text.splits import SPLITS
from laconic.text.tables import Layout, read_cells, read_pairs, read_paragraphs, read_rows, read_squad, read_texts


def write(path: Path, text: str) -> Path:
    path.write_text(text, newline="")
    return path


def test_tab_separated(tmp_path: Path) -> None:
    path = write(tmp_path / "t.tsv", 'label\ta\tb\r\n1\t"x\ty z\r\n0\t\té\n')
    assert list(read_texts(path, Layout(texts=(1, 2)))) == [b'"x\ny z', "\né".encode()]
    assert len(list(read_texts(path, Layout(texts=(0,), header=False)))) == 3
    assert next(read_rows(path, Layout(texts=(1,), label=0))) == (f"{path}, line 2", [b"1", b'"x', b"y z"])
    with pytest.raises(CorruptFileError, match="line 1 has 3 columns, but column 4 is read"):
        list(read_texts(path, Layout(texts=(3,), header=False)))
    with pytest.raises(CorruptFileError, match="line 2 has 3 columns, but column 6 is read"):
        list(read_rows(path, Layout(texts=(1,), label=5)))


def test_comma_separated_with_quotes(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b'"a, ""b""",\xff,5.0\nc,"d\ne",1\n')
    assert list(read_texts(path, Layout(texts=(0, 1), header=False, quoted=True))) == [b'a, "b"\n\xff', b"c\nd\ne"]
    assert [where for where, _ in read_cells(path, quoted=True)] == [f"{path}, line 1", f"{path}, line 3"]
    with pytest.raises(CorruptFileError, match="line 1 has 3 columns"):
        list(read_texts(path, Layout(texts=(7,), header=False, quoted=True)))
    with pytest.raises(CorruptFileError, match="no comma-separated row"):
        list(read_cells(write(tmp_path / "long.csv", "x" * 200_000), quoted=True))


def test_broken_rows_are_passed_over_where_the_layout_says_so(tmp_path: Path) -> None:
    path = write(tmp_path / "t.tsv", "id\ttext\tlabel\n1\ta\t0\n2\tbro\nken\t1\n\n3\tb\t1\n")
    assert list(read_texts(path, Layout(texts=(1,), label=2, broken=True))) == [b"a", b"b"]
    assert list(read_texts(path, Layout(texts=(1,), label=-1, broken=True))) == [b"a", b"bro", b"1", b"b"]


@pytest.mark.parametrize("quoted", [True, False])
def test_a_byte_order_mark_is_no_text(tmp_path: Path, quoted: bool) -> None:
    path = write(tmp_path / "t", "\ufeffé\n\ufeff\n")
    assert [cells for _, cells in read_cells(path, quoted=quoted)] == [["é".encode()], ["\ufeff".encode()]]


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
    assert read_paragraphs(tmp_path / "t.json")[1] == {"context": "b"}
    for text in ("", "[]", '{"data": [{}]}', '{"data": 3}', '{"data": [{"paragraphs": [{"context": 3}]}]}', "[" * 100_000):
        with pytest.raises(CorruptFileError, match="not in SQuAD's format"):
            read_squad(write(tmp_path / "t.json", text))
