"""A codebook: strings of symbols, each with a code. Encoding is a walk through a tree, decoding a look-up.

The encoder takes, again and again, the longest string of the book that the rest of the text begins with, and writes its
code. Every single symbol is a string of the book, so there always is one. Nothing else is asked of the strings: they may be
the windows of a byte model (`laconic.codec.growth`), or be chosen in any other way. `laconic.codec.reference_codebook` is
the readable twin.
"""

from functools import cached_property
from typing import Any, NamedTuple, final

import numpy as np
from jaxtyping import Int32, Int64, Integer, UInt16, UInt32, UInt64

from laconic.codec.double_array import lay_out, walk
from laconic.codec.spelling import SLACK, gather, lengths_at, measure, spell
from laconic.codec.windows import MAX_WINDOW_SYMBOLS, MIN_BITS
from laconic.compiled import kernel
from laconic.errors import CorruptFileError
from laconic.shapes import EOS, SYMBOLS

MAX_BITS = 24
"""Codes have 16 to so many bits."""

MAX_SPELLED = 1 << 27
"""The strings that no other one continues have at most so many symbols in all."""

_NOTHING = -1


class _Shape(NamedTuple):
    """What follows from the numbers of a book.

    Attributes:
        first_N: where the children of each string begin.
        parents_N: each string without its last symbol.
        depths_N: how many symbols it has.
        codes_N: its smallest code, or -1.
    """

    first_N: np.ndarray
    parents_N: np.ndarray
    depths_N: np.ndarray
    codes_N: np.ndarray


