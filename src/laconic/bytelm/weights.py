"""The one place where weights become counts.

A byte model states how likely each symbol is as a nonnegative integer *weight*. Here, and nowhere else, weights become
counts that are each at least 1 and sum to `2**precision` exactly. With Q(s) the sum of the weights below symbol s, over S
symbols of total weight Q(S) and a count total of T = 2**precision, the lower edge of symbol s is

    edge(s) = s + floor(Q(s) * (T - S) / Q(S))

so one symbol's count is the difference of two edges: it is at least 1, all of them sum to T, and a coder that knows Q(s)
finds an edge without looking at the other symbols. Without the end of a document, the weight of symbol 256 is dropped
before anything is scaled. Where every weight is 0, all symbols count as equally likely.
"""

import numpy as np
from jaxtyping import Integer, UInt32
from numba import njit

from laconic.bytelm.base import CountFormat
from laconic.shapes import SYMBOLS

WEIGHT_LIMIT = 1 << 39
"""The weights of one prediction must sum to less than this: then no product with a count total leaves 63 bits."""


@njit(cache=True, error_model="numpy")
def edge(symbol: int, below: int, weight: int, symbols: int, total: int) -> int:
    """The lower edge of one symbol: a kernel, all arguments and the result int64.

    Args:
        symbol: 0 to `symbols`; the latter gives the last edge, which is `total`.
        below: the sum of the weights of the symbols before it.
        weight: the sum of all weights, below `WEIGHT_LIMIT`.
        symbols: the size S of the alphabet.
        total: what the counts sum to, `2**precision`.
    """
    if weight == 0:
        return symbol + symbol * (total - symbols) // symbols
    return symbol + below * (total - symbols) // weight


@njit(cache=True, error_model="numpy")
def fill_edges(weights_S: np.ndarray, symbols: int, total: int, edges_C: np.ndarray) -> None:
    """Write all edges of one prediction: a kernel; `weights_S` is int64, of which the first `symbols` are read."""
    weight = 0
    for symbol in range(symbols):
        weight += weights_S[symbol]
    below = 0
    for symbol in range(symbols):
        edges_C[symbol] = edge(symbol, below, weight, symbols, total)
        below += weights_S[symbol]
    edges_C[symbols] = total


@njit(cache=True)
def _fill_batch(weights_NS: np.ndarray, symbols: int, total: int, edges_NC: np.ndarray) -> None:
    for row in range(weights_NS.shape[0]):
        fill_edges(weights_NS[row], symbols, total, edges_NC[row])


def cumulative_counts(weights_NS: Integer[np.ndarray, "N 257"], form: CountFormat) -> UInt32[np.ndarray, "N C"]:
    """Cumulative counts of N predictions.

    Args:
        weights_NS: nonnegative weights of the 257 symbols; each row sums to less than `WEIGHT_LIMIT`.
        form: the precision, and whether symbol 256 takes part.

    Raises:
        ValueError: a weight is negative or a row sums to too much.
    """
    if weights_NS.size and (weights_NS.min() < 0 or weights_NS.max() >= WEIGHT_LIMIT // SYMBOLS):
        raise ValueError(f"weights must lie between 0 and {WEIGHT_LIMIT // SYMBOLS - 1}: scale them down")
    edges_NC = np.empty((weights_NS.shape[0], form.symbols + 1), dtype=np.uint32)
    _fill_batch(weights_NS.astype(np.int64), form.symbols, form.total, edges_NC)
    return edges_NC
