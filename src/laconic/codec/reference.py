"""The arithmetic coder in plain Python, written for reading: the oracle of the compiled one.

Numbers are Python's own integers, so nothing overflows and no carry is needed: `low` simply grows. The compiled coder in
`laconic.codec.arithmetic` gives the same bits.

Source: Witten, Neal and Cleary 1987, with the narrowing rule of `laconic.codec.narrowing`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from laconic.codec.narrowing import MIN_WIDTH, REGISTER_BITS, ROOT_WIDTH


@dataclass(frozen=True)
class Interval:
    """All texts that begin alike: the numbers from `low` to `low + width`, in units of `2**-(63 + shift)`."""

    low: int = 0
    width: int = ROOT_WIDTH
    shift: int = 0

    def child(self, cumulative: Sequence[int], symbol: int, precision: int) -> "Interval":
        """The part of this interval that belongs to one symbol."""
        inner = self.width - 1
        start = inner * cumulative[symbol] >> precision
        stop = inner * cumulative[symbol + 1] >> precision
        low, width, shift = self.low + start, stop - start, self.shift
        while width < MIN_WIDTH:
            low, width, shift = 2 * low, 2 * width, shift + 1
        return Interval(low, width, shift)

    @property
    def stop(self) -> int:
        """The first unit beyond the interval."""
        return self.low + self.width

    def shortest_code(self) -> str:
        """The shortest string of bits such that every number that begins with them lies inside; the smallest of these."""
        resolution = REGISTER_BITS + self.shift
        for length in range(resolution + 1):
            size = 1 << (resolution - length)
            index = -(-self.low // size)
            if (index + 1) * size <= min(self.stop, 1 << resolution):
                return f"{index:0{length}b}" if length else ""
        raise AssertionError("an interval holds at least one unit")


def encode(cumulatives: Iterable[Sequence[int]], symbols: Sequence[int], precision: int) -> str:
    """The bits of a stream of symbols.

    Args:
        cumulatives: for each symbol its cumulative counts: S + 1 edges from 0 to `2**precision`.
        symbols: the symbols, 0 to S - 1.
        precision: bits of the counts.

    Returns:
        A string of "0" and "1", within `2 + n / 2**30` bits of `-log2` of the product of the counts' shares.
    """
    interval = Interval()
    for cumulative, symbol in zip(cumulatives, symbols, strict=True):
        interval = interval.child(cumulative, symbol, precision)
    return interval.shortest_code()


def decode(cumulatives: Iterable[Sequence[int]], bits: str, precision: int) -> Iterator[int]:
    """The symbols behind the bits, one for each table of cumulative counts, which may depend on the symbols before.

    Beyond their end the bits go on as zeros.
    """
    interval = Interval()
    for cumulative in cumulatives:
        resolution = REGISTER_BITS + interval.shift
        value = int((bits + "0" * resolution)[:resolution], 2)
        symbol = 0
        while symbol + 2 < len(cumulative) and _start(interval, cumulative[symbol + 1], precision) <= value:
            symbol += 1
        yield symbol
        interval = interval.child(cumulative, symbol, precision)


def _start(interval: Interval, count: int, precision: int) -> int:
    return interval.low + ((interval.width - 1) * count >> precision)
