"""Integers of 128 bits as two of 64, for the settled bits of windows longer than 64 bits."""

import numpy as np

from laconic.compiled import kernel

_ZERO = np.uint64(0)
_ONE = np.uint64(1)
_LIMB = np.uint64(64)
_BOTH = np.uint64(128)


@kernel(inline="always")
def shift_left(high: np.uint64, low: np.uint64, by: np.uint64) -> tuple[np.uint64, np.uint64]:
    """Shift `(high, low)` left by 0 bits or more; what leaves the 128 bits is lost."""
    if by == _ZERO:
        return high, low
    if by >= _BOTH:
        return _ZERO, _ZERO
    if by >= _LIMB:
        return low << (by - _LIMB), _ZERO
    return (high << by) | (low >> (_LIMB - by)), low << by


@kernel(inline="always")
def add(high: np.uint64, low: np.uint64, more: np.uint64) -> tuple[np.uint64, np.uint64]:
    """Add a number of 64 bits to `(high, low)`."""
    total = low + more
    return (high + _ONE if total < more else high), total


@kernel(inline="always")
def top_bits(high: np.uint64, low: np.uint64, start: np.uint64, count: np.uint64) -> np.uint64:
    """The `count` bits (0 to 63) of `(high, low)` that begin `start` bits below its top; zeros beyond its end."""
    if count == _ZERO:
        return _ZERO
    aligned, _ = shift_left(high, low, start)
    return aligned >> (_LIMB - count)
