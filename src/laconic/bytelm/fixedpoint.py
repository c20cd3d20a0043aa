"""Powers and logarithms of two in integers: the same on every machine, since no floating point takes part.

Logarithms and exponents are in units of `1/FRACTION` bit. Both tables are computed from whole numbers when this module is
first imported, in about a millisecond.
"""

from math import isqrt

import numpy as np

FRACTION_BITS = 7
FRACTION = 1 << FRACTION_BITS
"""How many units make one bit: a rounded logarithm is off by 1/256 bit at most, which costs about 0.00001 bits/byte."""

POWER_BITS = 30
"""`POWERS[i]` has this many bits behind the point."""

MANTISSA_BITS = 10


def _power(index: int) -> int:
    """The integer part of `2**(POWER_BITS + index / FRACTION)`: seven square roots, each rounded down."""
    root = 1 << (POWER_BITS * FRACTION + index)
    for _ in range(FRACTION_BITS):
        root = isqrt(root)
    return root


POWERS = np.array([_power(index) for index in range(FRACTION)], np.int64)
"""`2**(30 + i/128)`, rounded down, for i from 0 to 127. Rounding down at each of nested square roots is rounding down once."""

LOGARITHMS = (
    np.searchsorted(POWERS, (np.arange(1 << MANTISSA_BITS) + (1 << MANTISSA_BITS)) << (POWER_BITS - MANTISSA_BITS), "right") - 1
).astype(np.int32)
"""`128 * log2(1 + i/1024)`, rounded down, for i from 0 to 1,023."""


def log2_units(counts: np.ndarray) -> np.ndarray:
    """Logarithms to base two of positive integers below 2**24, rounded down to whole units of 1/128 bit.

    Eleven leading bits decide, the rest is dropped.

    Args:
        counts: of any shape, each from 1 to 2**24 - 1.

    Returns:
        int32, of the same shape, from 0 to 3,071.
    """
    # frexp is exact: it only reads the exponent.
    mantissa, exponent = np.frexp(counts.astype(np.float32))
    index = (mantissa * np.float32(2 << MANTISSA_BITS)).astype(np.int32) - (1 << MANTISSA_BITS)
    return ((exponent - 1) << FRACTION_BITS) + LOGARITHMS[index]
