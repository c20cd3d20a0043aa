"""JSON lines: one JSON object on each line, with the text in one of its fields."""

import codecs
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from laconic.errors import CorruptFileError, UsageError
from laconic.text.compressed import open_unpacked

MAX_LINE_BYTES = 256 << 20
"""A longer line is refused, so that a file without line ends does not fill the memory."""


def read_json_lines(path: Path, text_column: str) -> Iterator[bytes]:
    """The text of each line, as UTF-8; empty lines are passed over.

    Raises:
        CorruptFileError: a line is no JSON object, or its text is no string; the message says which line.
        UsageError: a line lacks the field `text_column`.
    """
    for where, row in read_json_rows(path):
        yield text_of_row(row, text_column, where)


def read_json_rows(path: Path) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Where each line that is not empty stands, as a phrase for errors, and its object.

    Raises:
        CorruptFileError: a line is no JSON object; the message says which line.
    """
    with open_unpacked(path) as stream:
        number = 0
        while line := stream.readline(MAX_LINE_BYTES + 1):
            number += 1
            if number == 1:
                line = line.removeprefix(codecs.BOM_UTF8)
            if line.strip():
                where = f"{path}, line {number}"
                yield where, _row_of(line, where)


def _row_of(line: bytes, where: str) -> Mapping[str, object]:
    if len(line) > MAX_LINE_BYTES:
        raise CorruptFileError(f"{where} is longer than {MAX_LINE_BYTES} bytes: give JSON lines, one object on each line")
    try:
        row = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise CorruptFileError(f"{where} is not JSON ({error}): mend or remove the line") from error
    if not isinstance(row, dict):
        raise CorruptFileError(f'{where} is a JSON {type(row).__name__}, not an object: give objects such as {{"text": "..."}}')
    return row


def text_of_row(row: Mapping[str, object], text_column: str, where: str) -> bytes:
    """The bytes of one field of a row.

    Raises:
        UsageError: the row has no such field.
        CorruptFileError: the field is neither text nor bytes.
    """
    if text_column not in row:
        raise UsageError(
            f"{where} has no column {text_column!r}: choose a text column among {', '.join(map(str, row)) or 'none'}"
        )
    return to_bytes(row[text_column], f"{where}, column {text_column!r}")


def to_bytes(value: object, where: str) -> bytes:
    """Text as UTF-8 (lone surrogates as they are), bytes unchanged.

    Raises:
        CorruptFileError: neither text nor bytes.
    """
    if isinstance(value, str):
        return value.encode("utf-8", errors="surrogatepass")
    if isinstance(value, bytes):
        return value
    raise CorruptFileError(f"{where} is a {type(value).__name__}, but text is needed: remove the row or choose another column")
