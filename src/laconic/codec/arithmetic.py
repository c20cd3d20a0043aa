"""The arithmetic coder: many independent streams at once, pushed and pulled step by step.

Encoding needs only the two edges of each symbol in its cumulative counts; decoding needs the whole table. Both follow
`laconic.codec.narrowing`, so a stream has the same bits alone, in any batch, and from `laconic.codec.reference`.
"""

from collections.abc import Sequence
from typing import final

import numpy as np
from jaxtyping import Bool, Int64, Integer, UInt32

from laconic.codec.narrowing import (
    FULL_REGISTER,
    HALF_REGISTER,
    REGISTER_BITS,
    REGISTER_MASK,
    ROOT_WIDTH,
    UNIT,
    check_precision,
    child_holding,
    missing_doublings,
    portion,
)
from laconic.compiled import kernel

_ZERO = np.uint64(0)
_EIGHT = np.uint64(8)
_BYTE = np.uint64(255)


@final
class Encoder:
    """Turns symbols into bits, for a batch of independent streams.

    Memory is the codes written so far: finish a stream to let go of it.
    """

    def __init__(self, batch: int, precision: int) -> None:
        check_precision(precision)
        self._precision = precision
        self._low_B = np.zeros(batch, np.uint64)
        self._width_B = np.full(batch, ROOT_WIDTH, np.uint64)
        self._spare_B = np.zeros(batch, np.uint64)
        self._spare_bits_B = np.zeros(batch, np.uint64)
        self._used_B = np.zeros(batch, np.int64)
        self._bytes_BN = np.empty((batch, 64), np.uint8)

    def push(
        self, starts_BT: UInt32[np.ndarray, "B T"], stops_BT: UInt32[np.ndarray, "B T"], lengths_B: Integer[np.ndarray, "B"]
    ) -> None:
        """Code the next symbols of each stream.

        Args:
            starts_BT: lower edge of each symbol in its cumulative counts.
            stops_BT: upper edge; above the lower one, at most `2**precision`.
            lengths_B: how many symbols of each row to code; the rest of the row is not looked at.

        Raises:
            ValueError: an edge out of order or out of range; nothing of that stream may be used any more.
        """
        lengths_B = np.asarray(lengths_B, np.int64)
        if lengths_B.size and not 0 <= lengths_B.min() <= lengths_B.max() <= starts_BT.shape[1]:
            raise ValueError(f"lengths must lie between 0 and {starts_BT.shape[1]}, the symbols at hand")
        self._reserve(int(lengths_B.max(initial=0)))
        row = _push(
            starts_BT, stops_BT, lengths_B, np.uint64(self._precision),
            self._low_B, self._width_B, self._spare_B, self._spare_bits_B, self._used_B, self._bytes_BN,
        )  # fmt: skip
        if row >= 0:
            raise ValueError(f"stream {row} has edges that do not rise from 0 to 2**{self._precision}")

    def finish(self) -> list[tuple[bytes, int]]:
        """End all streams.

        Returns:
            For each stream its code, filled with zero bits to a whole byte, and the exact number of bits: the shortest
            bit string after which anything may follow without changing a symbol.
        """
        self._reserve(1)
        bits_B = np.empty(self._low_B.size, np.int64)
        _finish(
            self._low_B, self._width_B, self._spare_B, self._spare_bits_B, self._used_B, self._bytes_BN, bits_B
        )  # fmt: skip
        return [(self._bytes_BN[b, : (bits + 7) // 8].tobytes(), bits) for b, bits in enumerate(bits_B.tolist())]

    def _reserve(self, symbols: int) -> None:
        """Make room for the bytes that so many symbols can fill at worst."""
        needed = int(self._used_B.max(initial=0)) + symbols * (self._precision + 1) // 8 + 16
        held = self._bytes_BN.shape[1]
        if needed > held:
            grown_BN = np.empty((self._bytes_BN.shape[0], max(needed, 2 * held)), np.uint8)
            grown_BN[:, :held] = self._bytes_BN
            self._bytes_BN = grown_BN


@final
class Decoder:
    """Turns bits back into symbols, for a batch of independent streams.

    Every byte string decodes to something: the caller knows how many symbols a stream has, and checks what it got.
    """

    def __init__(self, codes: Sequence[bytes], precision: int) -> None:
        check_precision(precision)
        self._precision = precision
        self._data = np.frombuffer(b"".join(codes), np.uint8)
        ends_B = np.cumsum([len(code) for code in codes], dtype=np.int64)
        self._end_bits_B = 8 * ends_B
        self._next_bit_B = 8 * np.concatenate([np.zeros(1, np.int64), ends_B[:-1]])[: len(codes)]
        self._width_B = np.full(len(codes), ROOT_WIDTH, np.uint64)
        self._value_B = np.empty(len(codes), np.uint64)
        self._symbols_B = np.empty(len(codes), np.int64)
        _fill(self._data, self._end_bits_B, self._next_bit_B, self._value_B)

    def pull(self, cumulative_BC: UInt32[np.ndarray, "B C"], active_B: Bool[np.ndarray, "B"]) -> Int64[np.ndarray, "B"]:
        """Decode the next symbol of each active stream.

        Args:
            cumulative_BC: the same cumulative counts that the encoder's edges came from.
            active_B: which streams to decode; the others are left as they are.

        Returns:
            The symbols, and -1 for streams that are not active. The array is overwritten by the next call.
        """
        _pull(
            cumulative_BC, active_B, np.uint64(self._precision), self._data, self._end_bits_B,
            self._next_bit_B, self._width_B, self._value_B, self._symbols_B,
        )  # fmt: skip
        return self._symbols_B


@kernel()
def _write(row: np.ndarray, used: int, spare: np.uint64, spare_bits: np.uint64, bits: np.uint64, count: np.uint64):
    """Append `count` bits: whole bytes go to `row`, fewer than eight stay in `spare`."""
    spare = (spare << count) | bits
    spare_bits += count
    while spare_bits >= _EIGHT:
        spare_bits -= _EIGHT
        row[used] = np.uint8((spare >> spare_bits) & _BYTE)
        used += 1
    return used, spare & ((UNIT << spare_bits) - UNIT), spare_bits


@kernel()
def _carry(row: np.ndarray, used: int, spare: np.uint64, spare_bits: np.uint64) -> np.uint64:
    """Add one to the bits written so far; returns what is left in `spare`."""
    spare += UNIT
    if spare >> spare_bits:
        spare &= (UNIT << spare_bits) - UNIT
        used -= 1
        while row[used] == 255:
            row[used] = 0
            used -= 1
        row[used] += np.uint8(1)
    return spare


@kernel()
def _push(starts_BT, stops_BT, lengths_B, precision, low_B, width_B, spare_B, spare_bits_B, used_B, bytes_BN) -> int:
    total = UNIT << precision
    for b in range(lengths_B.size):
        low, width, spare, spare_bits, used, row = low_B[b], width_B[b], spare_B[b], spare_bits_B[b], used_B[b], bytes_BN[b]
        for t in range(lengths_B[b]):
            start, stop = np.uint64(starts_BT[b, t]), np.uint64(stops_BT[b, t])
            if start >= stop or stop > total:
                return b
            inner = width - UNIT
            offset = portion(inner, start, precision)
            width = portion(inner, stop, precision) - offset
            low += offset
            if low >= FULL_REGISTER:
                low -= FULL_REGISTER
                spare = _carry(row, used, spare, spare_bits)
            shift = missing_doublings(width)
            width <<= shift
            used, spare, spare_bits = _write(row, used, spare, spare_bits, low >> (np.uint64(REGISTER_BITS) - shift), shift)
            low = (low << shift) & REGISTER_MASK
        low_B[b], width_B[b], spare_B[b], spare_bits_B[b], used_B[b] = low, width, spare, spare_bits, used
    return -1


@kernel()
def _finish(low_B, width_B, spare_B, spare_bits_B, used_B, bytes_BN, bits_B) -> None:
    """Write the nought to two bits that pin the interval down, then the rest of the last byte as zeros."""
    for b in range(low_B.size):
        low, width, spare, row = low_B[b], width_B[b], spare_B[b], bytes_BN[b]
        length = _pinning_bits(low, width)
        size = FULL_REGISTER >> length
        low = (low + size - UNIT) & ~(size - UNIT)
        if low >= FULL_REGISTER:
            low -= FULL_REGISTER
            spare = _carry(row, used_B[b], spare, spare_bits_B[b])
        used, spare, spare_bits = _write(
            row, used_B[b], spare, spare_bits_B[b], low >> (np.uint64(REGISTER_BITS) - length), length
        )
        bits_B[b] = 8 * used + np.int64(spare_bits)
        row[used] = np.uint8((spare << (_EIGHT - spare_bits)) & _BYTE)


@kernel()
def _pinning_bits(low: np.uint64, width: np.uint64) -> np.uint64:
    """How many bits of the register name a dyadic interval inside `[low, low + width)`: two always do."""
    if low == _ZERO and width >= FULL_REGISTER:
        return _ZERO
    first = (low + HALF_REGISTER - UNIT) & ~(HALF_REGISTER - UNIT)
    return UNIT if first + HALF_REGISTER <= low + width else np.uint64(2)


@kernel()
def _read(data: np.ndarray, end: int, position: int, count: int) -> np.uint64:
    """The `count` bits (at most 32) from bit `position` on; zeros beyond bit `end`, which lies on a byte's edge."""
    first = position >> 3
    bits = _ZERO
    for i in range(5):
        bits <<= _EIGHT
        if (first + i) * 8 < end:
            bits |= np.uint64(data[first + i])
    return (bits >> np.uint64(40 - (position & 7) - count)) & ((UNIT << np.uint64(count)) - UNIT)


@kernel()
def _fill(data, end_bits_B, next_bit_B, value_B) -> None:
    for b in range(value_B.size):
        value = _read(data, end_bits_B[b], next_bit_B[b], 32)
        value_B[b] = (value << np.uint64(31)) | _read(data, end_bits_B[b], next_bit_B[b] + 32, 31)
        next_bit_B[b] += REGISTER_BITS


@kernel()
def _pull(cumulative_BC, active_B, precision, data, end_bits_B, next_bit_B, width_B, value_B, symbols_B) -> None:
    for b in range(active_B.size):
        if not active_B[b]:
            symbols_B[b] = -1
            continue
        edges = cumulative_BC[b]
        inner = width_B[b] - UNIT
        symbol = child_holding(edges, inner, value_B[b], precision)
        offset = portion(inner, np.uint64(edges[symbol]), precision)
        width = portion(inner, np.uint64(edges[symbol + 1]), precision) - offset
        value = min(value_B[b] - offset, width - UNIT)
        shift = missing_doublings(width)
        bits = _read(data, end_bits_B[b], next_bit_B[b], int(shift))
        value_B[b] = (value << shift) | bits
        width_B[b] = width << shift
        next_bit_B[b] += np.int64(shift)
        symbols_B[b] = symbol
