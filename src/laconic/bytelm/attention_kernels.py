"""The compiled loops of attention: turn queries and keys, weigh scores, divide sums.

As in `laconic.bytelm.transformer_kernels`, each does what `laconic.bytelm.integer_forward` says, in the same order.
Attention weights of 14 bits are kept as two pieces of seven, so that products of int8 can use them.
"""

from typing import NamedTuple

import numpy as np

from laconic.bytelm.integer_forward import ATTENTION_POWERS, SCORE_REACH
from laconic.bytelm.transformer_kernels import fill_units, largest_size
from laconic.compiled import kernel

PIECE_BITS = 7
"""An attention weight is `128 x high + low`."""

ATTENTION_TABLE = ATTENTION_POWERS.astype(np.int32)
_REACH = np.float32(SCORE_REACH)
_CACHE_LIMIT = np.float32(127)
_LEAST = np.int32(-(1 << 31))


class Turning(NamedTuple):
    """What a layer's queries, keys and values are scaled and turned with.

    Attributes:
        channel_M: float32, what one unit of each output of `attention_in` is worth.
        cosine_PF: float32, for all places of two blocks and half the channels of a head.
        sine_PF: float32, likewise.
        factors: float32: the score step, and what one over the scales of keys and of values is.
    """

    channel_M: np.ndarray
    cosine_PF: np.ndarray
    sine_PF: np.ndarray
    factors: np.ndarray


@kernel(error_model="numpy")
def turn_rows(
    sums_NM: np.ndarray, scale_N: np.ndarray, place_N: np.ndarray, turning: Turning,
    own_NHK: np.ndarray, former_NHK: np.ndarray, step_NH: np.ndarray, key_NK: np.ndarray, value_NK: np.ndarray,
) -> None:  # fmt: skip
    """Queries for the keys of their own block and of the former one, and keys and values to be kept, of each row."""
    parts_M = np.empty(sums_NM.shape[1], np.float32)
    for n in range(sums_NM.shape[0]):
        turn_row(
            sums_NM[n], scale_N[n], place_N[n], turning, parts_M, own_NHK[n], former_NHK[n], step_NH[n], key_NK[n], value_NK[n]
        )


@kernel(error_model="numpy")
def turn_row(
    sums_M: np.ndarray, scale: np.float32, place: int, turning: Turning, parts_M: np.ndarray,
    own_HK: np.ndarray, former_HK: np.ndarray, step_H: np.ndarray, key_K: np.ndarray, value_K: np.ndarray,
) -> None:  # fmt: skip
    """Queries, key and value of one position. `parts_M` is working memory."""
    channel_M, cosine_PF, sine_PF, factors = turning
    heads, head = own_HK.shape
    band, queries = cosine_PF.shape[0] // 2, heads * head
    turned_K = np.empty(2 * head, np.float32)
    for i in range(parts_M.size):
        parts_M[i] = (np.float32(sums_M[i]) * channel_M[i]) * scale
    for h in range(heads):
        query_K = parts_M[h * head : (h + 1) * head]
        _turn(query_K, cosine_PF[place], sine_PF[place], turned_K[:head])
        _turn(query_K, cosine_PF[place + band], sine_PF[place + band], turned_K[head:])
        largest = largest_size(turned_K)
        fill_units(turned_K[:head], largest, own_HK[h])
        fill_units(turned_K[head:], largest, former_HK[h])
        step_H[h] = largest * factors[0]
    _turn(parts_M[queries : queries + head], cosine_PF[place], sine_PF[place], turned_K[:head])
    _cut(turned_K[:head], factors[1], key_K)
    _cut(parts_M[queries + head :], factors[2], value_K)


@kernel(error_model="numpy")
def _turn(values_K: np.ndarray, cosine_F: np.ndarray, sine_F: np.ndarray, turned_K: np.ndarray) -> None:
    half = cosine_F.size
    for i in range(half):
        first, second = values_K[i], values_K[half + i]
        turned_K[i] = first * cosine_F[i] - second * sine_F[i]
        turned_K[half + i] = second * cosine_F[i] + first * sine_F[i]


