"""Numbers as people read them: grouped, rounded, with a unit; anything missing or unreadable as a dash."""

import math
import re

DASH = "\u2013"
"""What stands where a record says nothing."""

_LARGE = ((1e24, "Y"), (1e21, "Z"), (1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def number(value: object) -> float | None:
    """The value as a finite float, or None when it is not a number (a boolean is not one)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        result = float(value)
    except OverflowError:
        return None
    return result if math.isfinite(result) else None


def count(value: object) -> str:
    """A whole amount with its digits grouped: `2,020,490`."""
    found = number(value)
    return DASH if found is None else f"{round(found):,}"


def fixed(value: object, digits: int = 3) -> str:
    """A number with a fixed number of decimals: `2.030`."""
    found = number(value)
    return DASH if found is None else f"{found:,.{digits}f}"


def short(value: object) -> str:
    """A number of any size in three digits: `6.91 M`, `0.0420`, `1.30e-08`."""
    found = number(value)
    if found is None:
        return DASH
    for scale, letter in _LARGE:
        if abs(found) >= 0.9995 * scale:
            return f"{_three_digits(found / scale)} {letter}"
    return _three_digits(found)


def percent(share: object) -> str:
    """A share of 1 as a percentage, in three digits at most: `12.5 %`, `0.3 %`, `under 0.001 %`."""
    found = number(share)
    hundredths = None if found is None else number(100 * found)
    if found is None or hundredths is None:
        return DASH
    return "under 0.001 %" if 0 < found < 1e-5 else f"{tick(hundredths)} %"


def _three_digits(value: float) -> str:
    if value == 0:
        return "0"
    if abs(value) < 1e-3 or abs(value) >= 1e6:
        return f"{value:.2e}"
    rounded = float(f"{value:.3g}")
    return f"{rounded:.{max(0, 2 - math.floor(math.log10(abs(rounded))))}f}"


def tick(value: object) -> str:
    """A number on an axis: as `short`, without digits that say nothing: `2 M`, `0.5`."""
    text, space, letter = short(value).partition(" ")
    if "." in text and "e" not in text:
        text = text.rstrip("0").rstrip(".")
    return text + space + letter


def duration(seconds: object) -> str:
    """A time span: `8.2 s`, `7 min 03 s`, `2 h 05 min`."""
    found = number(seconds)
    if found is None or found < 0:
        return DASH
    if found < 59.95:
        return f"{_three_digits(found)} s"
    whole = round(found)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600:,} h {whole % 3600 // 60:02d} min"


def moment(value: object) -> str:
    """An ISO 8601 time in UTC, as the records hold it, to the minute: `2025-03-01 12:00`; anything else as it is."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(:\d\d(\.\d+)?)?(\+00:00|Z)?", str(value))
    return f"{found[1]} {found[2]}" if found else plain(value)


def yes_no(value: object) -> str:
    """A truth value as `yes` or `no`."""
    return {True: "yes", False: "no"}.get(value, DASH) if isinstance(value, bool) else DASH


def plain(value: object) -> str:
    """A value of unknown meaning: whole numbers grouped, other numbers in six digits, text as it is."""
    if value is None or value == "":
        return DASH
    if isinstance(value, bool):
        return yes_no(value)
    if isinstance(value, int):
        return f"{value:,}" if abs(value) < 10**15 else f"{value}" if abs(value) < 10**30 else "a very large number"
    if isinstance(value, float):
        return f"{value:,.6g}" if math.isfinite(value) else "not a number"
    return str(value)
