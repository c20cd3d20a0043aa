"""From a fitted n-gram model to what is stored: the choice of what is worth its bytes, and the rounding to integers."""

import numpy as np
from jaxtyping import Bool, Float64, UInt8

from laconic.bytelm.counting import NOTHING
from laconic.bytelm.fitting import Ngrams
from laconic.bytelm.trie import BACKOFF_STEPS, LAST, ONE_BITS, PARENT, STEPS_PER_BIT, STORED_EOS, STORED_START, WEIGHT_STEPS
from laconic.shapes import EOS

NODE_BYTES = ENTRY_BYTES = 2
"""What a context and a successor take in a file."""

FIXED_BYTES = 4096
"""More than all the rest of a file takes."""

MIN_WEIGHT = 2.0 ** -((WEIGHT_STEPS - 1) / STEPS_PER_BIT)
"""The smallest weight that can be stored."""


def prune(ngrams: Ngrams, gains_E: Float64[np.ndarray, "E"], max_bytes: int) -> Ngrams:
    """Keep what is worth most per byte, in at most `max_bytes`.

    Args:
        gains_E: what each entry is worth; entries worth nothing go in any case.
        max_bytes: for nodes and entries together.
    """
    if not len(ngrams.keys_N):
        return ngrams
    parents_N = ngrams.parents()
    low, high = 0.0, float(max(gains_E.max(), 0.0)) + 1.0
    kept = _select(ngrams, parents_N, gains_E, low)
    if _size(ngrams, kept) <= max_bytes:
        return ngrams.select(kept)
    for _ in range(40):
        middle = (low + high) / 2
        kept = _select(ngrams, parents_N, gains_E, middle)
        low, high = (middle, high) if _size(ngrams, kept) > max_bytes else (low, middle)
    return ngrams.select(_select(ngrams, parents_N, gains_E, high))


def _size(ngrams: Ngrams, keep_E: Bool[np.ndarray, "E"]) -> int:
    nodes = np.logical_or.reduceat(keep_E, ngrams.first_N[:-1]).sum()
    return int(NODE_BYTES * nodes + ENTRY_BYTES * keep_E.sum())


def _select(ngrams: Ngrams, parents_N: np.ndarray, gains_E: Float64[np.ndarray, "E"], price: float) -> Bool[np.ndarray, "E"]:
    """The entries that are worth `price` per byte, and of each node that has children or is worth it, at least one."""
    profits_E = gains_E - price * ENTRY_BYTES
    starts = ngrams.first_N[:-1]
    best_N = np.maximum.reduceat(profits_E, starts)
    profits_N = np.add.reduceat(np.maximum(profits_E, 0), starts) - price * NODE_BYTES
    keep_N = (profits_N > 0) & (best_N > 0)
    for start, stop in reversed(list(zip(ngrams.levels[1:-1], ngrams.levels[2:], strict=True))):
        keep_N[parents_N[start:stop][keep_N[start:stop]]] = True
    node_of_E = ngrams.owners()
    first_best_E = np.zeros(len(gains_E), dtype=bool)
    at_best = np.flatnonzero(profits_E == best_N[node_of_E])
    first_best_E[at_best[np.unique(node_of_E[at_best], return_index=True)[1]]] = True
    chosen_E: Bool[np.ndarray, "E"] = keep_N[node_of_E] & ((profits_E > 0) | first_best_E)
    return chosen_E


def pack(ngrams: Ngrams) -> dict[str, np.ndarray]:
    """The tensors of a model file."""
    backoffs_N = _steps(ngrams.backoffs_N, BACKOFF_STEPS)
    parents_N = ngrams.parents()
    parent_flags_N = np.zeros(len(parents_N), dtype=np.uint8)
    parent_flags_N[parents_N[parents_N >= 0]] = PARENT
    last_N = np.append(parents_N[1:] != parents_N[:-1], True)[: len(parents_N)]
    last_E = np.zeros(len(ngrams.symbols_E), dtype=bool)
    last_E[ngrams.first_N[1:] - 1] = True
    edges_N = ngrams.keys_N & np.uint64(NOTHING)
    steps = {"weight_table": WEIGHT_STEPS, "backoff_table": BACKOFF_STEPS}
    return {
        "edges_N": np.where(edges_N == NOTHING, STORED_START, edges_N).astype(np.uint8),
        "nodes_N": backoffs_N | parent_flags_N | np.where(last_N, np.uint8(LAST), np.uint8(0)),
        "symbols_E": np.where(ngrams.symbols_E == EOS, STORED_EOS, ngrams.symbols_E).astype(np.uint8),
        "weights_E": _steps(ngrams.weights_E, WEIGHT_STEPS) | np.where(last_E, np.uint8(LAST), np.uint8(0)),
        "root_S": np.maximum(np.rint(ngrams.root_S * (1 << ONE_BITS)), 1).astype("<u4"),
    } | {name: np.rint(2.0 ** (ONE_BITS - np.arange(size) / STEPS_PER_BIT)).astype("<u4") for name, size in steps.items()}


def _steps(shares: Float64[np.ndarray, "_"], steps: int) -> UInt8[np.ndarray, "_"]:
    """Rounded negative logarithms of shares."""
    logs = -STEPS_PER_BIT * np.log2(np.clip(shares, 2.0**-20, 1.0))
    rounded: UInt8[np.ndarray, "_"] = np.clip(np.rint(logs), 0, steps - 1).astype(np.uint8)
    return rounded
