"""The contexts of an n-gram model as a trie of arrays, and the compact form in which they are stored.

Node 0 and up are contexts of one symbol, then of two, and so on up to five; a child adds the next older symbol, and
siblings lie together in the order of that symbol. That a context starts here, with nothing older, is a symbol too. The byte
255, which no UTF-8 text holds, is in no context and predicted by the empty context alone, so that its value is free.

Stored are, in this order of nodes, one byte for the symbol that a node adds (255: the start), one for its backoff (low 6
bits, an index into a table; bit 6: it has children; bit 7: it is the last of its siblings), and for each successor its symbol
(255: the end of the document) and its weight (low 7 bits, an index; bit 7: it is the last successor of its node). All else
follows from these.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int32, Int64, Integer, UInt8

from laconic.bytelm.files import ModelFile, take_tensor
from laconic.errors import CorruptFileError
from laconic.shapes import BYTES, EOS, SYMBOLS

MAX_DEPTH = 5
"""The longest context, in symbols."""

STEPS_PER_BIT = 8
"""Weights and backoffs are powers of two, rounded to an eighth of an exponent."""

WEIGHT_STEPS, BACKOFF_STEPS = 128, 64
"""How many different weights and backoffs there are."""

ONE_BITS = 16
"""Weights and backoffs are multiples of 2**-16."""

MAX_NODE_WEIGHT = 3 << (ONE_BITS - 1)
"""The weights of one node sum to at most 1.5: with six nodes and a reach of 19 bits they stay below the weight limit."""

BELOW_BITS, AFTER_ALL = 17, 511
"""How successors are laid out: see `Trie`."""

LAST, PARENT = 0x80, 0x40
NOT_STORED = STORED_EOS = STORED_START = 255


class Trie(NamedTuple):
    """What the kernels read; N nodes with E successors in all.

    Attributes:
        singles: int32, the node of each byte, or at 255 of the start, as a context; or -1.
        pairs: int32, the node of each context of two bytes, at (last byte * 256 + the byte before it), or -1.
        edges_N: uint8, the byte that a node adds to its parent's context, or 255 for the start.
        records: int32 of shape (N + 1, 3): where the successors of each node begin, where its children begin, and its
            backoff in units of 2**-16. The last row ends the lists of the last node.
        successors: int32, for each successor of each node, ascending, `symbol << 17 | below`, where `below` is the sum of
            the weights before it; each node's list ends with the symbol `AFTER_ALL` and the sum of all its weights.
        root_C: int64, the sums of the weights below each of the 257 symbols in the empty context, and of all.
    """

    singles: np.ndarray
    pairs: np.ndarray
    edges_N: np.ndarray
    records: np.ndarray
    successors: np.ndarray
    root_C: np.ndarray


def read_trie(file: ModelFile) -> Trie:
    """The trie that a model file describes.

    Raises:
        CorruptFileError: the tensors do not describe one.
    """
    edges_N = take_tensor(file, "edges_N", np.dtype("u1"), (None,))
    nodes_N = take_tensor(file, "nodes_N", np.dtype("u1"), edges_N.shape)
    symbols_E = take_tensor(file, "symbols_E", np.dtype("u1"), (None,))
    weights_E = take_tensor(file, "weights_E", np.dtype("u1"), symbols_E.shape)
    root_S = take_tensor(file, "root_S", np.dtype("<u4"), (SYMBOLS,)).astype(np.int64)
    weight_table = take_tensor(file, "weight_table", np.dtype("<u4"), (WEIGHT_STEPS,)).astype(np.int64)
    backoff_table = take_tensor(file, "backoff_table", np.dtype("<u4"), (BACKOFF_STEPS,)).astype(np.int64)
    _require(backoff_table.max() <= 1 << ONE_BITS, "a backoff is above 1")
    _require(weight_table.min() > 0 and root_S.min() > 0, "a weight is 0")
    children_N = _find_children(nodes_N)
    _require(_ascends(edges_N.astype(np.int64), (nodes_N & LAST) > 0), "siblings are out of order")
    ends_E = (weights_E & LAST) > 0
    _require(int(ends_E.sum()) == len(nodes_N) and (not len(ends_E) or bool(ends_E[-1])), "successors and nodes do not match")
    successors_E = np.where(symbols_E == STORED_EOS, EOS, symbols_E.astype(np.int64))
    _require(_ascends(successors_E, ends_E), "successors are out of order")
    first_N = np.concatenate([[0], np.flatnonzero(ends_E) + 1])
    successors = _lay_out(successors_E, weight_table[weights_E & ~np.uint8(LAST)], first_N)
    _require(root_S.sum() <= MAX_NODE_WEIGHT, "the weights of the empty context are too large")
    singles, pairs = _index_short_contexts(edges_N, children_N, int(children_N[0]) if len(nodes_N) else 0)
    backoffs_N = np.append(backoff_table[nodes_N & (BACKOFF_STEPS - 1)], 0)
    return Trie(
        singles=singles,
        pairs=pairs,
        edges_N=np.ascontiguousarray(edges_N),
        records=np.stack([first_N + np.arange(len(first_N)), children_N, backoffs_N], axis=1).astype(np.int32),
        successors=successors,
        root_C=np.concatenate([[0], np.cumsum(root_S)]),
    )


def _require(fact: bool | np.bool_, otherwise: str) -> None:
    if not fact:
        raise CorruptFileError(f"this n-gram model cannot be used, {otherwise}: fetch or train the model again")


def _find_children(nodes_N: UInt8[np.ndarray, "N"]) -> Int64[np.ndarray, "N1"]:
    """Where the children of each node begin: groups of siblings belong to the parents in order, the root's group first."""
    size = len(nodes_N)
    if size == 0:
        return np.zeros(1, dtype=np.int64)
    ends = np.flatnonzero(nodes_N & LAST) + 1
    parents = np.flatnonzero(nodes_N & PARENT)
    _require(len(ends) == len(parents) + 1 and ends[-1] == size, "families and parents do not match")
    _require(bool((parents < ends[:-1]).all()), "a child comes before its parent")
    sizes_N = np.zeros(size, dtype=np.int64)
    sizes_N[parents] = np.diff(ends)
    children_N: Int64[np.ndarray, "N1"] = ends[0] + np.concatenate([[0], np.cumsum(sizes_N)])
    deepest = int(ends[0])
    for _ in range(MAX_DEPTH - 1):
        deepest = int(children_N[deepest])
    _require(deepest == size, f"a context is longer than {MAX_DEPTH} symbols")
    return children_N


