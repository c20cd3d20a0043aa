"""The one place where weights become counts.

A byte model states how likely each symbol is as a nonnegative integer *weight*. Here, and nowhere else, weights become
counts that are each at least 1 and sum to `2**precision` exactly. With Q(s) the sum of the weights below symbol s, over S
symbols of total weight Q(S), a count total of T = 2**precision and h = 63 - precision, the lower edge of symbol s < S is

    scale = floor((T - S) * 2**h / Q(S))        edge(s) = s + floor(Q(s) * scale / 2**h)

and the last edge, edge(S), is T. A symbol's count is the difference of two edges: each is at least 1, all of them sum to T,
and a coder that knows Q(s) finds an edge without looking at the other symbols. Nothing leaves 63 bits, as
Q(s) * scale <= (T - S) * 2**h. Without the end of a document, the weight of symbol 256 is dropped before anything is
scaled. Where every weight is 0, all symbols count as equally likely.
"""

import numpy as np
from jaxtyping import Integer, UInt32

from laconic.bytelm.base import CountFormat
from laconic.compiled import kernel
from laconic.shapes import SYMBOLS

WEIGHT_LIMIT = 1 << 39
"""The weights of one prediction must sum to less than this: then the rounding of the scale is below one count."""


@kernel(error_model="numpy")
def scale_of(weight: int, symbols: int, precision: int) -> int:
    """The factor from weights to counts: a kernel, all arguments and the result int64.

    Args:
        weight: the sum of the weights of all `symbols` symbols, 1 to `WEIGHT_LIMIT` - 1.
        symbols: the size S of the alphabet.
        precision: counts sum to `2**precision`.
    """
    return (((1 << precision) - symbols) << (63 - precision)) // weight


@kernel(error_model="numpy")
def edge(symbol: int, below: int, scale: int, symbols: int, precision: int) -> int:
    """The lower edge of one symbol: a kernel, all arguments and the result int64.

    Args:
        symbol: 0 to `symbols`; the latter gives the last edge.
        below: the sum of the weights of the symbols before it.
        scale: what `scale_of` returned.
        symbols: the size S of the alphabet.
        precision: counts sum to `2**precision`.
    """
    if symbol == symbols:
        return 1 << precision
    return symbol + ((below * scale) >> (63 - precision))


@kernel(error_model="numpy")
def fill_edges(weights_S: np.ndarray, symbols: int, precision: int, edges_C: np.ndarray) -> None:
    """Write all edges of one prediction: a kernel. Overwrites `weights_S`, int64, of which the first `symbols` count.

    Summing up and scaling are two loops, so that the second one can be vectorised.
    """
    weight = 0
    for symbol in range(symbols):
        here = weights_S[symbol]
        weights_S[symbol] = weight
        weight += here
    if weight == 0:
        for symbol in range(symbols):
            weights_S[symbol] = symbol
        weight = symbols
    scale = scale_of(weight, symbols, precision)
    shift = 63 - precision
    for symbol in range(symbols):
        edges_C[symbol] = symbol + ((weights_S[symbol] * scale) >> shift)
    edges_C[symbols] = 1 << precision


@kernel()
def _fill_batch(weights_NS: np.ndarray, symbols: int, precision: int, edges_NC: np.ndarray) -> None:
    for row in range(weights_NS.shape[0]):
        fill_edges(weights_NS[row], symbols, precision, edges_NC[row])


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
    _fill_batch(weights_NS.astype(np.int64), form.symbols, form.precision, edges_NC)
    return edges_NC
