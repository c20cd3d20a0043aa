"""The compiled loops of the n-gram model: find the contexts that match, add their weights, make counts.

A prediction adds up the successors of all matching contexts, each in its reach: 2**19 for the longest, and for each
shorter one that of the longer times its backoff, rounded down. All arithmetic is in int64: the arrays are of signed or
narrow types, since numba turns a mixture of int64 and uint64 into floats. Kernels release the interpreter's lock and touch only
their own rows of the output.
"""

import numpy as np
from numba import njit

from laconic.bytelm.trie import MAX_DEPTH, ONE_BITS, Trie
from laconic.bytelm.weights import edge, fill_edges, scale_of
from laconic.shapes import BYTES, EOS, SYMBOLS

REACH = 1 << 19
"""The factor of the longest context that matches."""


@njit(cache=True, nogil=True)
def find_nodes(trie: Trie, history_T: np.ndarray, length: int, nodes: np.ndarray) -> int:
    """Write the nodes of all contexts that match, shortest first; returns how many."""
    depth = 0
    while depth < MAX_DEPTH and depth < length:
        symbol = history_T[length - 1 - depth]
        if symbol >= EOS:
            break
        if depth == 0:
            node = trie.singles[symbol]
        elif depth == 1:
            node = trie.pairs[history_T[length - 1] * BYTES + symbol]
        else:
            node = _find_child(trie, nodes[depth - 1], symbol)
        if node < 0:
            break
        nodes[depth] = node
        depth += 1
    return depth


@njit(cache=True, nogil=True)
def _find_child(trie: Trie, node: int, symbol: int) -> int:
    low, end = trie.children_N[node], trie.children_N[node + 1]
    high = end
    while low < high:
        middle = (low + high) >> 1
        if trie.edges_N[middle] < symbol:
            low = middle + 1
        else:
            high = middle
    return low if low < end and trie.edges_N[low] == symbol else -1


@njit(cache=True, nogil=True)
def fill_weights(trie: Trie, nodes: np.ndarray, depth: int, weights_S: np.ndarray) -> None:
    """Write the weights of all 257 symbols, int64."""
    reach = REACH
    weights_S[:] = 0
    for level in range(depth - 1, -1, -1):
        node = nodes[level]
        first, end = trie.first_N[node], trie.first_N[node + 1]
        below = trie.below[first + node]
        for entry in range(first, end):
            above = trie.below[entry + node + 1]
            weights_S[trie.symbols_E[entry]] += reach * (above - below)
            below = above
        reach = (reach * trie.backoffs_N[node]) >> ONE_BITS
    for symbol in range(SYMBOLS):
        weights_S[symbol] += reach * (trie.root_C[symbol + 1] - trie.root_C[symbol])


@njit(cache=True, nogil=True)
def symbol_range(trie: Trie, nodes: np.ndarray, depth: int, symbol: int, symbols: int, precision: int) -> tuple[int, int]:
    """The two edges of one symbol: the same as by `fill_weights` and `fill_edges`, without the other symbols."""
    reach = REACH
    below = above = weight = 0
    for level in range(depth - 1, -1, -1):
        node = nodes[level]
        first, end = trie.first_N[node], trie.first_N[node + 1]
        low, high = first, end
        while low < high:
            middle = (low + high) >> 1
            if trie.symbols_E[middle] < symbol:
                low = middle + 1
            else:
                high = middle
        below += reach * trie.below[low + node]
        above += reach * trie.below[low + node + (1 if low < end and trie.symbols_E[low] == symbol else 0)]
        if symbols < SYMBOLS and trie.symbols_E[end - 1] == EOS:
            end -= 1
        weight += reach * trie.below[end + node]
        reach = (reach * trie.backoffs_N[node]) >> ONE_BITS
    below += reach * trie.root_C[symbol]
    above += reach * trie.root_C[symbol + 1]
    weight += reach * trie.root_C[symbols]
    if weight == 0:
        below, above, weight = symbol, symbol + 1, symbols
    scale = scale_of(weight, symbols, precision)
    return edge(symbol, below, scale, symbols, precision), edge(symbol + 1, above, scale, symbols, precision)


@njit(cache=True, nogil=True)
def fill_cumulative(
    trie: Trie, history_BT: np.ndarray, lengths_B: np.ndarray, symbols: int, precision: int, edges_BC: np.ndarray
) -> None:
    """The edges of the next symbol of each row."""
    nodes = np.zeros(MAX_DEPTH, dtype=np.int64)
    weights_S = np.zeros(SYMBOLS, dtype=np.int64)
    for row in range(history_BT.shape[0]):
        depth = find_nodes(trie, history_BT[row], lengths_B[row], nodes)
        fill_weights(trie, nodes, depth, weights_S)
        fill_edges(weights_S, symbols, precision, edges_BC[row])


@njit(cache=True, nogil=True)
def fill_counts(trie: Trie, symbols_BT: np.ndarray, symbols: int, precision: int, edges_BTC: np.ndarray) -> None:
    """The edges at every position of each row."""
    nodes = np.zeros(MAX_DEPTH, dtype=np.int64)
    weights_S = np.zeros(SYMBOLS, dtype=np.int64)
    for row in range(symbols_BT.shape[0]):
        for step in range(symbols_BT.shape[1]):
            depth = find_nodes(trie, symbols_BT[row], step, nodes)
            fill_weights(trie, nodes, depth, weights_S)
            fill_edges(weights_S, symbols, precision, edges_BTC[row, step])


@njit(cache=True, nogil=True)
def fill_ranges(
    trie: Trie, symbols_BT: np.ndarray, lengths_B: np.ndarray, symbols: int, precision: int,
    starts_BT: np.ndarray, stops_BT: np.ndarray,
) -> None:  # fmt: skip
    """The two edges of each symbol of each row, up to its length."""
    nodes = np.zeros(MAX_DEPTH, dtype=np.int64)
    for row in range(symbols_BT.shape[0]):
        for step in range(min(lengths_B[row], symbols_BT.shape[1])):
            depth = find_nodes(trie, symbols_BT[row], step, nodes)
            symbol = symbols_BT[row, step]
            start, stop = symbol_range(trie, nodes, depth, symbol, symbols, precision)
            starts_BT[row, step] = start
            stops_BT[row, step] = stop