def _ascends(values: Int64[np.ndarray, "_"], ends: Bool[np.ndarray, "_"]) -> bool:
    """Whether values rise strictly within each group; `ends` marks the last of each."""
    return bool(((np.diff(values) > 0) | ends[:-1]).all())


def _lay_out(
    symbols_E: Int64[np.ndarray, "E"], weights_E: Int64[np.ndarray, "E"], first_N: Int64[np.ndarray, "N1"]
) -> Int32[np.ndarray, "_"]:
    """The `successors` of a trie."""
    sizes_N = np.diff(first_N)
    places_E = np.arange(len(symbols_E)) + np.repeat(np.arange(len(sizes_N)), sizes_N)
    starts_N = first_N[:-1] + np.arange(len(sizes_N))
    symbols, steps = np.full(len(symbols_E) + len(sizes_N), AFTER_ALL), np.zeros(len(symbols_E) + len(sizes_N), dtype=np.int64)
    symbols[places_E] = symbols_E
    steps[places_E + 1] = weights_E
    below = np.cumsum(steps)
    below -= np.repeat(below[starts_N], sizes_N + 1)
    _require(not len(below) or below.max() <= MAX_NODE_WEIGHT, "the weights of a context are too large")
    laid_out: Int32[np.ndarray, "_"] = (symbols << BELOW_BITS | below).astype(np.int32)
    return laid_out


def _index_short_contexts(
    edges_N: UInt8[np.ndarray, "N"], children_N: Int64[np.ndarray, "N1"], roots: int
) -> tuple[Integer[np.ndarray, "256"], Integer[np.ndarray, "65536"]]:
    singles, pairs = np.full(BYTES, -1, dtype=np.int32), np.full(BYTES * BYTES, -1, dtype=np.int32)
    singles[edges_N[:roots]] = np.arange(roots)
    for node in range(roots):
        children = np.arange(children_N[node], children_N[node + 1])
        pairs[int(edges_N[node]) * BYTES + edges_N[children].astype(np.int64)] = children
    return singles, pairs
