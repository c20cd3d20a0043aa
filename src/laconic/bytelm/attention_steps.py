"""Attention of single positions over kept keys and values: the compiled loop of stepwise decoding.

Keys and values of a row lie in a ring: those of position p in slot `p % slots`. Sums of integers do not depend on the order
of the slots.
"""

import numpy as np
from numba import njit

from laconic.bytelm.attention_kernels import ATTENTION_TABLE, Turning, fill_distances, largest_score, turn_row
from laconic.bytelm.transformer_kernels import fill_units, largest_size

STRIDE = 4
"""Keys are read by so many channels at once, and values by so many positions: channels are filled up with zeros."""

_MOST_IN_32_BITS = 1024
"""So many weighted values add up in int32: `2**14 x 127 x 1,024 < 2**31`."""


@njit(cache=True, nogil=True, error_model="numpy")
def attend_rows(
    sums_NM: np.ndarray, scale_N: np.ndarray, position_N: np.ndarray, rows_N: np.ndarray, turning: Turning,
    value_unit: np.float32, key_BKP: np.ndarray, value_BPK: np.ndarray, units_NK: np.ndarray,
) -> None:  # fmt: skip
    """One position of each row: keep its key and value, and attend over the band.

    Args:
        sums_NM: products of the normalised row and `attention_in`.
        scale_N: the norm's scales first, then those of the result.
        position_N: where in its context each row is.
        rows_N: whose keys and values each row sees.
        turning: what queries, keys and values are scaled and turned with.
        value_unit: what the largest weighted value is worth.
        key_BKP: int8, kept keys: P slots for each row, at least as many as the band, and K a multiple of `STRIDE`.
        value_BPK: int8, kept values.
        units_NK: int8, the result, all heads.
    """
    slots, head = value_BPK.shape[1], value_BPK.shape[2]
    heads, band = units_NK.shape[1] // head, turning.cosine_PF.shape[0] // 2
    parts_M = np.empty(sums_NM.shape[1], np.float32)
    own_HK, former_HK = np.zeros((heads, key_BKP.shape[1]), np.int8), np.zeros((heads, key_BKP.shape[1]), np.int8)
    step_H, score_S = np.empty(heads, np.float32), np.empty(band, np.int32)
    weight_S, slot_S = np.empty(band + STRIDE, np.int32), np.empty(band + STRIDE, np.int64)
    sums_K, mixed_K = np.empty(head, np.int64), np.empty(units_NK.shape[1], np.float32)
    for n in range(sums_NM.shape[0]):
        key_KP, value_PK, position = key_BKP[rows_N[n]], value_BPK[rows_N[n]], position_N[n]
        place, slot = position % band, position % slots
        turn_row(
            sums_NM[n], scale_N[n], place, turning, parts_M, own_HK[:, :head], former_HK[:, :head], step_H,
            key_KP[:head, slot], value_PK[slot],
        )  # fmt: skip
        seen = min(band, position + 1)
        former = seen - place - 1
        first = (position + 1 - seen) % slots
        for h in range(heads):
            _score(former_HK[h], key_KP, first, score_S[:former])
            _score(own_HK[h], key_KP, (first + former) % slots, score_S[former:seen])
            best = np.int32(largest_score(score_S[:seen]))
            fill_distances(score_S[:seen], best, step_H[h], score_S[:seen])
            total = _mix(score_S[:seen], first, value_PK, weight_S, slot_S, sums_K)
            for i in range(head):
                mixed_K[h * head + i] = np.float32(sums_K[i]) / np.float32(total)
        largest = largest_size(mixed_K)
        fill_units(mixed_K, largest, units_NK[n])
        scale_N[n] = largest * value_unit


@njit(cache=True, nogil=True, error_model="numpy")
def _score(query_K: np.ndarray, key_KP: np.ndarray, slot: int, score_S: np.ndarray) -> None:
    """Scores of the keys from a slot on, around the end of the ring."""
    before = min(score_S.size, key_KP.shape[1] - slot)
    _score_piece(query_K, key_KP, slot, score_S[:before])
    _score_piece(query_K, key_KP, 0, score_S[before:])


@njit(cache=True, nogil=True, error_model="numpy")
def _score_piece(query_K: np.ndarray, key_KP: np.ndarray, begin: int, score_S: np.ndarray) -> None:
    if not score_S.size:
        return
    score_S[:] = 0
    end = begin + score_S.size
    for k in range(0, query_K.size, STRIDE):
        one, two, three, four = query_K[k], query_K[k + 1], query_K[k + 2], query_K[k + 3]
        ones, twos, threes, fours = (
            key_KP[k, begin:end], key_KP[k + 1, begin:end], key_KP[k + 2, begin:end], key_KP[k + 3, begin:end]
        )  # fmt: skip
        for s in range(score_S.size):
            score_S[s] += np.int32(
                np.int32(one * ones[s]) + np.int32(two * twos[s]) + np.int32(three * threes[s]) + np.int32(four * fours[s])
            )


@njit(cache=True, nogil=True, error_model="numpy")
def _mix(
    distance_S: np.ndarray, slot: int, value_PK: np.ndarray, weight_S: np.ndarray, slot_S: np.ndarray, sums_K: np.ndarray
) -> np.int32:
    """Sums of weighted values, from a slot on; returns the sum of the weights. Most weights are 0: the others are picked."""
    count, total = 0, np.int32(0)
    for s in range(distance_S.size):
        weight = ATTENTION_TABLE[distance_S[s]]
        weight_S[count], slot_S[count] = weight, slot
        count += weight > 0
        total += weight
        slot += 1
        if slot == value_PK.shape[0]:
            slot = 0
    weight_S[count : count + STRIDE], slot_S[count : count + STRIDE] = 0, 0
    sums_K[:] = 0
    part_K = np.empty(sums_K.size, np.int32)
    for begin in range(0, count, _MOST_IN_32_BITS):
        part_K[:] = 0
        for s in range(begin, min(begin + _MOST_IN_32_BITS, count), STRIDE):
            one, two, three, four = weight_S[s], weight_S[s + 1], weight_S[s + 2], weight_S[s + 3]
            ones, twos = value_PK[slot_S[s]], value_PK[slot_S[s + 1]]
            threes, fours = value_PK[slot_S[s + 2]], value_PK[slot_S[s + 3]]
            for i in range(part_K.size):
                part_K[i] += np.int32(
                    np.int32(one * ones[i]) + np.int32(two * twos[i]) + np.int32(three * threes[i]) + np.int32(four * fours[i])
                )
        for i in range(part_K.size):
            sums_K[i] += np.int64(part_K[i])
    return total
