"""Equal-Info windows in plain Python, written for reading: the oracle of `laconic.codec.windows`.

Here a model is a function from the symbols of a window so far to cumulative counts, so its context begins anew with every
window. Cells are numbered 0 to `2**bits - 1`; cell c is the numbers from `c / 2**bits` to `(c + 1) / 2**bits`.
"""

from collections.abc import Callable, Sequence

from laconic.codec.narrowing import REGISTER_BITS
from laconic.codec.reference import Interval
from laconic.codec.windows import MAX_WINDOW_SYMBOLS, Reading

Model = Callable[[Sequence[int]], Sequence[int]]


def encode(symbols: Sequence[int], model: Model, *, bits: int, precision: int, reading: Reading) -> list[int]:
    """The codes of a whole stream, window after window."""
    codes, at = [], 0
    while at < len(symbols):
        code, taken = first_window(
            symbols[at : at + 2 * MAX_WINDOW_SYMBOLS], model, bits=bits, precision=precision, reading=reading
        )
        codes.append(code)
        at += taken
    return codes


def first_window(symbols: Sequence[int], model: Model, *, bits: int, precision: int, reading: Reading) -> tuple[int, int]:
    """The code of the first window and how many symbols it holds."""
    code_of = _owned_cell if reading == "exact" else _padded_code
    interval, best = Interval(), (0, 0)
    codes: list[int] = []
    for taken in range(min(len(symbols), MAX_WINDOW_SYMBOLS) + 1):
        if taken:
            interval = interval.child(model(symbols[: taken - 1]), symbols[taken - 1], precision)
            code = code_of(interval, model(symbols[:taken]) if taken < MAX_WINDOW_SYMBOLS else None, bits, precision)
            if code is not None:
                best = code, taken
                codes.append(code)
            elif reading != "exact" or not _cells_inside(interval, bits):
                break
    if reading == "delay":
        return best[0], 1 + codes.index(best[0])
    return best


def decode_window(code: int, model: Model, *, bits: int, precision: int, reading: Reading) -> list[int]:
    """The symbols behind one code."""
    if reading == "exact":
        return _decode_exact(code, model, bits, precision)
    symbols: list[int] = []
    interval, taken = Interval(), 0
    while len(symbols) < MAX_WINDOW_SYMBOLS:
        symbol = _child_around(interval, model(symbols), code, 0, bits, precision)
        if symbol is None:
            break
        interval = interval.child(model(symbols), symbol, precision)
        symbols.append(symbol)
        padded = _padded_code(interval, None, bits, precision)
        if padded == code:
            taken = len(symbols)
        if padded is None or (taken and (reading == "delay" or padded != code)):
            break
    return symbols[:taken]


def _decode_exact(code: int, model: Model, bits: int, precision: int) -> list[int]:
    symbols: list[int] = []
    interval = Interval()
    while len(symbols) < MAX_WINDOW_SYMBOLS:
        symbol = _child_around(interval, model(symbols), code, 1, bits, precision)
        if symbol is None:
            break
        interval = interval.child(model(symbols), symbol, precision)
        symbols.append(symbol)
    return symbols


def _child_around(
    interval: Interval, cumulative: Sequence[int], code: int, cells: int, bits: int, precision: int
) -> int | None:
    """The child that holds the cell `code` (`cells` = 1), or the point where that cell begins (`cells` = 0)."""
    for symbol in range(len(cumulative) - 1):
        child = interval.child(cumulative, symbol, precision)
        units = REGISTER_BITS + child.shift
        begins_inside = child.low << bits <= code << units < child.stop << bits
        if begins_inside and (code + cells) << units <= child.stop << bits:
            return symbol
    return None


def _cells_inside(interval: Interval, bits: int) -> range:
    """The numbers of the cells that lie wholly inside an interval."""
    units = REGISTER_BITS + interval.shift
    first = -((-interval.low << bits) >> units)
    return range(first, (interval.stop << bits) >> units)


def _owned_cell(interval: Interval, cumulative: Sequence[int] | None, bits: int, precision: int) -> int | None:
    """The smallest cell inside an interval and inside no child of it; `cumulative` is None for a leaf."""
    inside = _cells_inside(interval, bits)
    if cumulative is None or not inside:
        return inside[0] if inside else None
    children = [_cells_inside(interval.child(cumulative, s, precision), bits) for s in range(len(cumulative) - 1)]
    next_free = inside[0]
    for cells in children:
        if cells and next_free < cells[0]:
            return next_free
        next_free = cells[-1] + 1 if cells else next_free
    return next_free if next_free in inside else None


def _padded_code(interval: Interval, _: Sequence[int] | None, bits: int, precision: int) -> int | None:
    """The shortest code of an interval, filled with zeros on the right; None if it is longer than a window."""
    code = interval.shortest_code()
    return int(code.ljust(bits, "0"), 2) if len(code) <= bits else None
