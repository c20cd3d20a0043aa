"""Readers of the named data sets' own formats: tab-separated and comma-separated tables, and SQuAD."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, cast

from laconic.errors import CorruptFileError
from laconic.text.compressed import open_unpacked
from laconic.text.splits import ALL, split_of_bytes


def read_tsv(path: Path, columns: Sequence[int], *, header: bool) -> Iterator[bytes]:
    """One document for each row of a tab-separated table without quoting: its text columns, each on a line.

    Args:
        path: the table, packed or not.
        columns: which columns hold text, counted from 0.
        header: whether the first row holds names.

    Raises:
        CorruptFileError: a row with too few columns.
    """
    with open_unpacked(path) as stream:
        for number, line in enumerate(stream, start=1):
            if header and number == 1:
                continue
            cells = line.rstrip(b"\r\n").split(b"\t")
            yield _join(cells, columns, f"{path}, line {number}")


def read_pairs(path: Path, split: str) -> Iterator[bytes]:
    """One document for each pair of a tab-separated list of translations: both sentences, each on a line.

    Pairs that share their first sentence fall into the same split, by its hash.
    """
    for document in read_tsv(path, (0, 1), header=False):
        if split in (ALL, split_of_bytes(document.partition(b"\n")[0])):
            yield document


def read_csv(path: Path, columns: Sequence[int]) -> Iterator[bytes]:
    """One document for each row of a comma-separated table with quoting and no header: its text columns, each on a line.

    Raises:
        CorruptFileError: a row with too few columns, or not a table at all.
    """
    with open_unpacked(path) as stream:
        rows = csv.reader(io.TextIOWrapper(cast(BinaryIO, stream), encoding="utf-8", errors="surrogateescape", newline=""))
        try:
            for row in rows:
                cells = [cell.encode("utf-8", errors="surrogateescape") for cell in row]
                yield _join(cells, columns, f"{path}, line {rows.line_num}")
        except csv.Error as error:
            raise CorruptFileError(
                f"{path}, line {rows.line_num} is no comma-separated row ({error}): fetch the file again"
            ) from error


def read_squad(path: Path) -> Iterator[bytes]:
    """One document for each paragraph of a file in SQuAD's format; the file, some megabytes, is read as a whole.

    Raises:
        CorruptFileError: another format.
    """
    with open_unpacked(path) as stream:
        data = stream.read()
    try:
        articles = json.loads(data)["data"]
        contexts = [str(paragraph["context"]) for article in articles for paragraph in article["paragraphs"]]
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptFileError(f"{path} is not in SQuAD's format ({error!r}): fetch the file again") from error
    return iter([context.encode("utf-8", errors="surrogatepass") for context in contexts])


def _join(cells: Sequence[bytes], columns: Sequence[int], where: str) -> bytes:
    if len(cells) <= max(columns):
        raise CorruptFileError(
            f"{where} has {len(cells)} columns, but column {max(columns) + 1} holds text: fetch the file again"
        )
    return b"\n".join(cells[column] for column in columns)
