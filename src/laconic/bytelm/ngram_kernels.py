"""The compiled loops of the n-gram model: find the contexts that match, add their weights, make counts.

A prediction adds up the successors of all matching contexts, each in its reach: 2**19 for the longest, and for each
shorter one that of the longer times its backoff, rounded down. All arithmetic is in int64: the arrays are of signed or
narrow types, since numba turns a mixture of int64 and uint64 into floats. Kernels release the interpreter's lock and touch
only their own rows of the output.
"""

import numpy as np

from laconic.bytelm.counting import EMPTY_CONTEXT, FIELD
from laconic.bytelm.trie import BELOW_BITS, MAX_DEPTH, NOT_STORED, ONE_BITS, STORED_START, Trie
from laconic.bytelm.weights import edge, fill_edges, scale_of
from laconic.compiled import kernel
from laconic.shapes import BYTES, EOS, SYMBOLS

REACH = 1 << 19
"""The factor of the longest context that matches."""

_BELOW = (1 << BELOW_BITS) - 1
_MAX_SLOTS = 1 << 16
_SPREAD = 0x1E3779B97F4A7C15


@kernel()
def find_nodes(
    singles: np.ndarray, pairs: np.ndarray, edges_N: np.ndarray, records: np.ndarray,
    history_T: np.ndarray, length: int, nodes: np.ndarray,
) -> int:  # fmt: skip
    """Write the nodes of all contexts that match, shortest first; returns how many."""
    depth, started = 0, False
    while depth < MAX_DEPTH and not started:
        symbol = STORED_START
        started = depth == length or history_T[length - 1 - depth] >= EOS
        if not started:
            symbol = history_T[length - 1 - depth]
            if symbol == NOT_STORED:
                break
        if depth == 0:
            node = singles[symbol]
        elif depth == 1:
            node = pairs[history_T[length - 1] * BYTES + symbol]
        else:
            parent = nodes[depth - 1]
            node = _find_child(edges_N, records[parent, 1], records[parent + 1, 1], symbol)
        if node < 0:
            break
        nodes[depth] = node
        depth += 1
    return depth


@kernel()
def _find_child(edges_N: np.ndarray, first: int, end: int, symbol: int) -> int:
    """Binary search without branches to mispredict: `low` is the last sibling whose byte is not above `symbol`, if any is."""
    low, size = first, end - first
    while size > 1:
        half = size >> 1
        low += half * (edges_N[low + half] <= symbol)
        size -= half
    return low if size == 1 and edges_N[low] == symbol else -1


@kernel()
def fill_weights(
    records: np.ndarray, successors: np.ndarray, root_C: np.ndarray, nodes: np.ndarray, depth: int, weights_S: np.ndarray
) -> None:
    """Write the weights of all 257 symbols, int64."""
    reach = REACH
    for level in range(depth - 1, -1, -1):
        reach = (reach * records[nodes[level], 2]) >> ONE_BITS
    for symbol in range(SYMBOLS):
        weights_S[symbol] = reach * (root_C[symbol + 1] - root_C[symbol])
    reach = REACH
    for level in range(depth - 1, -1, -1):
        node = nodes[level]
        here = successors[records[node, 0]]
        for place in range(records[node, 0] + 1, records[node + 1, 0]):
            following = successors[place]
            weights_S[here >> BELOW_BITS] += reach * ((following & _BELOW) - (here & _BELOW))
            here = following
        reach = (reach * records[node, 2]) >> ONE_BITS


