"""Rows with labels, as text still: from the data folder, from the hub, from a user's own table."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from laconic.errors import CorruptFileError, UsageError
from laconic.text.compressed import unpacked_name
from laconic.text.hub import HubData, hub_rows
from laconic.text.jsonlines import read_json_rows, text_of_row
from laconic.text.tables import Layout, read_cells, read_rows

TABLES = (".csv", ".tsv", ".jsonl", ".ndjson")
"""Ends of the names of the tables that people bring; each may be packed."""

Row = tuple[str, tuple[str, ...], str]
"""Where a row stands, as a phrase for errors; its texts; its label as it is written there, never empty."""

_HUB_LABEL = "label"
_EMPTY = ("", "nan", "NaN")
"""What other programs write where there is nothing."""


def file_rows(path: Path, layout: Layout) -> Iterator[Row]:
    """The rows of a table of the data folder, which has labels.

    Raises:
        CorruptFileError: a row that cannot be read; the message says which.
    """
    assert layout.label is not None
    for where, cells in read_rows(path, layout):
        yield _row([cells[column] for column in layout.texts], cells[layout.label], where)


def fetched_rows(name: str, hub: HubData, split: str) -> Iterator[Row]:
    """The rows of one split on the hub; the label of a class is its id.

    Raises:
        MissingDataError: the hub cannot be reached.
    """
    for number, row in enumerate(hub_rows(name, hub, split)):
        where = f"{name}, row {number}"
        yield _row([text_of_row(row, column, where) for column in hub.columns], row.get(_HUB_LABEL), where)


def table_rows(path: Path, text_columns: Sequence[str], label: str) -> Iterator[Row]:
    """The rows of a user's own table: see `laconic.text.labelled.read_table`.

    Raises:
        UsageError: another kind of file, or a column that is not there.
        CorruptFileError: a row that cannot be read; the message says which.
    """
    suffix = Path(unpacked_name(path)).suffix.lower()
    if suffix not in TABLES:
        raise UsageError(f"{path} is none of {', '.join(TABLES)}: give a table of one of these kinds")
    rows = _named_cells(path, quoted=suffix == ".csv") if suffix in (".csv", ".tsv") else read_json_rows(path)
    for where, row in rows:
        if label not in row:
            names = f"{', '.join(row) or 'none'}{_about_semicolons([*row])}"
            raise UsageError(f"{where} has no column {label!r}: choose the label's among {names}")
        yield _row([text_of_row(row, column, where) for column in text_columns], row[label], where)


def _named_cells(path: Path, *, quoted: bool) -> Iterator[tuple[str, Mapping[str, object]]]:
    """The rows of a table with a header, each by the names of the columns."""
    names: list[str] | None = None
    for where, cells in read_cells(path, quoted=quoted):
        if not any(cells) and len(cells) < 2:
            continue
        if names is None:
            names = [_decode(cell, where).strip() for cell in cells]
            if twice := [name for name, count in Counter(names).items() if name and count > 1]:
                raise UsageError(f"{where} names the column {twice[0]!r} twice: give each column a name of its own")
        elif len(cells) != len(names):
            hint = _about_semicolons(names)
            raise CorruptFileError(f"{where} has {len(cells)} cells, but the header names {len(names)}{hint}: mend the row")
        else:
            yield where, dict(zip(names, cells, strict=True))


def _about_semicolons(names: Sequence[str]) -> str:
    """A hint for whoever brings a table of another kind than its name says."""
    return " (semicolons seem to stand between cells, not commas)" if len(names) == 1 and ";" in names[0] else ""


def _row(texts: Sequence[bytes], label: object, where: str) -> Row:
    return where, tuple(_decode(text, where) for text in texts), _written(label, where)


def _written(label: object, where: str) -> str:
    """A label as text: a JSON value as JSON writes it."""
    if isinstance(label, bytes):
        label = _decode(label, where)
    if isinstance(label, bool):
        label = str(label).lower()
    if label is None or label != label or (isinstance(label, str) and label.strip() in _EMPTY):
        raise CorruptFileError(f"{where} has an empty label: fill it in or remove the row")
    if not isinstance(label, str | int | float):
        raise CorruptFileError(f"{where} has a label that is a {type(label).__name__}: give text or a number")
    return label.strip() if isinstance(label, str) else repr(label)


def _decode(text: bytes, where: str) -> str:
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CorruptFileError(f"{where} is not UTF-8 ({error}): save the file as UTF-8") from error
