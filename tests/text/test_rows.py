"""Hugging Face data sets and documents in memory as corpora."""

from collections.abc import Iterator
from itertools import chain

import pytest

from laconic.errors import CorruptFileError, UsageError
from laconic.text.rows import open_rows
from laconic.text.splits import SPLITS

ROWS = [{"text": f"é{number}", "id": number} for number in range(40)]
TEXTS = [f"é{number}".encode() for number in range(40)]


def documents(rows: object, split: str = "all", **options: str) -> list[bytes]:
    corpus = open_rows(rows, split, **options)
    first = list(corpus.documents())
    assert list(corpus.documents()) == first
    return first


def test_documents_in_memory() -> None:
    assert documents(["é", b"\xff", {"text": "x"}]) == ["é".encode(), b"\xff", b"x"]
    assert documents([]) == []


def test_lists_are_split_by_number() -> None:
    parts = [documents(ROWS, split) for split in SPLITS]
    assert [len(part) for part in parts] == [36, 2, 2]
    assert sorted(chain.from_iterable(parts)) == sorted(TEXTS)


def test_hugging_face_data_sets() -> None:
    datasets = pytest.importorskip("datasets", reason="needs the extra train")
    plain = datasets.Dataset.from_list(ROWS)
    assert documents(plain) == TEXTS
    assert documents(plain.to_iterable_dataset()) == TEXTS
    assert documents(datasets.IterableDataset.from_generator(lambda: iter(ROWS))) == TEXTS
    both = datasets.DatasetDict(train=plain, validation=plain.select([3]))
    assert documents(both, "train") == TEXTS
    assert documents(both, "valid") == [TEXTS[3]]
    assert documents(both) == [*TEXTS, TEXTS[3]]
    with pytest.raises(UsageError, match="no split 'test': choose one of train, validation"):
        open_rows(both, "test")
    streams = datasets.IterableDatasetDict(test=plain.to_iterable_dataset())
    assert documents(streams, "test") == TEXTS


def test_other_columns_and_names() -> None:
    assert documents([{"body": "x"}], text_column="body") == [b"x"]
    assert open_rows([], name="mine").describe() == {"name": "mine", "split": "all", "source": "object", "split_rule": "none"}
    with pytest.raises(UsageError, match="list, row 1 has no column 'text': choose a text column among body"):
        documents(["x", {"body": "x"}])
    with pytest.raises(CorruptFileError, match="list, row 0 is a int"):
        documents([3])


def test_what_is_no_corpus() -> None:
    def generate() -> Iterator[str]:
        yield "x"

    with pytest.raises(UsageError, match="can be read only once"):
        open_rows(generate())
    for thing in (3, None, b"text", "text"):
        with pytest.raises(UsageError, match="is no corpus"):
            open_rows(thing)
    with pytest.raises(UsageError, match="no split 'dev'"):
        open_rows([], "dev")
