"""Equal-Info windows: text cut so that every piece fits the same number of bits, coded in a batch, step by step.

The unit interval is cut into `2**bits` cells, and a window's code is the number of a cell. Three readings say which text
a window takes, and which cell:

* `exact`: the longest text that *owns* a cell, that is a cell inside its interval and inside no child's; the smallest
  such cell. Every code decodes to exactly one text, and every code that is written decodes to the text it stands for.
* `paper`: the longest text that some string of at most `bits` bits pins down, filled with zeros on the right, as published
  (arXiv 2404.03626, section 3.3). About a quarter of such windows decode to a longer text than was meant.
* `delay`: as `paper`, but symbols that add only zeros wait for the next window (appendix A.5), so that decoding to the
  fewest symbols is right.

Intervals narrow by `laconic.codec.narrowing`; a new window begins at the root. What the model remembers is not this
room's business. `laconic.codec.reference_windows` is the readable twin; docs/notes/exact-windows.md has the proofs.
"""

from typing import Literal, final, get_args

import numpy as np
from jaxtyping import Bool, Int64, Integer, UInt32, UInt64

from laconic.codec.narrowing import (
    FULL_REGISTER,
    HALF_REGISTER,
    REGISTER_BITS,
    ROOT_WIDTH,
    UNIT,
    check_precision,
    child_holding,
    portion,
)
from laconic.codec.nodes import FIELDS, LOW, SHIFT, WIDTH, code_of, first_cell, narrow, to_root
from laconic.codec.wide import shift_left, top_bits
from laconic.compiled import kernel

Reading = Literal["exact", "paper", "delay"]

MIN_BITS, MAX_BITS = 16, 128
MAX_WINDOW_SYMBOLS = 4096
"""A window ends after so many symbols even if more would fit, so that stepping back has a bound."""

END_OF_STREAM = -1
"""Given instead of a symbol: the stream has ended."""

IDLE = -2
"""Given instead of a symbol: leave this row alone."""

_ZERO = np.uint64(0)
_REGISTER = np.uint64(REGISTER_BITS)
_EXACT, _PAPER, _DELAY = 0, 1, 2
_READINGS = {"exact": _EXACT, "paper": _PAPER, "delay": _DELAY}


def check_window(bits: int, precision: int, reading: str) -> None:
    """Refuse with a `ValueError` what windows cannot be: 16 to 128 bits, precision at most `bits`, a known reading."""
    check_precision(precision)
    if not MIN_BITS <= bits <= MAX_BITS:
        raise ValueError(f"bits is {bits}, but a window has {MIN_BITS} to {MAX_BITS} bits")
    if precision > bits:
        raise ValueError(
            f"precision is {precision}, but a symbol can own a window of {bits} bits only if precision is at most {bits}"
        )
    if reading not in _READINGS:
        raise ValueError(f"reading is {reading!r}, but must be one of {', '.join(get_args(Reading))}")


@final
class WindowEncoder:
    """Cuts streams into windows, for a batch of streams.

    The caller walks through each stream and asks its model for the counts of the next symbol; `advance` says whether the
    open window took the symbol or closed. A window often closes with fewer symbols than it was shown: the caller steps
    back to where the window ended, and its model with it.
    """

    def __init__(self, batch: int, *, bits: int, precision: int, reading: Reading = "exact") -> None:
        check_window(bits, precision, reading)
        self._bits, self._precision, self._reading = bits, precision, _READINGS[reading]
        self._node_B5 = np.zeros((batch, FIELDS), np.uint64)
        self._node_B5[:, WIDTH] = ROOT_WIDTH
        self._symbols_B = np.zeros(batch, np.int64)
        self._best_B = np.zeros(batch, np.int64)
        self._taken_B = np.zeros(batch, np.int64)
        history = MAX_WINDOW_SYMBOLS + 1 if reading == "delay" else 0
        self._history_BN2 = np.empty((batch, history, 2), np.uint64)
        self.codes_BL: UInt64[np.ndarray, "B L"] = np.zeros((batch, 2), np.uint64)
        """The code of the window that each row closed last: high and low 64 bits."""

    def advance(self, cumulative_BC: UInt32[np.ndarray, "B C"], symbols_B: Integer[np.ndarray, "B"]) -> Int64[np.ndarray, "B"]:
        """Show each open window the next symbol of its stream.

        Args:
            cumulative_BC: counts of the next symbol, given what the model remembers at this place.
            symbols_B: the symbol itself, or `END_OF_STREAM`, or `IDLE`.

        Returns:
            For each row 0 if the window is still open and took the symbol (or the row is idle), else how many symbols,
            counted from the window's start, the closing window holds. Its code is then in `codes_BL`, and an empty
            window is open. Overwritten by the next call.
        """
        _encode_step(
            cumulative_BC, np.asarray(symbols_B, np.int64), np.uint64(self._bits), np.uint64(self._precision),
            self._reading, self._node_B5, self._symbols_B, self._best_B, self._history_BN2, self.codes_BL, self._taken_B,
        )  # fmt: skip
        return self._taken_B


