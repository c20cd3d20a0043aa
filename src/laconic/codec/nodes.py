"""A string's interval as a row of five numbers, for kernels that walk through many strings at once.

The interval lies in the register of `laconic.codec.narrowing`; the settled bits above it, up to 128 of them, stand beside
it. Cells are numbered as in docs/notes/exact-windows.md: `2**bits` of them cut the unit interval.
"""

import numpy as np

from laconic.codec.narrowing import (
    FULL_REGISTER,
    REGISTER_BITS,
    REGISTER_MASK,
    ROOT_WIDTH,
    UNIT,
    missing_doublings,
    portion,
)
from laconic.codec.wide import add, shift_left
from laconic.compiled import kernel

LOW, WIDTH, SHIFT, SETTLED_HIGH, SETTLED_LOW = 0, 1, 2, 3, 4
"""The interval is `[low, low + width)` in units of `2**-(63 + shift)`, above it the `shift` settled bits."""

FIELDS = 5

_ZERO = np.uint64(0)
_REGISTER = np.uint64(REGISTER_BITS)


@kernel()
def to_root(node: np.ndarray) -> None:
    """Make a node that of the empty string."""
    node[LOW], node[WIDTH], node[SHIFT] = _ZERO, np.uint64(ROOT_WIDTH), _ZERO
    node[SETTLED_HIGH], node[SETTLED_LOW] = _ZERO, _ZERO


@kernel()
def narrow(node: np.ndarray, start: int, stop: int, precision: np.uint64) -> None:
    """Replace a node by the child with cumulative counts from `start` to `stop`."""
    inner = node[WIDTH] - UNIT
    offset = portion(inner, np.uint64(start), precision)
    width = portion(inner, np.uint64(stop), precision) - offset
    low = node[LOW] + offset
    high, settled = node[SETTLED_HIGH], node[SETTLED_LOW]
    if low >= FULL_REGISTER:
        low -= FULL_REGISTER
        high, settled = add(high, settled, UNIT)
    shift = missing_doublings(width)
    high, settled = shift_left(high, settled, shift)
    node[SETTLED_HIGH], node[SETTLED_LOW] = high, settled | (low >> (_REGISTER - shift))
    node[LOW] = (low << shift) & REGISTER_MASK
    node[WIDTH] = width << shift
    node[SHIFT] += shift


@kernel()
def first_cell(node: np.ndarray, bits: np.uint64) -> tuple[bool, np.uint64]:
    """Whether a whole cell lies inside the node, and where in the register the first one begins."""
    low, width, shift = node[LOW], node[WIDTH], node[SHIFT]
    if shift > bits:
        return False, _ZERO
    depth = bits - shift
    if depth >= _REGISTER:
        return True, low
    if depth == _ZERO:
        return low == _ZERO and width >= FULL_REGISTER, _ZERO
    cell = FULL_REGISTER >> depth
    first = (low + cell - UNIT) & ~(cell - UNIT)
    return first + cell <= low + width, first


@kernel()
def code_of(node: np.ndarray, place: np.uint64, bits: np.uint64) -> tuple[np.uint64, np.uint64]:
    """The number of the cell that begins at `place` in the register, as high and low 64 bits."""
    depth = bits - node[SHIFT]
    high, low = shift_left(node[SETTLED_HIGH], node[SETTLED_LOW], depth)
    if depth <= _REGISTER:
        return add(high, low, place >> (_REGISTER - depth))
    more_high, more_low = shift_left(_ZERO, place, depth - _REGISTER)
    high, low = add(high, low, more_low)
    return high + more_high, low
