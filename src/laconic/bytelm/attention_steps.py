"""Attention of single positions over kept keys and values: the compiled loop of stepwise decoding.

A row keeps two blocks of the band, each filled up to a multiple of `LANES` slots: those of position p lie in block
`p // band % 2` at slot `p % band`. So what a position sees is the start of its own block and the end of the other one, and
loops run over whole multiples of `LANES`; slots that are not seen weigh nothing.
"""

import math

import numpy as np
from jaxtyping import Int8, Integer

from laconic.bytelm.attention_kernels import ATTENTION_TABLE, Turning, fill_distances, largest_score, turn_row
from laconic.bytelm.transformer_kernels import fill_units, largest_size
from laconic.compiled import kernel

LANES = 64
"""Blocks are a multiple of so many slots long: compiled loops then have no rest, which would go one by one."""

STRIDE = 4
"""Keys are read by so many channels at once: channels are filled up with zeros."""

_MOST_IN_32_BITS = 1024
"""So many weighted values add up in int32: `2**14 x 127 x 1,024 < 2**31`."""

_CACHE_LINE = 64

_UNSEEN = np.int32(-(1 << 30))
"""Below any score, and yet its distance from any other fits int32."""

_BEYOND = np.int32(ATTENTION_TABLE.size - 1)
"""The distance whose weight is 0."""


def empty_cache(rows: int, band: int, head: int) -> Int8[np.ndarray, "B 2 C P"]:
    """Room for the keys and the values of a layer, channels of `head` values and then slots."""
    shape = rows, 2, head + -head % STRIDE, 2 * _block_of(band)
    size = math.prod(shape)
    room = np.zeros(size + _CACHE_LINE, np.int8)
    begin = -room.ctypes.data % _CACHE_LINE  # Stretches of `LANES` slots are then cache lines.
    return room[begin : begin + size].reshape(shape)


def slots_of(position_N: Integer[np.ndarray, "N"], band: int) -> Integer[np.ndarray, "N"]:
    """Where keys and values of these positions are kept."""
    slots_N: np.ndarray = position_N // band % 2 * _block_of(band) + position_N % band
    return slots_N


def _block_of(band: int) -> int:
    return band + -band % LANES


@kernel(error_model="numpy")
def attend_rows(
    sums_NM: np.ndarray, scale_N: np.ndarray, position_N: np.ndarray, rows_N: np.ndarray, turning: Turning,
    value_unit: np.float32, cache_B2CP: np.ndarray, units_NK: np.ndarray,
) -> int:  # fmt: skip
    """One position of each row: keep its key and value, and attend over the band.

    Args:
        sums_NM: products of the normalised row and `attention_in`.
        scale_N: the norm's scales first, then those of the result.
        position_N: where in its context each row is.
        rows_N: whose keys and values each row sees.
        turning: what queries, keys and values are scaled and turned with.
        value_unit: what the largest weighted value is worth.
        cache_B2CP: int8, kept keys and values, as `empty_cache` makes room for them.
        units_NK: int8, the result, all heads.

    Returns:
        What was touched to fetch it early, added up: it means nothing, but what it takes is not left out by the compiler.
    """
    channels, block = cache_B2CP.shape[2], cache_B2CP.shape[3] // 2
    head, band = turning.cosine_PF.shape[1] * 2, turning.cosine_PF.shape[0] // 2
    heads = units_NK.shape[1] // head
    parts_M = np.empty(sums_NM.shape[1], np.float32)
    own_HC, former_HC = np.zeros((heads, channels), np.int8), np.zeros((heads, channels), np.int8)
    step_H, score_S, distance_S = np.empty(heads, np.float32), np.empty(2 * block, np.int32), np.empty(2 * block, np.int32)
    weight_HS = np.empty((heads, 2 * block), np.int32)
    total_H, sums_HK, mixed_HK = (
        np.empty(heads, np.int32),
        np.empty((heads, head), np.int64),
        np.empty((heads, head), np.float32),
    )
    mixed_K, touched = mixed_HK.reshape(-1), 0
    for n in range(sums_NM.shape[0]):
        if n + 1 < sums_NM.shape[0]:
            touched += _touch(cache_B2CP[rows_N[n + 1]], position_N[n + 1], band)
        key_CP, value_CP, position = cache_B2CP[rows_N[n], 0], cache_B2CP[rows_N[n], 1], position_N[n]
        place, base = position % band, position // band % 2 * block
        turn_row(
            sums_NM[n], scale_N[n], place, turning, parts_M, own_HC[:, :head], former_HC[:, :head], step_H,
            key_CP[:head, base + place], value_CP[:head, base + place],
        )  # fmt: skip
        # Own scores come first, up to `end`; those of the other block begin at `skip`.
        end, skip = _seen(position, band, block)
        other = block - base
        own_S, former_S = score_S[:end], score_S[block + skip :]
        # Among former scores, those from `first` to `last` are seen.
        first, last = max(0, place + 1 - skip), max(0, band - skip)
        for h in range(heads):
            _score(own_HC[h], key_CP, base, own_S)
            own_S[place + 1 :] = _UNSEEN
            _score(former_HC[h], key_CP, other + skip, former_S)
            former_S[:first], former_S[last:] = _UNSEEN, _UNSEEN
            best = np.int32(max(largest_score(own_S), largest_score(former_S)))
            total_H[h] = _weigh(own_S, 0, place + 1, best, step_H[h], distance_S, weight_HS[h, :end])
            total_H[h] += _weigh(former_S, first, last, best, step_H[h], distance_S, weight_HS[h, block + skip :])
        sums_HK[:] = 0
        _mix(weight_HS, 0, end, value_CP, base, sums_HK)
        _mix(weight_HS, block + skip, 2 * block, value_CP, other + skip, sums_HK)
        for h in range(heads):
            for i in range(head):
                mixed_HK[h, i] = np.float32(sums_HK[h, i]) / np.float32(total_H[h])
        largest = largest_size(mixed_K)
        fill_units(mixed_K, largest, units_NK[n])
        scale_N[n] = largest * value_unit
    return touched