@kernel(error_model="numpy")
def _cut(values_K: np.ndarray, factor: np.float32, units_K: np.ndarray) -> None:
    for i in range(values_K.size):
        units_K[i] = np.int8(np.rint(min(max(values_K[i] * factor, -_CACHE_LIMIT), _CACHE_LIMIT)))


@kernel(error_model="numpy")
def weigh_scores(
    own_MS: np.ndarray, former_MS: np.ndarray, step_M: np.ndarray, heads: int,
    pieces_2MS: np.ndarray, total_M: np.ndarray,
) -> None:  # fmt: skip
    """Attention weights of a run of positions in one block of the band, for the keys of the former block, then its own.

    Args:
        own_MS: scores; row m is of head `m % heads` at the position `m // heads`; the last columns are the run's own keys.
        former_MS: scores of the keys of the former block that the first position sees; the next sees one less.
        step_M: what one unit of a score is worth.
        heads: how many rows each position has.
        pieces_2MS: int8; the high and the low half of each weight.
        total_M: int32; the sum of the weights.
    """
    earlier, former = own_MS.shape[1] - own_MS.shape[0] // heads, former_MS.shape[1]
    distance_S = np.empty(former + own_MS.shape[1], np.int32)
    for m in range(own_MS.shape[0]):
        place = m // heads
        first, end = min(place, former), earlier + place + 1
        own_S, former_S = own_MS[m, :end], former_MS[m, first:]
        best = np.int32(max(largest_score(own_S), largest_score(former_S)))
        fill_distances(former_S, best, step_M[m], distance_S[first:former])
        fill_distances(own_S, best, step_M[m], distance_S[former : former + end])
        high_S, low_S = pieces_2MS[0, m], pieces_2MS[1, m]
        high_S[:first] = low_S[:first] = 0
        high_S[former + end :] = low_S[former + end :] = 0
        total_M[m] = _split_weights(distance_S[first : former + end], high_S[first:], low_S[first:])


@kernel(error_model="numpy")
def largest_score(scores_S: np.ndarray) -> np.int32:
    """The best score, or less than any where there is none."""
    best = _LEAST
    for i in range(scores_S.size):
        best = max(best, scores_S[i])
    return best


@kernel(error_model="numpy")
def fill_distances(scores_S: np.ndarray, best: np.int32, step: np.float32, distance_S: np.ndarray) -> None:
    """How far each score is below the best one, in units of 1/64 bit."""
    for i in range(scores_S.size):
        distance_S[i] = np.int32(np.rint(min(np.float32(np.int32(best - scores_S[i])) * step, _REACH)))


@kernel(error_model="numpy")
def _split_weights(distance_S: np.ndarray, high_S: np.ndarray, low_S: np.ndarray) -> np.int32:
    total = np.int32(0)
    for i in range(distance_S.size):
        weight = ATTENTION_TABLE[distance_S[i]]
        total += weight
        high_S[i] = np.int8(weight >> np.int32(PIECE_BITS))
        low_S[i] = np.int8(weight & np.int32((1 << PIECE_BITS) - 1))
    return total


@kernel(error_model="numpy")
def mix_rows(
    sums_2MK: np.ndarray, total_M: np.ndarray, value_unit: np.float32, units_NK: np.ndarray, scale_N: np.ndarray
) -> None:
    """Divide sums of weighted values by the sum of their weights, and state all heads of a position in common units."""
    head = sums_2MK.shape[2]
    heads = units_NK.shape[1] // head
    mixed_K = np.empty(units_NK.shape[1], np.float32)
    for n in range(units_NK.shape[0]):
        for h in range(heads):
            high_K, low_K = sums_2MK[0, n * heads + h], sums_2MK[1, n * heads + h]
            total = np.float32(total_M[n * heads + h])
            for i in range(head):
                whole = (np.int64(high_K[i]) << PIECE_BITS) + np.int64(low_K[i])
                mixed_K[h * head + i] = np.float32(whole) / total
        largest = largest_size(mixed_K)
        fill_units(mixed_K, largest, units_NK[n])
        scale_N[n] = largest * value_unit
