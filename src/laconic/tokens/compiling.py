"""Compiling windows: the byte model is asked about every window once, and encoding needs it no more.

The result is a codebook (`laconic.codec.codebook`) that gives the same codes as cutting text window by window under the model
(`laconic.tokens.segment`), hundreds of times as fast.
"""

from collections.abc import Callable

from laconic.bytelm.base import AbstractByteLM
from laconic.codec.codebook import MAX_BITS, Codebook
from laconic.codec.growth import Grower
from laconic.codec.windows import IDLE
from laconic.errors import LaconicError
from laconic.tokens.segment import WindowFormat

ROWS = 256
"""How many contexts the model is asked about at a time."""

_BYTES_PER_CODE = 45
"""What compiling takes at its peak, for each code; half as many strings as codes hold a cell under models of text."""

_FEWEST_STRINGS = 1 << 20


def refuse_to_compile(form: WindowFormat) -> str | None:
    """Why windows of this form cannot be compiled, in words that end a sentence; None if they can."""
    if form.reading != "exact" or form.windows_per_context != 1:
        return "only windows of the reading exact, each with a context of its own, are a fixed set of strings"
    if form.bits > MAX_BITS:
        gigabytes = (_BYTES_PER_CODE << form.bits) / 1e9
        return f"windows of {form.bits} bits would take about {gigabytes:,.0f} GB of memory, {MAX_BITS} bits are the most"
    return None


def compile_windows(
    model: AbstractByteLM,
    form: WindowFormat,
    *,
    rows: int = ROWS,
    progress: Callable[[int], None] = lambda codes: None,
) -> Codebook:
    """All windows of a byte model as a codebook.

    Args:
        model: the byte model.
        form: what a window is; its reading must be `exact`, and its context emptied at every window.
        rows: how many contexts to ask about at a time. Changes the speed, never the result.
        progress: told how many of the `2**bits` codes are settled.

    Raises:
        ValueError: windows of this form cannot be compiled.
        LaconicError: the model's windows are so long or so many that their codebook would be too large.
    """
    reason = refuse_to_compile(form)
    if reason is not None:
        raise ValueError(f"windows cannot be compiled: {reason}")
    grower = Grower(bits=form.bits, precision=form.precision, room=max(_FEWEST_STRINGS, 3 << (form.bits - 2)))
    try:
        while wanted := min(rows, grower.wanted):
            _ask(model, form, grower, wanted, rows, progress)
        return grower.finish()
    except (MemoryError, ValueError) as error:
        raise LaconicError(
            f"the windows of {form.bits} bits under this byte model cannot be compiled ({error}): use them uncompiled"
        ) from error


def _ask(
    model: AbstractByteLM, form: WindowFormat, grower: Grower, batch: int, rows: int, progress: Callable[[int], None]
) -> None:
    """Ask about strings in `batch` contexts, until far more or far fewer would do."""
    grower.seat(batch)
    session = model.start(batch, form.counts)
    while batch // 4 < min(rows, grower.wanted) <= 2 * batch:
        while (symbols_B := grower.next_symbols()).max() != IDLE:
            session.append(symbols_B)
        session.truncate(grower.grow(session.cumulative()))
        progress(grower.settled)