@final
class WindowDecoder:
    """Turns codes of windows back into symbols, for a batch of windows."""

    def __init__(self, batch: int, *, bits: int, precision: int, reading: Reading = "exact") -> None:
        check_window(bits, precision, reading)
        self._bits, self._precision, self._reading = bits, precision, _READINGS[reading]
        self._node_B5 = np.zeros((batch, FIELDS), np.uint64)
        self._value_B = np.zeros(batch, np.uint64)
        self._code_BL = np.zeros((batch, 2), np.uint64)
        self._symbols_B = np.zeros(batch, np.int64)
        self._next_B = np.empty(batch, np.int64)
        self.taken_B: Int64[np.ndarray, "B"] = np.zeros(batch, np.int64)
        """How many symbols of the window that each row ended last are its text: all of them if the reading is exact."""

    def open(self, rows_B: Bool[np.ndarray, "B"], codes_BL: UInt64[np.ndarray, "B 2"]) -> None:
        """Begin a window in each marked row, with its code as high and low 64 bits."""
        _open(
            rows_B, codes_BL, np.uint64(self._bits), self._node_B5, self._value_B, self._code_BL, self._symbols_B, self.taken_B
        )

    def advance(self, cumulative_BC: UInt32[np.ndarray, "B C"], active_B: Bool[np.ndarray, "B"]) -> Int64[np.ndarray, "B"]:
        """Decode the next symbol of each active window.

        Returns:
            The symbols; -1 where the window ended before another symbol: its text is the first `taken_B` symbols that it
            gave, and for readings other than `exact` there may be more that must be taken back. Rows that are not active
            give -1 too. Overwritten by the next call.
        """
        _decode_step(
            cumulative_BC, active_B, np.uint64(self._bits), np.uint64(self._precision), self._reading,
            self._node_B5, self._value_B, self._code_BL, self._symbols_B, self.taken_B, self._next_B,
        )  # fmt: skip
        return self._next_B


@kernel()
def _owned_cell(node, edges, bits, precision) -> tuple[bool, np.uint64]:
    """Whether a cell lies inside the node and inside no child, and where in the register the smallest one begins.

    Such a cell crosses the edge between two children, or holds the last unit, which is no child's.
    """
    low, width, depth = node[LOW], node[WIDTH], bits - node[SHIFT]
    inner = width - UNIT
    if depth >= _REGISTER:
        return True, low + inner
    found, first = first_cell(node, bits)
    if not found:
        return False, _ZERO
    cell = FULL_REGISTER >> depth
    symbols = edges.size - 1
    # No edge at or before the first whole cell can be inside a cell of the node, so the search starts behind it.
    for k in range(child_holding(edges, inner, first - low, precision) + 1, symbols + 1):
        edge = low + portion(inner, np.uint64(edges[k]), precision)
        begin = edge & ~(cell - UNIT)
        if cell > low + width - begin:  # begin + cell may not fit 64 bits
            return False, _ZERO
        if begin != edge and begin >= low:
            return True, begin
    return False, _ZERO


@kernel()
def _shortest(node, bits) -> tuple[bool, np.uint64]:
    """Whether at most `bits` bits pin the node down, and where in the register the shortest such string points to."""
    low, width, shift = node[LOW], node[WIDTH], node[SHIFT]
    if low == _ZERO and width >= FULL_REGISTER:
        return shift <= bits, _ZERO
    length = UNIT
    first = (low + HALF_REGISTER - UNIT) & ~(HALF_REGISTER - UNIT)
    if first + HALF_REGISTER > low + width:
        length = np.uint64(2)
        quarter = HALF_REGISTER >> UNIT
        first = (low + quarter - UNIT) & ~(quarter - UNIT)
    return shift + length <= bits, first


@kernel()
def _encode_step(
    cumulative_BC, symbols_B, bits, precision, reading, node_B5, count_B, best_B, history_BN2, codes_BL, taken_B
) -> None:
    for b in range(symbols_B.size):
        taken_B[b] = 0
        if symbols_B[b] == IDLE:
            continue
        if reading == _EXACT:
            closes = _exact_step(cumulative_BC[b], symbols_B[b], bits, precision, node_B5[b], count_B, best_B, codes_BL, b)
        else:
            closes = _paper_step(
                cumulative_BC[b], symbols_B[b], bits, precision, reading, node_B5[b], count_B, best_B, history_BN2, codes_BL, b
            )
        if closes:
            taken_B[b] = best_B[b]
            count_B[b], best_B[b] = 0, 0
            to_root(node_B5[b])


