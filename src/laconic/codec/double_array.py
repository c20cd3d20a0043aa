"""A tree of strings as a double array (Aoe 1989), so that each step of a walk through it is one look-up.

Every string with longer ones behind it has a *base*, and no two have the same one; its continuation by symbol s lies at
`base + s`. An entry of the array is a number of 64 bits:

| bits | what |
|---|---|
| 0 to 8 | the symbol by which this string continues another; 511 where the entry is empty |
| 9 | whether this string has a code itself |
| 10 to 33 | its code, or that of its longest beginning that has one |
| 34 to 63 | its base; an empty stretch where nothing continues it |
"""

import numpy as np
from jaxtyping import Int32, Int64, UInt16, UInt64

from laconic.compiled import kernel
from laconic.shapes import SYMBOLS

_SYMBOL = np.uint64(511)
_OWNS, _CODE, _BASE = np.uint64(9), np.uint64(10), np.uint64(34)
_CODE_MASK, _LENGTH_MASK = np.uint64((1 << 24) - 1), np.uint64((1 << 16) - 1)
_ONE = np.uint64(1)


def lay_out(
    first_N: Int64[np.ndarray, "N"],
    children_N: UInt16[np.ndarray, "N"],
    symbols_N: UInt16[np.ndarray, "N"],
    parents_N: Int32[np.ndarray, "N"],
    codes_N: Int32[np.ndarray, "N"],
) -> UInt64[np.ndarray, "_"]:
    """The double array of a tree.

    Args:
        first_N: where the children of each string begin.
        children_N: how many there are.
        symbols_N: the last symbol of each string.
        parents_N: the string without it.
        codes_N: the code of each string; -1 where it has none. Strings of one symbol have one.
    """
    capacity = 2 * children_N.size + 2 * SYMBOLS
    while True:
        bases_N, top = _place(first_N, children_N, symbols_N, capacity)
        if top >= 0:
            break
        capacity *= 2
    bases_N[children_N == 0] = top
    slots = np.full(top + SYMBOLS, _SYMBOL, np.uint64)
    _fill(slots, bases_N, symbols_N, parents_N, codes_N)
    return slots


@kernel()
def _place(first_N: np.ndarray, children_N: np.ndarray, symbols_N: np.ndarray, capacity: int) -> tuple[np.ndarray, int]:
    """A base for each string that has children, the root's 0; and behind the last entry, or -1 if there is no room.

    Each search goes on where the last one for as many children ended, so that it ends soon.
    """
    bases_N = np.zeros(children_N.size, np.int64)
    taken, is_base = np.zeros((2, capacity), np.bool_)
    nexts = np.zeros(SYMBOLS + 1, np.int64)
    top = 0
    for n in range(children_N.size):
        if children_N[n] == 0:
            continue
        begin, end = first_N[n], first_N[n] + children_N[n]
        base = nexts[children_N[n]]
        while base + SYMBOLS <= capacity and not _fits(base, begin, end, symbols_N, taken, is_base):
            base += 1
        if base + SYMBOLS > capacity:
            return bases_N, -1
        bases_N[n], is_base[base], nexts[children_N[n]] = base, True, base + 1
        for child in range(begin, end):
            taken[base + symbols_N[child]] = True
            top = max(top, base + symbols_N[child] + 1)
    return bases_N, top


@kernel()
def _fits(base: int, begin: int, end: int, symbols_N: np.ndarray, taken: np.ndarray, is_base: np.ndarray) -> bool:
    if is_base[base]:
        return False
    for child in range(begin, end):  # noqa: SIM110 - compiled
        if taken[base + symbols_N[child]]:
            return False
    return True


@kernel()
def _fill(slots: np.ndarray, bases_N: np.ndarray, symbols_N: np.ndarray, parents_N: np.ndarray, codes_N: np.ndarray) -> None:
    best_N = codes_N.copy()
    for n in range(1, symbols_N.size):
        owns = np.uint64(codes_N[n] >= 0)
        if not owns:
            best_N[n] = best_N[parents_N[n]]
        entry = (np.uint64(bases_N[n]) << _BASE) | (np.uint64(best_N[n]) << _CODE) | (owns << _OWNS)
        slots[bases_N[parents_N[n]] + symbols_N[n]] = entry | np.uint64(symbols_N[n])


@kernel()
def walk(symbols: np.ndarray, slots: np.ndarray, places_K: np.ndarray, codes: np.ndarray) -> np.uint64:
    """Write the codes of a document; returns how many they are.

    Args:
        symbols: those of the document.
        slots: the double array.
        places_K: how many symbols each code stands for, in the low 16 bits.
        codes: to be filled; as many as there are symbols are enough.
    """
    place = used = np.uint64(0)
    end = np.uint64(symbols.size)
    while place < end:
        begin = place
        entry = slots[symbols[place]]
        place += _ONE
        while place < end:
            symbol = np.uint64(symbols[place])
            longer = slots[(entry >> _BASE) + symbol]
            if longer & _SYMBOL != symbol:
                break
            entry = longer
            place += _ONE
        code = (entry >> _CODE) & _CODE_MASK
        codes[used] = code
        used += _ONE
        if not (entry >> _OWNS) & _ONE:
            place = begin + (places_K[code] & _LENGTH_MASK)
    return used
