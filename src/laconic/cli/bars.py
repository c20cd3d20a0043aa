"""Progress bars for long runs: bytes, speed, what is left, and a few words such as the loss; or plain counts."""

import contextlib
import time
from collections.abc import Callable, Iterator

from laconic.cli.console import err

Tell = Callable[[int, int | None, str], None]
_SECONDS_BETWEEN_LINES = 30.0


@contextlib.contextmanager
def training_bar(description: str, *, quiet: bool = False) -> Iterator[Tell]:
    """Show how far a long run is, on standard error: a bar on a terminal, elsewhere a line every half minute.

    Args:
        description: what is going on, in a word or two.
        quiet: show nothing.

    Yields:
        A function to tell (bytes done, bytes in all or None, words).
    """
    if quiet:
        yield lambda done, total, words: None
    elif err.is_terminal:
        with _bar(description) as tell:
            yield tell
    else:
        yield _lines(description)


@contextlib.contextmanager
def counting_bar(description: str, total: int, *, quiet: bool = False) -> Iterator[Callable[[int], None]]:
    """Show how many of `total` things are done, on standard error; nothing where that is not a terminal.

    Args:
        description: what is going on, in a word or two.
        total: how many there are.
        quiet: show nothing.

    Yields:
        A function to tell how many are done so far, in all.
    """
    if quiet or not err.is_terminal:
        yield lambda done: None
        return
    from rich import progress as bars

    columns = (
        bars.TextColumn("{task.description}"),
        bars.BarColumn(bar_width=24),
        bars.MofNCompleteColumn(),
        bars.TimeRemainingColumn(),
    )
    with bars.Progress(*columns, console=err, transient=True) as shown:
        task = shown.add_task(description, total=total)
        yield lambda done: shown.update(task, completed=done)


@contextlib.contextmanager
def _bar(description: str) -> Iterator[Tell]:
    from rich import progress as bars

    columns = (
        bars.TextColumn("{task.description}"),
        bars.BarColumn(bar_width=24),
        bars.DownloadColumn(),
        bars.TransferSpeedColumn(),
        bars.TimeRemainingColumn(),
        bars.TextColumn("{task.fields[words]}"),
    )
    with bars.Progress(*columns, console=err, transient=True) as shown:
        task = shown.add_task(description, total=None, words="")
        yield lambda done, total, words: shown.update(task, completed=done, total=total, words=words)


def _lines(description: str) -> Tell:
    last = time.monotonic()

    def tell(done: int, total: int | None, words: str) -> None:
        nonlocal last
        if time.monotonic() - last >= _SECONDS_BETWEEN_LINES:
            last = time.monotonic()
            share = f" of {total / 1e6:.1f}" if total else ""
            err.print(f"{description}: {done / 1e6:.1f}{share} MB, {words}")

    return tell