@kernel()
def _exact_step(edges, symbol, bits, precision, node, count_B, best_B, codes_BL, b) -> bool:
    count = count_B[b]
    if count > 0:
        if count == MAX_WINDOW_SYMBOLS:
            owns, place = first_cell(node, bits)
        else:
            owns, place = _owned_cell(node, edges, bits, precision)
        if owns:
            best_B[b] = count
            codes_BL[b, 0], codes_BL[b, 1] = code_of(node, place, bits)
    if symbol == END_OF_STREAM or count == MAX_WINDOW_SYMBOLS:
        return True
    narrow(node, edges[symbol], edges[symbol + 1], precision)
    fits, _ = first_cell(node, bits)
    count_B[b] += 1
    return not fits


@kernel()
def _paper_step(edges, symbol, bits, precision, reading, node, count_B, best_B, history_BN2, codes_BL, b) -> bool:
    count = count_B[b]
    if symbol == END_OF_STREAM or count == MAX_WINDOW_SYMBOLS:
        return True
    narrow(node, edges[symbol], edges[symbol + 1], precision)
    fits, place = _shortest(node, bits)
    if not fits:
        return True
    count += 1
    high, low = code_of(node, place, bits)
    best = count
    if reading == _DELAY:
        history_BN2[b, count, 0], history_BN2[b, count, 1] = high, low
        best = 1
        while history_BN2[b, best, 0] != high or history_BN2[b, best, 1] != low:
            best += 1
    count_B[b], best_B[b] = count, best
    codes_BL[b, 0], codes_BL[b, 1] = high, low
    return False


@kernel()
def _open(rows_B, codes_BL, bits, node_B5, value_B, code_BL, symbols_B, taken_B) -> None:
    for b in range(rows_B.size):
        if rows_B[b]:
            high, low = shift_left(codes_BL[b, 0], codes_BL[b, 1], np.uint64(128) - bits)
            code_BL[b, 0], code_BL[b, 1] = high, low
            value_B[b] = top_bits(high, low, _ZERO, _REGISTER)
            symbols_B[b], taken_B[b] = 0, 0
            to_root(node_B5[b])


@kernel()
def _decode_step(
    cumulative_BC, active_B, bits, precision, reading, node_B5, value_B, code_BL, symbols_B, taken_B, next_B
) -> None:
    for b in range(active_B.size):
        next_B[b] = -1
        if not active_B[b]:
            continue
        node = node_B5[b]
        if reading == _EXACT:
            taken_B[b] = symbols_B[b]
        elif _run_is_over(node, bits, reading, code_BL[b], symbols_B[b], taken_B, b):
            continue
        if symbols_B[b] == MAX_WINDOW_SYMBOLS:
            continue
        edges, value = cumulative_BC[b], value_B[b]
        inner = node[WIDTH] - UNIT
        symbol = child_holding(edges, inner, value, precision)
        stop = portion(inner, np.uint64(edges[symbol + 1]), precision)
        if node[SHIFT] > bits or not _reaches(value, stop, bits - node[SHIFT], reading):
            continue
        value -= portion(inner, np.uint64(edges[symbol]), precision)
        shift = node[SHIFT]
        narrow(node, edges[symbol], edges[symbol + 1], precision)
        doublings = node[SHIFT] - shift
        value_B[b] = (value << doublings) | top_bits(code_BL[b, 0], code_BL[b, 1], _REGISTER + shift, doublings)
        symbols_B[b] += 1
        next_B[b] = symbol


@kernel()
def _reaches(value, stop, depth, reading) -> bool:
    """Whether a child that begins at or before `value` also holds what must lie inside it: a whole cell, or a point."""
    if reading != _EXACT or depth >= _REGISTER:
        return value < stop
    return value + (FULL_REGISTER >> depth) <= stop


@kernel()
def _run_is_over(node, bits, reading, code, count, taken_B, b) -> bool:
    """Note whether the text so far would be given this code; say whether the decoder has seen enough."""
    if count == 0:
        return False
    fits, place = _shortest(node, bits)
    if not fits:
        return True
    high, low = code_of(node, place, bits)
    high, low = shift_left(high, low, np.uint64(128) - bits)
    if high == code[0] and low == code[1]:
        taken_B[b] = count
        return reading == _DELAY
    return bool(taken_B[b] > 0)