@kernel(error_model="numpy")
def _seen(position: int, band: int, block: int) -> tuple[int, int]:
    """Up to which slot of its own block, and from which one of the other on, a position reads: multiples of `LANES`."""
    place = position % band
    return place + LANES - place % LANES, (place + 1) // LANES * LANES if position >= band else block


@kernel(error_model="numpy")
def _touch(cache_2CP: np.ndarray, position: int, band: int) -> int:
    """Fetch what a row reads while another is worked on: all rows together are larger than the near caches."""
    block, touched = cache_2CP.shape[2] // 2, 0
    base = position // band % 2 * block
    end, skip = _seen(position, band, block)
    for v in range(2):
        for c in range(cache_2CP.shape[1]):
            for s in range(base, base + end, _CACHE_LINE):
                touched += cache_2CP[v, c, s]
            for s in range(block - base + skip, 2 * block - base, _CACHE_LINE):
                touched += cache_2CP[v, c, s]
    return touched


@kernel(error_model="numpy")
def _score(query_C: np.ndarray, key_CP: np.ndarray, slot: int, score_S: np.ndarray) -> None:
    """Products of a query and the keys from a slot on; two products of int8 add up in int16."""
    score_S[:] = 0
    end = slot + score_S.size
    for k in range(0, query_C.size, STRIDE):
        one, two, three, four = query_C[k], query_C[k + 1], query_C[k + 2], query_C[k + 3]
        ones, twos = key_CP[k, slot:end], key_CP[k + 1, slot:end]
        threes, fours = key_CP[k + 2, slot:end], key_CP[k + 3, slot:end]
        for s in range(score_S.size):
            score_S[s] += np.int32(np.int16(one * ones[s] + two * twos[s])) + np.int32(
                np.int16(three * threes[s] + four * fours[s])
            )


@kernel(error_model="numpy")
def _weigh(
    score_S: np.ndarray, first: int, last: int, best: np.int32, step: np.float32,
    distance_S: np.ndarray, weight_S: np.ndarray,
) -> np.int32:  # fmt: skip
    """Weights of scores; returns their sum. Those before `first` and from `last` on weigh nothing, however small steps are.

    `distance_S` is working memory: loops within one array would go one by one.
    """
    fill_distances(score_S, best, step, distance_S)
    distance_S[:first], distance_S[last : score_S.size] = _BEYOND, _BEYOND
    total = np.int32(0)
    for s in range(score_S.size):
        weight = ATTENTION_TABLE[distance_S[s]]
        weight_S[s] = weight
        total += weight
    return np.int32(total)


@kernel(error_model="numpy")
def _mix(weight_HS: np.ndarray, begin: int, end: int, value_CP: np.ndarray, slot: int, sums_HK: np.ndarray) -> None:
    """Add the values from a slot on, weighted, for two heads at once; the last of an odd number stands beside itself."""
    heads = weight_HS.shape[0]
    for first in range(begin, end, _MOST_IN_32_BITS):
        last = min(first + _MOST_IN_32_BITS, end)
        place = slot + first - begin
        for h in range(0, heads, 2):
            beside = min(h + 1, heads - 1)
            one_S, two_S = weight_HS[h, first:last], weight_HS[beside, first:last]
            for k in range(sums_HK.shape[1]):
                value_S, one, two = value_CP[k, place : place + last - first], np.int32(0), np.int32(0)
                for s in range(value_S.size):
                    value = np.int32(value_S[s])
                    one += np.int32(one_S[s] * value)
                    two += np.int32(two_S[s] * value)
                sums_HK[h, k] += np.int64(one)
                if beside != h:
                    sums_HK[beside, k] += np.int64(two)
