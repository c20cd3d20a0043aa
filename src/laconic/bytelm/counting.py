"""Counting n-grams of symbols: each position of each document, with up to five symbols of its context, as one 54-bit key.

A key holds six fields of nine bits, from the most significant: the context's last symbol, the one before it, and so on,
and the predicted symbol last. So sorted keys lie grouped by context, longer contexts within shorter ones. A context never
reaches back over the end of a document; fields before its start hold `NOTHING`, so that where a context starts is known.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, UInt16, UInt64

from laconic.compiled import kernel
from laconic.shapes import EOS

CONTEXT = 5
"""The longest context, in symbols."""

FIELD = 9
"""Bits of a key per symbol."""

NOTHING = 511
"""The field of a context that is shorter than this."""

EMPTY_CONTEXT = (1 << FIELD * CONTEXT) - 1
"""The context fields of a key where a document begins."""

_CHUNK = 1 << 24


@dataclass(frozen=True, kw_only=True)
class GramCounts:
    """How often each n-gram occurred.

    Attributes:
        keys_N: distinct keys, ascending.
        counts_N: the weighted number of occurrences of each, above 0.
        symbols: how many symbols were read, unweighted.
    """

    keys_N: UInt64[np.ndarray, "N"]
    counts_N: Float64[np.ndarray, "N"]
    symbols: int


def count_grams(documents: Iterable[tuple[bytes, int]], *, chunk: int = _CHUNK) -> GramCounts:
    """Count the n-grams of documents, each of which ends with an end-of-document symbol.

    Memory is 24 bytes for each symbol of a chunk and 32 for each distinct n-gram; the text itself streams.

    Args:
        documents: text, and how many times each of its n-grams counts (at least 1).
        chunk: how many symbols are sorted at once; the result does not depend on it.

    Raises:
        ValueError: a weight is below 1.
    """
    keys_N, counts_N = np.zeros(0, dtype=np.uint64), np.zeros(0)
    read, pending, held = 0, dict[int, list[np.ndarray]](), dict[int, int]()

    def settle(weight: int) -> None:
        nonlocal keys_N, counts_N
        held[weight] = 0
        fresh, counts = np.unique(_keys(np.concatenate(pending.pop(weight))), return_counts=True)
        keys_N, counts_N = _merge(keys_N, counts_N, fresh, counts.astype(np.float64) * weight)

    for document, weight in documents:
        if weight < 1:
            raise ValueError(f"documents holds a weight of {weight}: leave the document out, or give it a weight of 1 or more")
        symbols_T = np.append(np.frombuffer(document, dtype=np.uint8).astype(np.uint16), np.uint16(EOS))
        read += len(symbols_T)
        pending.setdefault(weight, []).append(symbols_T)
        held[weight] = held.get(weight, 0) + len(symbols_T)
        if held[weight] >= chunk:
            settle(weight)
    for weight in sorted(pending):
        settle(weight)
    return GramCounts(keys_N=keys_N, counts_N=counts_N, symbols=read)


def add_starts(counts: GramCounts, share: float) -> GramCounts:
    """Count each position again as if its context had started one, two, ... symbols before it, or right at it.

    Windows start anywhere in a text. What is likely there is not what is likely where a long context was of no help.

    Args:
        counts: of whole contexts.
        share: how much each such position counts, for each of the five starts.
    """
    keys_N, counts_N = counts.keys_N, counts.counts_N
    for length in range(CONTEXT if share > 0 else 0):
        hidden = np.uint64(EMPTY_CONTEXT >> (FIELD * length) << FIELD)
        oldest = (counts.keys_N >> np.uint64(FIELD * (CONTEXT + 1 - length))) & np.uint64(NOTHING)
        whole = (oldest != NOTHING) | (length == 0)
        keys, owners = np.unique(counts.keys_N[whole] | hidden, return_inverse=True)
        keys_N, counts_N = _merge(keys_N, counts_N, keys, share * np.bincount(owners, weights=counts.counts_N[whole]))
    return GramCounts(keys_N=keys_N, counts_N=counts_N, symbols=counts.symbols)


@kernel()
def _keys(symbols_T: UInt16[np.ndarray, "T"]) -> UInt64[np.ndarray, "T"]:
    """The key of each position; the text begins with an empty context."""
    keys_T = np.empty(symbols_T.shape[0], dtype=np.uint64)
    context = EMPTY_CONTEXT
    for position in range(symbols_T.shape[0]):
        symbol = symbols_T[position]
        keys_T[position] = np.uint64((context << FIELD) | symbol)
        context = EMPTY_CONTEXT if symbol == EOS else (symbol << (FIELD * (CONTEXT - 1))) | (context >> FIELD)
    return keys_T


@kernel()
def _merge(
    left_N: UInt64[np.ndarray, "_"], left_counts_N: Float64[np.ndarray, "_"],
    right_N: UInt64[np.ndarray, "_"], right_counts_N: Float64[np.ndarray, "_"],
) -> tuple[UInt64[np.ndarray, "_"], Float64[np.ndarray, "_"]]:  # fmt: skip
    """The union of two counted, ascending key lists."""
    keys_N = np.empty(left_N.shape[0] + right_N.shape[0], dtype=np.uint64)
    counts_N = np.empty(keys_N.shape[0])
    i = j = size = 0
    while i < left_N.shape[0] or j < right_N.shape[0]:
        from_left = j == right_N.shape[0] or (i < left_N.shape[0] and left_N[i] <= right_N[j])
        from_right = i == left_N.shape[0] or (j < right_N.shape[0] and right_N[j] <= left_N[i])
        keys_N[size] = left_N[i] if from_left else right_N[j]
        counts_N[size] = 0
        if from_left:
            counts_N[size] += left_counts_N[i]
            i += 1
        if from_right:
            counts_N[size] += right_counts_N[j]
            j += 1
        size += 1
    return keys_N[:size].copy(), counts_N[:size].copy()
