"""Readers of the named data sets' own formats: tab-separated and comma-separated tables, and SQuAD."""

import codecs
import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from laconic.errors import CorruptFileError
from laconic.text.compressed import open_unpacked
from laconic.text.splits import ALL, split_of_bytes


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Which columns of a table are read, and how its cells are told apart.

    Attributes:
        texts: the columns that hold text, counted from 0.
        label: the column that holds the label, the last one if -1; None if there is none.
        header: whether the first row holds names.
        quoted: whether commas stand between cells, with quoting; else it is tabs, without.
        broken: whether rows with too few cells are passed over, as the published readers of QQP do, and not refused.
    """

    texts: tuple[int, ...]
    label: int | None = None
    header: bool = True
    quoted: bool = False
    broken: bool = False


def read_cells(path: Path, *, quoted: bool) -> Iterator[tuple[str, list[bytes]]]:
    """Where each row of a table stands, as a phrase for errors, and its cells.

    Args:
        path: the table, packed or not; a byte order mark at its beginning is passed over.
        quoted: see `Layout`.

    Raises:
        CorruptFileError: not a table at all.
    """
    return _quoted_cells(path) if quoted else _plain_cells(path)


def _plain_cells(path: Path) -> Iterator[tuple[str, list[bytes]]]:
    with open_unpacked(path) as stream:
        for number, line in enumerate(stream, start=1):
            line = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
            yield f"{path}, line {number}", line.rstrip(b"\r\n").split(b"\t")


def _quoted_cells(path: Path) -> Iterator[tuple[str, list[bytes]]]:
    with open_unpacked(path) as stream:
        text = io.TextIOWrapper(cast(BinaryIO, stream), encoding="utf-8-sig", errors="surrogateescape", newline="")
        rows = csv.reader(text)
        try:
            for row in rows:
                cells = [cell.encode("utf-8", errors="surrogateescape") for cell in row]
                yield f"{path}, line {rows.line_num}", cells
        except csv.Error as error:
            raise CorruptFileError(
                f"{path}, line {rows.line_num} is no comma-separated row ({error}): fetch the file again"
            ) from error


def read_rows(path: Path, layout: Layout) -> Iterator[tuple[str, list[bytes]]]:
    """As `read_cells`, for the rows that hold what is read of a table, without the header.

    Raises:
        CorruptFileError: a row with too few columns, or not a table at all.
    """
    last = max(*layout.texts, -1 if layout.label is None else layout.label)
    for number, (where, cells) in enumerate(read_cells(path, quoted=layout.quoted)):
        if layout.header and number == 0:
            continue
        if len(cells) > last:
            yield where, cells
        elif not layout.broken:
            raise CorruptFileError(f"{where} has {len(cells)} columns, but column {last + 1} is read: fetch the file again")


def read_texts(path: Path, layout: Layout) -> Iterator[bytes]:
    """One document for each row of a table: its text columns, each on a line.

    Raises:
        CorruptFileError: as `read_rows`.
    """
    for _, cells in read_rows(path, layout):
        yield b"\n".join(cells[column] for column in layout.texts)


def read_pairs(path: Path, split: str) -> Iterator[bytes]:
    """One document for each pair of a tab-separated list of translations: both sentences, each on a line.

    Pairs that share their first sentence fall into the same split, by its hash.
    """
    for document in read_texts(path, Layout(texts=(0, 1), header=False)):
        if split in (ALL, split_of_bytes(document.partition(b"\n")[0])):
            yield document


def read_paragraphs(path: Path) -> list[Mapping[str, Any]]:
    """The paragraphs of a file in SQuAD's format, which, some megabytes, is read as a whole.

    Returns:
        JSON objects, each with a string `context`; what else is in them is not looked at.

    Raises:
        CorruptFileError: another format.
    """
    with open_unpacked(path) as stream:
        data = stream.read()
    try:
        paragraphs = [paragraph for article in json.loads(data)["data"] for paragraph in article["paragraphs"]]
        whole = all(isinstance(paragraph["context"], str) for paragraph in paragraphs)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CorruptFileError(f"{path} is not in SQuAD's format ({error!r}): fetch the file again") from error
    if not whole:
        raise CorruptFileError(f"{path} is not in SQuAD's format (a context is no string): fetch the file again")
    return paragraphs


def read_squad(path: Path) -> Iterator[bytes]:
    """One document for each paragraph of a file in SQuAD's format.

    Raises:
        CorruptFileError: another format.
    """
    return iter([paragraph["context"].encode("utf-8", errors="surrogatepass") for paragraph in read_paragraphs(path)])
