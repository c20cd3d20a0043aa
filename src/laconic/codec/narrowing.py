"""The one narrowing rule: how an interval is divided among the symbols that may come next.

Every coder in this room, plain or windowed, fast or readable, divides intervals by this rule and no other. An interval
is `[low, low + width)` in units of `2**-(63 + shift)`: `shift` leading bits are settled and have left the register.

1. *The root* has width `2**63 + 1`: the unit interval, and one unit more.
2. *Dividing*: the children share all units but the last. Symbol s with cumulative counts from `c` to `d`, out of
   `2**precision`, has the units from `(width - 1) * c >> precision` to `(width - 1) * d >> precision`.
3. *Normalising*: a width below `2**62` is doubled, and `shift` counted up, until it is not.

So the root's children share exactly the unit interval, and every other node keeps one unit, `2**-62` of itself or less,
that belongs to no child. This is what makes every window end somewhere (docs/notes/exact-windows.md). No child is ever
empty, since a width is at least `2**62` and a count at least one of `2**24`; what rounding costs is below `2**-36` bits
per symbol.
"""

from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic

from laconic.compiled import kernel

REGISTER_BITS = 63
"""Bits of an interval that the coder looks at; higher ones are settled."""

ROOT_WIDTH = (1 << 63) + 1
"""The width of the root interval, in units of `2**-63`."""

MIN_WIDTH = 1 << 62
"""Narrower intervals are doubled until they are not."""

MIN_PRECISION, MAX_PRECISION = 12, 24

UNIT = np.uint64(1)
HALF_REGISTER = np.uint64(MIN_WIDTH)
FULL_REGISTER = np.uint64(1 << 63)
REGISTER_MASK = np.uint64((1 << 63) - 1)


def check_precision(precision: int) -> None:
    """Refuse a precision outside 12 to 24 bits with a `ValueError`."""
    if not MIN_PRECISION <= precision <= MAX_PRECISION:
        raise ValueError(f"precision is {precision}, but must lie between {MIN_PRECISION} and {MAX_PRECISION} bits")


@kernel(inline="always")
def portion(inner: np.uint64, count: np.uint64, precision: np.uint64) -> np.uint64:
    """Compute `inner * count >> precision` without leaving 64 bits: the low bits of `inner` are multiplied apart."""
    low = inner & ((UNIT << precision) - UNIT)
    return (inner >> precision) * count + ((low * count) >> precision)


def _leading_zeros_of(context: Any, number: Any) -> Any:
    """The processor's own count of leading zero bits of an unsigned integer of 64 bits; numba has no name for it."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctlz(arguments[0], context.get_constant(types.boolean, False))

    return types.uint64(types.uint64), generate


_leading_zeros: Any = intrinsic(_leading_zeros_of)


@kernel()
def missing_doublings(width: np.uint64) -> np.uint64:
    """How often `width` must be doubled to reach `2**62`."""
    zeros = np.uint64(_leading_zeros(width))
    return max(zeros, UNIT) - UNIT


@kernel()
def child_holding(edges: np.ndarray, inner: np.uint64, value: np.uint64, precision: np.uint64) -> int:
    """The last symbol whose units begin at or before `value`.

    First the last count whose portion begins there: it is `value` divided by the units of one count, or one less, since
    these units are at least `2**38 - 1` and counts below `2**24`. Then the symbol around that count, by comparing all
    edges at once, which beats bisection because nothing has to be guessed.
    """
    count = min(value // (inner >> precision), (UNIT << precision) - UNIT)
    if portion(inner, count, precision) > value:
        count -= UNIT
    limit = np.uint32(count)
    symbol = np.uint32(0)
    for k in range(1, edges.size - 1):
        symbol += np.uint32(edges[k] <= limit)
    return int(symbol)