@kernel()
def symbol_range(
    records: np.ndarray, successors: np.ndarray, root_C: np.ndarray,
    nodes: np.ndarray, depth: int, symbol: int, symbols: int, precision: int,
) -> tuple[int, int]:  # fmt: skip
    """The two edges of one symbol: the same as by `fill_weights` and `fill_edges`, without the other symbols."""
    reach = REACH
    below = above = weight = 0
    wanted = symbol << BELOW_BITS
    for level in range(depth - 1, -1, -1):
        node = nodes[level]
        low, end = records[node, 0], records[node + 1, 0] - 1
        size = end - low
        while size > 0:
            half = (size + 1) >> 1
            low += half * (successors[low + half - 1] < wanted)
            size -= half
        found = successors[low]
        below += reach * (found & _BELOW)
        above += reach * (successors[low + (found >> BELOW_BITS == symbol)] & _BELOW)
        if symbols < SYMBOLS and successors[end - 1] >> BELOW_BITS == EOS:
            end -= 1
        weight += reach * (successors[end] & _BELOW)
        reach = (reach * records[node, 2]) >> ONE_BITS
    below += reach * root_C[symbol]
    above += reach * root_C[symbol + 1]
    weight += reach * root_C[symbols]
    if weight == 0:
        below, above, weight = symbol, symbol + 1, symbols
    scale = scale_of(weight, symbols, precision)
    return edge(symbol, below, scale, symbols, precision), edge(symbol + 1, above, scale, symbols, precision)


@kernel()
def fill_cumulative(
    trie: Trie, history_BT: np.ndarray, lengths_B: np.ndarray, symbols: int, precision: int, edges_BC: np.ndarray
) -> None:
    """The edges of the next symbol of each row."""
    singles, pairs, edges_N, records, successors, root_C = trie
    nodes = np.zeros(MAX_DEPTH, dtype=np.int64)
    weights_S = np.zeros(SYMBOLS, dtype=np.int64)
    for row in range(history_BT.shape[0]):
        depth = find_nodes(singles, pairs, edges_N, records, history_BT[row], lengths_B[row], nodes)
        fill_weights(records, successors, root_C, nodes, depth, weights_S)
        fill_edges(weights_S, symbols, precision, edges_BC[row])


@kernel()
def fill_counts(trie: Trie, symbols_BT: np.ndarray, symbols: int, precision: int, edges_BTC: np.ndarray) -> None:
    """The edges at every position of each row."""
    singles, pairs, edges_N, records, successors, root_C = trie
    nodes = np.zeros(MAX_DEPTH, dtype=np.int64)
    weights_S = np.zeros(SYMBOLS, dtype=np.int64)
    for row in range(symbols_BT.shape[0]):
        for step in range(symbols_BT.shape[1]):
            depth = find_nodes(singles, pairs, edges_N, records, symbols_BT[row], step, nodes)
            fill_weights(records, successors, root_C, nodes, depth, weights_S)
            fill_edges(weights_S, symbols, precision, edges_BTC[row, step])


@kernel()
def fill_ranges(
    trie: Trie, symbols_BT: np.ndarray, lengths_B: np.ndarray, symbols: int, precision: int,
    starts_BT: np.ndarray, stops_BT: np.ndarray,
) -> None:  # fmt: skip
    """The two edges of each symbol of each row, up to its length.

    Text repeats itself, so answers are kept in a table by the symbol and the five before it, all of which is compared.
    """
    singles, pairs, edges_N, records, successors, root_C = trie
    nodes = np.zeros(MAX_DEPTH, dtype=np.int64)
    slots = 1
    while slots < _MAX_SLOTS and slots < symbols_BT.size:
        slots <<= 1
    kept_keys, kept_edges = np.full(slots, -1, dtype=np.int64), np.zeros((slots, 2), dtype=np.uint32)
    for row in range(symbols_BT.shape[0]):
        context = EMPTY_CONTEXT
        for step in range(min(lengths_B[row], symbols_BT.shape[1])):
            symbol = symbols_BT[row, step]
            key = (context << FIELD) | symbol
            context = EMPTY_CONTEXT if symbol == EOS else (symbol << (FIELD * (MAX_DEPTH - 1))) | (context >> FIELD)
            slot = ((key * _SPREAD) >> 32) & (slots - 1)
            if kept_keys[slot] != key:
                depth = find_nodes(singles, pairs, edges_N, records, symbols_BT[row], step, nodes)
                start, stop = symbol_range(records, successors, root_C, nodes, depth, symbol, symbols, precision)
                kept_keys[slot], kept_edges[slot, 0], kept_edges[slot, 1] = key, start, stop
            starts_BT[row, step] = kept_edges[slot, 0]
            stops_BT[row, step] = kept_edges[slot, 1]
