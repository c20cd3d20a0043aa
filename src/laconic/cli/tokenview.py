"""Tokens and their comparison on a terminal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from laconic.tokens.measure import Measurement
    from laconic.tokens.view import Run

_STYLES = ("black on #9ecbff", "black on #ffd58a")
_BAR = "│"


def print_runs(name: str, runs: "Sequence[Run]", token_bits: int | None, limit: int) -> None:
    """Print the text with its tokens apart, then a list of the tokens.

    Colours are used where standard output takes them, bars between tokens elsewhere.

    Args:
        name: the tokenizer.
        runs: ids with their text, in order.
        token_bits: show each id in so many binary digits; None to leave them out.
        limit: list so many runs.
    """
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, markup=False, soft_wrap=True)
    coloured = console.color_system is not None and not console.no_color
    shown = Text()
    for index, run in enumerate(runs):
        if index and not coloured:
            shown.append(_BAR)
        shown.append(make_visible(run.text), style=_STYLES[index % 2] if coloured else "")
    console.print(shown)
    ids, symbols = sum(len(run.ids) for run in runs), sum(run.size for run in runs)
    console.print(f"\n{name}: {symbols:,} symbols, {ids:,} ids, {symbols / max(ids, 1):.2f} per id")
    for run in runs[:limit]:
        console.print(_line(run, token_bits))
    if len(runs) > limit > 0:
        console.print(f"... and {len(runs) - limit:,} more; --limit shows them")


def _line(run: "Run", token_bits: int | None) -> str:
    """One run in a line: ids, bits, text. Long runs are cut."""
    ids = " ".join(map(str, run.ids[:8])) + (f" ... {len(run.ids)} ids" if len(run.ids) > 8 else "")
    bits = "" if token_bits is None else "  " + (run.bits(token_bits)[:160] or "-")
    text = make_visible(run.text).replace("\n", "")
    return f"  {ids:>11}{bits}  {text if len(text) <= 80 else text[:77] + '...'}"


def make_visible(text: str) -> str:
    """Text whose white space and control characters can be seen, and which cannot steer a terminal."""
    return "".join(map(_visible, text))


def _visible(letter: str) -> str:
    if letter == "\n":
        return "↵\n"
    if letter == "\t":
        return "⇥"
    return letter if letter.isprintable() else f"<U+{ord(letter):04X}>"


def comparison_table(rows: "Sequence[Measurement]") -> str:
    """A table with a line for each tokenizer."""
    head = ("tokenizer", "ids", "bytes/token", "bit compression", "encode MB/s", "decode MB/s", "comes back")
    cells = [
        (
            row.name,
            f"{row.vocab_size:,}",
            f"{row.bytes_per_token:.3f}",
            f"{row.bit_compression:.3f}",
            f"{row.encode_mb_per_s:.2f}",
            f"{row.decode_mb_per_s:.2f}",
            "yes" if row.lossless else "no",
        )
        for row in rows
    ]
    widths = [max(len(line[column]) for line in (head, *cells)) for column in range(len(head))]
    lines = [
        [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))]
        for line in (head, *cells)
    ]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join("  ".join(line) for line in lines)
