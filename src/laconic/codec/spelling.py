"""What codes stand for, laid out so that decoding copies eight symbols at a time.

Only strings that no other one continues are written out, end to end; every other string begins one of them. A place is a
number of 64 bits: how many symbols in the low 16, above them where they begin.
"""

import numpy as np
from jaxtyping import Int32, Int64, UInt16, UInt64

from laconic.compiled import kernel

_STRIDE = np.uint64(8)
SLACK = 8
"""So many symbols more must be readable behind what is copied from, and writable behind what is copied to."""

_LENGTH_BITS = np.uint64(16)
_LENGTH = np.uint64((1 << 16) - 1)


def spell(
    first_N: Int64[np.ndarray, "N"],
    children_N: UInt16[np.ndarray, "N"],
    symbols_N: UInt16[np.ndarray, "N"],
    parents_N: Int32[np.ndarray, "N"],
    depths_N: UInt16[np.ndarray, "N"],
) -> tuple[UInt64[np.ndarray, "N"], UInt16[np.ndarray, "_"]]:
    """The place of each string of a tree, and the symbols that places speak of.

    Args:
        first_N: where the children of each string begin, behind the string itself.
        children_N: how many there are.
        symbols_N: the last symbol of each string.
        parents_N: the string without it.
        depths_N: how many symbols it has.
    """
    sizes_N = np.where(children_N == 0, depths_N, 0).astype(np.uint64)
    starts_N = np.cumsum(sizes_N) - sizes_N
    written = np.zeros(int(sizes_N.sum()) + SLACK, np.uint16)
    _write(first_N, children_N, symbols_N, parents_N, depths_N, starts_N, written)
    return (starts_N << _LENGTH_BITS) | depths_N, written


def lengths_at(places_N: UInt64[np.ndarray, "N"]) -> Int64[np.ndarray, "N"]:
    """How many symbols lie at each place."""
    lengths_N: Int64[np.ndarray, "N"] = (places_N & _LENGTH).astype(np.int64)
    return lengths_N


@kernel()
def _write(
    first_N: np.ndarray,
    children_N: np.ndarray,
    symbols_N: np.ndarray,
    parents_N: np.ndarray,
    depths_N: np.ndarray,
    starts_N: np.ndarray,
    written: np.ndarray,
) -> None:
    for n in range(symbols_N.size - 1, -1, -1):
        if children_N[n]:
            starts_N[n] = starts_N[first_N[n]]
            continue
        string = n
        for t in range(depths_N[n] - 1, -1, -1):
            written[starts_N[n] + np.uint64(t)] = symbols_N[string]
            string = parents_N[string]


@kernel()
def measure(codes: np.ndarray, places_K: np.ndarray) -> np.int64:
    """How many symbols codes stand for in all; or, if one stands for nothing, minus its place from 1 on."""
    total = np.uint64(0)
    for i in range(codes.size):
        code = np.uint64(codes[i])
        length = places_K[code] & _LENGTH if code < np.uint64(places_K.size) else np.uint64(0)
        if length == np.uint64(0):
            return np.int64(-i - 1)
        total += length
    return np.int64(total)


@kernel()
def gather(codes: np.ndarray, places_K: np.ndarray, written: np.ndarray, symbols: np.ndarray) -> None:
    """Write what codes stand for, end to end. Whole strides are copied, so `SLACK` symbols behind are overwritten too."""
    place = np.uint64(0)
    for i in range(codes.size):
        spelled = places_K[np.uint64(codes[i])]
        length, start = spelled & _LENGTH, spelled >> _LENGTH_BITS
        done = np.uint64(0)
        while done < length:
            _copy_stride(symbols, place + done, written, start + done)
            done += _STRIDE
        place += length


@kernel(inline="always")
def _copy_stride(target: np.ndarray, at: np.uint64, source: np.ndarray, start: np.uint64) -> None:
    """Copy eight symbols; all are read before the first is written, which lets the compiler move them as one."""
    one, two, three, four = np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(4)
    five, six, seven = np.uint64(5), np.uint64(6), np.uint64(7)
    a, b, c, d = source[start], source[start + one], source[start + two], source[start + three]
    e, f, g, h = source[start + four], source[start + five], source[start + six], source[start + seven]
    target[at], target[at + one], target[at + two], target[at + three] = a, b, c, d
    target[at + four], target[at + five], target[at + six], target[at + seven] = e, f, g, h
