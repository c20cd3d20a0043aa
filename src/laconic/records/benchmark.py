"""Benchmark results that are only ever added: a record with its table beside it, under a name of their own."""

import os
from argparse import Namespace
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from laconic.errors import OutputError
from laconic.records.files import open_atomic
from laconic.records.hardware import hardware_slug
from laconic.records.record import Record


def save_benchmark(record: Record, table: str, folder: Path | str, *, hardware: str | None = None) -> tuple[Path, Path]:
    """Write a finished record and its table as `<name>_<hardware>_<date>.json` and `.md`.

    Nothing is ever overwritten: where either name is taken, both get the ending `-2`, `-3` and so on.

    Args:
        record: the raw results; its `name` says what was measured.
        table: Markdown; see `markdown_table`.
        folder: made if it is not there.
        hardware: short name of the machine; made from the record's hardware if None.

    Returns:
        The paths of the JSON and of the Markdown file.

    Raises:
        OutputError: the folder or the files cannot be written.
    """
    folder = Path(folder)
    stem = f"{record.name.replace('/', '-')}_{hardware or hardware_slug(record.hardware)}_{record.created[:10]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        raw, page = _reserve(folder, stem)
    except OSError as error:
        raise OutputError(f"cannot write {folder / stem}.json: {error.strerror}; choose a folder that is writable") from error
    try:
        record.save(raw)
        with open_atomic(page, "w") as stream:
            stream.write(_page(record, table, raw.name))
    except BaseException:
        raw.unlink(missing_ok=True)
        page.unlink(missing_ok=True)
        raise
    return raw, page


def markdown_table(rows: Sequence[Mapping[str, object]]) -> str:
    """A Markdown table with a column for each key, in the order in which keys first occur.

    Args:
        rows: numbers are aligned to the right; floats are printed with four significant digits; what is missing or None
            is left empty.

    Examples:
        >>> print(markdown_table([{"codec": "xz", "bits/byte": 2.3824}, {"codec": "bz2"}]), end="")
        | codec | bits/byte |
        |---|---:|
        | xz | 2.382 |
        | bz2 |  |
    """
    columns = list(dict.fromkeys(key for row in rows for key in row))
    right = [all(isinstance(row.get(key), int | float | None) for row in rows) for key in columns]
    lines = [columns, *([_cell(row.get(key)) for key in columns] for row in rows)]
    head, *body = ("| " + " | ".join(line) + " |" for line in lines)
    rule = "|" + "|".join("---:" if is_right else "---" for is_right in right) + "|"
    return "\n".join((head, rule, *body)) + "\n"


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value).replace("|", "\\|").replace("\n", " ")


def _reserve(folder: Path, stem: str) -> tuple[Path, Path]:
    """Create both files, empty, under the first ending that is free for both."""
    for number in count(1):
        ending = "" if number == 1 else f"-{number}"
        raw, page = folder / f"{stem}{ending}.json", folder / f"{stem}{ending}.md"
        if page.exists():
            continue
        try:
            os.close(os.open(raw, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            return raw, page
        except FileExistsError:
            continue
    raise AssertionError("unreachable: the numbers do not end")


def _page(record: Record, table: str, raw_name: str) -> str:
    """The table, and under it what one needs to know to measure the same again."""
    versions = ", ".join(f"{name} {version}" for name, version in record.versions.items())
    hardware = record.hardware
    machine = f"{hardware.get('cpu')}, {hardware.get('usable_cores')} of {hardware.get('logical_cores')} cores"
    if hardware.get("accelerators"):
        machine += f", {', '.join(map(str, hardware['accelerators']))}"
    facts = {
        "command": f"`{' '.join(record.command)}`",
        "commit": record.commit or "unknown",
        "seed": record.seed if record.seed is not None else "none",
        "machine": machine,
        "versions": versions,
        "raw results": f"[{raw_name}]({raw_name})",
    }
    lines = "".join(f"* {name}: {value}\n" for name, value in facts.items())
    return f"# {record.name}, {record.created[:10]}\n\n{table.rstrip()}\n\n{lines}"


def plain_settings(arguments: Namespace) -> dict[str, Any]:
    """A script's command line options as the config of its record, without paths: they say nothing to other people."""
    return {name: value for name, value in vars(arguments).items() if not isinstance(value, Path)}