@final
class Codebook:
    """Strings, the code that is written for each, and the string that each code stands for.

    Strings and their beginnings are numbered by length, then as their beginnings without the last symbol are, then by that
    symbol; the empty one is 0.

    Args:
        bits: codes are numbers below `2**bits`; 16 to 24.
        symbols_N: the last symbol of each string, 0 to 256; 0 for the empty one.
        children_N: how many strings are one symbol longer and begin with this one.
        owners_K: for each of the `2**bits` codes the string it stands for; 0 if for none. Where several codes stand for
            one string, the smallest is written.

    Raises:
        ValueError: the numbers do not describe strings, or some single symbol has no code.
    """

    def __init__(
        self,
        *,
        bits: int,
        symbols_N: UInt16[np.ndarray, "N"],
        children_N: UInt16[np.ndarray, "N"],
        owners_K: UInt32[np.ndarray, "K"],
    ) -> None:
        if not MIN_BITS <= bits <= MAX_BITS or owners_K.size != 1 << bits:
            raise ValueError(f"{owners_K.size} codes are not all numbers of {MIN_BITS} to {MAX_BITS} bits")
        self.bits, self.symbols_N, self.children_N, self.owners_K = bits, symbols_N, children_N, owners_K
        self._shape = _find_shape(symbols_N, children_N, owners_K)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what the book says, not the tables that follow from it."""
        return _rebuild, (self.bits, self.symbols_N, self.children_N, self.owners_K)

    @property
    def strings(self) -> int:
        """How many strings have a code."""
        return int(np.count_nonzero(self._shape.codes_N != _NOTHING))

    def encode(self, symbols: UInt16[np.ndarray, "_"]) -> Int32[np.ndarray, "_"]:
        """The codes of a document; its symbols are 0 to 256, which is not checked again."""
        codes = np.empty(symbols.size, np.int32)
        used = walk(np.ascontiguousarray(symbols), self._slots, self._places[0], codes)
        return codes[:used].copy()

    def decode(self, codes: Integer[np.ndarray, "_"]) -> UInt16[np.ndarray, "_"]:
        """The symbols that codes stand for.

        Raises:
            CorruptFileError: a code that stands for nothing.
        """
        places_K, written = self._places
        size = self._measure(codes)
        symbols = np.empty(size + SLACK, np.uint16)
        gather(np.ascontiguousarray(codes), places_K, written, symbols)
        return symbols[:size]

    def lengths(self, codes: Integer[np.ndarray, "N"]) -> Int64[np.ndarray, "N"]:
        """How many symbols each code stands for.

        Raises:
            CorruptFileError: a code that stands for nothing.
        """
        self._measure(codes)
        return lengths_at(self._places[0][codes])

    def _measure(self, codes: Integer[np.ndarray, "_"]) -> int:
        size = measure(np.ascontiguousarray(codes), self._places[0])
        if size < 0:
            raise CorruptFileError(
                f"code {codes[-size - 1]} stands for no text in a book of {self.strings} strings: use the one that made it"
            )
        return int(size)

    @cached_property
    def _slots(self) -> UInt64[np.ndarray, "_"]:
        shape = self._shape
        return lay_out(shape.first_N, self.children_N, self.symbols_N, shape.parents_N, shape.codes_N)

    @cached_property
    def _places(self) -> tuple[UInt64[np.ndarray, "K"], UInt16[np.ndarray, "_"]]:
        shape = self._shape
        places_N, written = spell(shape.first_N, self.children_N, self.symbols_N, shape.parents_N, shape.depths_N)
        return places_N[self.owners_K], written


def _rebuild(bits: int, symbols_N: np.ndarray, children_N: np.ndarray, owners_K: np.ndarray) -> Codebook:
    return Codebook(bits=bits, symbols_N=symbols_N, children_N=children_N, owners_K=owners_K)


def _find_shape(
    symbols_N: UInt16[np.ndarray, "N"], children_N: UInt16[np.ndarray, "N"], owners_K: UInt32[np.ndarray, "K"]
) -> _Shape:
    """Check the numbers of a book, and derive what follows from them."""
    size = symbols_N.size
    _require(0 < size < 1 << 30 and symbols_N[0] == 0, "the empty string is missing")
    _require(bool(symbols_N.max() <= EOS), f"a string holds symbol {symbols_N.max()}")
    ends_N = 1 + np.cumsum(children_N, dtype=np.int64)
    first_N = ends_N - children_N
    _require(ends_N[-1] == size, "strings and their beginnings do not match")
    _require(bool((first_N > np.arange(size))[children_N > 0].all()), "a string comes before its beginning")
    parents_N = np.zeros(size, np.int32)
    parents_N[1:] = np.repeat(np.arange(size, dtype=np.int32), children_N)
    in_order_N = (np.diff(parents_N[1:]) > 0) | (np.diff(symbols_N[1:].astype(np.int32)) > 0)
    _require(bool(in_order_N.all()), "strings are out of order")
    depths_N = _measure_depths(parents_N, MAX_WINDOW_SYMBOLS)
    _require(bool(depths_N[-1] <= MAX_WINDOW_SYMBOLS), f"a string has more than {MAX_WINDOW_SYMBOLS} symbols")
    _require(int(depths_N[children_N == 0].sum(dtype=np.int64)) <= MAX_SPELLED, "its strings are too long")
    _require(bool(owners_K.max() < size), "a code stands for a string that is not there")
    codes_N = np.full(size, _NOTHING, np.int32)
    codes_N[owners_K[::-1]] = np.arange(owners_K.size - 1, -1, -1, dtype=np.int32)
    codes_N[0] = _NOTHING
    _require(children_N[0] == SYMBOLS and bool((codes_N[1 : SYMBOLS + 1] != _NOTHING).all()), "a single symbol has no code")
    return _Shape(first_N, parents_N, depths_N, codes_N)


def _require(fact: bool | np.bool_, otherwise: str) -> None:
    if not fact:
        raise ValueError(f"the codebook cannot be used, {otherwise}")


@kernel()
def _measure_depths(parents_N: np.ndarray, most: int) -> np.ndarray:
    """How many symbols each string has; one more than `most` for all that have more."""
    depths_N = np.zeros(parents_N.size, np.uint16)
    for n in range(1, parents_N.size):
        depths_N[n] = min(depths_N[parents_N[n]] + 1, most + 1)
    return depths_N
