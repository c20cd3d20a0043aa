"""Corpora that are objects: Hugging Face `datasets`, streaming or not, and documents in memory."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from laconic.errors import UsageError
from laconic.text.corpus import Corpus
from laconic.text.jsonlines import text_of_row, to_bytes
from laconic.text.paths import TEXT_COLUMN
from laconic.text.splits import ALL, SPLITS, check_split, select_numbered

_OTHER_NAMES = {"valid": ("validation", "val", "dev")}


def open_rows(rows: Any, split: str = ALL, *, text_column: str | None = None, name: str | None = None) -> Corpus:
    """A Hugging Face `Dataset`, `IterableDataset`, or dictionary of them by split, or documents in memory, as a corpus.

    A dictionary of splits is split by its keys (`valid` is also called `validation`, `val` or `dev`); of anything else, of
    every 20 rows in order one is valid and one is test. Only what any iterable can do is asked of it, so `datasets` need
    not be installed.

    Args:
        rows: something that can be iterated again and again, over mappings, strings or bytes; or a mapping of splits to such.
        split: `all`, `train`, `valid` or `test`.
        text_column: the column that holds the text; `text` if None.
        name: what the corpus is called; the type of `rows` if None.

    Raises:
        UsageError: no such split, or an iterator that could be read only once.
    """
    name = name or type(rows).__name__
    check_split(split, (ALL, *SPLITS), name)
    column = text_column or TEXT_COLUMN
    if isinstance(rows, Mapping):
        details = {"source": "object", "split_rule": "keys"}
        parts = list(rows.values()) if split == ALL else [_part(rows, split, name)]
        return Corpus(name=name, split=split, details=details, read=lambda: _read(parts, column, name))
    if not isinstance(rows, Iterable) or isinstance(rows, str | bytes | bytearray):
        raise UsageError(f"a {type(rows).__name__} is no corpus: give a name, a path, '-', a data set or a list of documents")
    if isinstance(rows, Iterator):
        raise UsageError(f"a {type(rows).__name__} can be read only once: give a list or a data set that can be read again")
    details = {"source": "object", "split_rule": "none" if split == ALL else "rows"}
    return Corpus(name=name, split=split, details=details, read=lambda: select_numbered(_read([rows], column, name), split))


def _part(parts: Mapping[str, Any], split: str, name: str) -> Any:
    for key in (split, *_OTHER_NAMES.get(split, ())):
        if key in parts:
            return parts[key]
    raise UsageError(f"{name} has no split {split!r}: choose one of {', '.join(map(str, parts)) or 'none'}")


def _read(parts: Iterable[Iterable[Any]], column: str, name: str) -> Iterator[bytes]:
    for part in parts:
        for number, row in enumerate(part):
            where = f"{name}, row {number}"
            yield text_of_row(row, column, where) if isinstance(row, Mapping) else to_bytes(row, where)
