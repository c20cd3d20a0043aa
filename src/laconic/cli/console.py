"""What every verb says to people and to machines: results on standard output, everything else on standard error."""

import contextlib
import json
import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rich.console import Console

err = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
"""Standard error, for progress, remarks and errors."""


def show_remarks() -> None:
    """Print what the library remarks through `logging`, where standard error is a terminal."""
    if err.is_terminal:
        remarks = logging.getLogger("laconic")
        remarks.setLevel(logging.INFO)
        remarks.handlers = [_Remarks()]


class _Remarks(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        """Above a bar, where there is one."""
        err.print(f"laconic: {record.getMessage()}")


def print_result(data: dict[str, Any], as_json: bool, text: str, *, to_stderr: bool = False) -> None:
    """Print the result of a verb once, for a machine or for a person.

    Args:
        data: the result as JSON values.
        as_json: print `data` as one JSON object instead of `text`.
        text: the result in words; nothing is printed when it is empty.
        to_stderr: print on standard error, because standard output carries the data themselves.
    """
    words = json.dumps(data, indent=2, default=str) if as_json else text
    if words:
        stream = sys.stderr if to_stderr else sys.stdout
        print(words, file=stream, flush=True)


@contextlib.contextmanager
def progress_bytes(description: str, total: int | None = None, *, quiet: bool = False) -> Iterator[Callable[[int], None]]:
    """Show a bar on standard error while bytes are worked on.

    Args:
        description: what is going on, in a word or two.
        total: how many bytes there are, or None when nobody knows.
        quiet: show nothing. Nothing is shown either where standard error is not a terminal.

    Yields:
        A function to tell how many bytes have been done so far, in all.
    """
    if quiet or not err.is_terminal:
        yield lambda done: None
        return
    from rich import progress as bars

    columns = (
        bars.TextColumn("{task.description}"),
        bars.BarColumn(),
        bars.DownloadColumn(),
        bars.TransferSpeedColumn(),
        bars.TimeRemainingColumn(),
    )
    with bars.Progress(*columns, console=err, transient=True) as shown:
        task = shown.add_task(description, total=total)
        yield lambda done: shown.update(task, completed=done)


def columns(rows: Mapping[str, str]) -> str:
    """Names and values, a line for each, the values below each other.

    >>> print(columns({"a": "1", "long": "2"}))
    a     1
    long  2
    """
    width = max(map(len, rows), default=0)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows.items())
