"""Fitting an interpolated n-gram model to counts: expectation and maximisation over a fixed set of n-grams.

The model predicts symbol s after context c, with c' the context less its oldest symbol, as

    p(s | c) = weight(c, s) + backoff(c) * p(s | c')

where contexts that are not kept pass on `p(s | c')`. That a context starts somewhere counts as its oldest symbol. Each
occurrence of an n-gram is shared out among the orders by how much they contribute to its probability; the shares, summed,
are the next weights and backoffs (Jelinek and Mercer 1980).

Fitted to its own counts this would give all mass to the longest contexts, so each n-gram is predicted as if `leave_out` of
its occurrences had not been seen: leaving out several, not one, allows for words that come in bursts.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float64, Int64, UInt64

from laconic.bytelm.counting import CONTEXT, FIELD, NOTHING, GramCounts
from laconic.bytelm.trie import NOT_STORED
from laconic.compiled import kernel
from laconic.shapes import SYMBOLS

_MIN_ROOT = 1e-9


@dataclass(frozen=True, kw_only=True)
class Ngrams:
    """The kept contexts ("nodes", shortest first, in the order of their keys) and their successors ("entries").

    Attributes:
        levels: nodes of context length k are those from `levels[k - 1]` to `levels[k]`, k = 1 to 5.
        keys_N: each node's context, as the leading fields of a key.
        first_N: node n has the entries from `first_N[n]` to `first_N[n + 1]`; one more than there are nodes.
        symbols_E: the successor, ascending within a node.
        counts_E: how often it occurred there.
        weights_E: what it contributes to the probability.
        backoffs_N: the share of the shorter context.
        root_S: the probabilities with no context at all.
    """

    levels: tuple[int, ...]
    keys_N: UInt64[np.ndarray, "N"]
    first_N: Int64[np.ndarray, "N1"]
    symbols_E: Int64[np.ndarray, "E"]
    counts_E: Float64[np.ndarray, "E"]
    weights_E: Float64[np.ndarray, "E"]
    backoffs_N: Float64[np.ndarray, "N"]
    root_S: Float64[np.ndarray, "257"]

    def owners(self) -> Int64[np.ndarray, "E"]:
        """The node of each entry."""
        return np.repeat(np.arange(len(self.keys_N)), np.diff(self.first_N))

    def parents(self) -> Int64[np.ndarray, "N"]:
        """The node of each node's context less its oldest symbol; -1 for contexts of one symbol."""
        parents_N = np.full(len(self.keys_N), -1)
        for k in range(2, CONTEXT + 1):
            above, here = slice(self.levels[k - 2], self.levels[k - 1]), slice(self.levels[k - 1], self.levels[k])
            parents_N[here] = above.start + np.searchsorted(self.keys_N[above], self.keys_N[here] >> np.uint64(FIELD))
        return parents_N

    def select(self, keep_E: Bool[np.ndarray, "E"]) -> "Ngrams":
        """Only the marked entries, and the nodes that still have some."""
        left_N = np.add.reduceat(keep_E.astype(np.int64), self.first_N[:-1])
        lost_E, keep_N = np.where(keep_E, 0.0, self.weights_E), left_N > 0
        backoffs_N = self.backoffs_N + np.add.reduceat(lost_E, self.first_N[:-1])
        return replace(
            self,
            levels=tuple(int(keep_N[:level].sum()) for level in self.levels),
            keys_N=self.keys_N[keep_N],
            first_N=np.concatenate([[0], np.cumsum(left_N[keep_N])]),
            symbols_E=self.symbols_E[keep_E],
            counts_E=self.counts_E[keep_E],
            weights_E=self.weights_E[keep_E],
            backoffs_N=backoffs_N[keep_N],
        )


@dataclass(frozen=True, kw_only=True)
class Shares:
    """What one pass over the counts found.

    Attributes:
        bits: the code length of all counted symbols.
        root_S, entries_E, backoffs_N: occurrences shared out to the empty context, to entries, and past nodes.
        gains_E: how many bits the code would grow by without an entry; negative where it would shrink.
    """

    bits: float
    root_S: Float64[np.ndarray, "257"]
    entries_E: Float64[np.ndarray, "E"]
    backoffs_N: Float64[np.ndarray, "N"]
    gains_E: Float64[np.ndarray, "E"]


def collect(counts: GramCounts, *, order: int, min_count: int, min_backoff: float) -> Ngrams:
    """All n-grams that occurred at least `min_count` times, with first guesses of their weights.

    Args:
        order: the longest n-gram, 2 to 6; contexts have up to `order - 1` symbols.
        min_backoff: the least share of the shorter context.
    """
    root_S = np.bincount((counts.keys_N & np.uint64(NOTHING)).astype(np.int64), weights=counts.counts_N, minlength=SYMBOLS)
    parts: list[tuple[np.ndarray, ...]] = []
    levels = [0]
    for k in range(1, CONTEXT + 1):
        keys_E, counts_E = _shorten(counts, k)
        if k >= order:
            keys_E, counts_E = keys_E[:0], counts_E[:0]
        nodes_E = keys_E >> np.uint64(FIELD)
        nodes_N, of_E = np.unique(nodes_E, return_inverse=True)
        totals_N = np.bincount(of_E, weights=counts_E, minlength=len(nodes_N))
        keep_E = counts_E >= min_count
        weights_E = (counts_E - 0.8) / totals_N[of_E] if len(of_E) else np.zeros(0)
        nodes_N, sizes_N = np.unique(nodes_E[keep_E], return_counts=True)
        symbols_E = (keys_E & np.uint64(NOTHING)).astype(np.int64)
        parts.append((nodes_N, sizes_N, symbols_E[keep_E], counts_E[keep_E].astype(np.float64), weights_E[keep_E]))
        levels.append(levels[-1] + len(nodes_N))
    keys_N, sizes_N, symbols_E, counts_E, weights_E = (np.concatenate(part) for part in zip(*parts, strict=True))
    first_N = np.concatenate([[0], np.cumsum(sizes_N)])
    backoffs_N = np.maximum(1 - np.add.reduceat(weights_E, first_N[:-1]), min_backoff) if len(keys_N) else np.zeros(0)
    return Ngrams(
        levels=tuple(levels), keys_N=keys_N, first_N=first_N, symbols_E=symbols_E, counts_E=counts_E,
        weights_E=weights_E, backoffs_N=backoffs_N, root_S=np.maximum(root_S / root_S.sum(), _MIN_ROOT),
    )  # fmt: skip


def _shorten(counts: GramCounts, k: int) -> tuple[UInt64[np.ndarray, "_"], Float64[np.ndarray, "_"]]:
    """Counts of (context of k fields, symbol), where the oldest field may say that the context starts there.

    Left out are positions with a shorter context, and all n-grams with the byte that files have no room for.
    """
    keys = ((counts.keys_N >> np.uint64(FIELD * (CONTEXT + 1 - k))) << np.uint64(FIELD)) | (counts.keys_N & np.uint64(NOTHING))
    whole = keys & np.uint64(NOTHING) != NOT_STORED
    for place in range(1, k + 1):
        field = (keys >> np.uint64(FIELD * place)) & np.uint64(NOTHING)
        whole &= (field != NOT_STORED) & ((field != NOTHING) | (place == 1))
    keys, counts_N = keys[whole], counts.counts_N[whole]
    order = np.argsort(keys, kind="stable")
    keys, counts_N = keys[order], counts_N[order]
    if not len(keys):
        return keys, counts_N
    first = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    return keys[first], np.add.reduceat(counts_N, first)


def share_out(ngrams: Ngrams, counts: GramCounts, *, leave_out: float) -> Shares:
    """Share every counted occurrence out among the orders, and measure what each entry is worth.

    Args:
        leave_out: occurrences of each n-gram to treat as unseen; 0 measures text that the n-grams do not come from.
    """
    unseen_E = np.maximum(1 - leave_out / ngrams.counts_E, 0)
    root_S, entries_E = np.zeros(SYMBOLS), np.zeros(len(ngrams.symbols_E))
    backoffs_N, gains_E = np.zeros(len(ngrams.keys_N)), np.zeros(len(ngrams.symbols_E))
    bits = _share_out(
        counts.keys_N, counts.counts_N, np.array(ngrams.levels), ngrams.keys_N, ngrams.first_N, ngrams.symbols_E,
        ngrams.weights_E * unseen_E, ngrams.backoffs_N, ngrams.root_S, root_S, entries_E, backoffs_N, gains_E,
    )  # fmt: skip
    # Without an entry, its node passes more mass on to the shorter context, from which its other symbols gain.
    node_of_E = ngrams.owners()
    gains_E -= backoffs_N[node_of_E] * np.log2(1 + ngrams.weights_E / ngrams.backoffs_N[node_of_E])
    return Shares(bits=bits, root_S=root_S, entries_E=entries_E, backoffs_N=backoffs_N, gains_E=gains_E)


def refit(ngrams: Ngrams, shares: Shares, *, min_backoff: float) -> Ngrams:
    """The same n-grams with the weights and backoffs that the shares imply, no backoff below `min_backoff`."""
    if not len(ngrams.keys_N):
        return replace(ngrams, root_S=np.maximum(shares.root_S / shares.root_S.sum(), _MIN_ROOT))
    totals_N = np.maximum(np.add.reduceat(shares.entries_E, ngrams.first_N[:-1]) + shares.backoffs_N, _MIN_ROOT)
    backoffs_N = np.maximum(shares.backoffs_N / totals_N, min_backoff)
    given_N = np.maximum(totals_N - shares.backoffs_N, _MIN_ROOT)
    return replace(
        ngrams,
        weights_E=shares.entries_E * ((1 - backoffs_N) / given_N)[ngrams.owners()],
        backoffs_N=backoffs_N,
        root_S=np.maximum(shares.root_S / shares.root_S.sum(), _MIN_ROOT),
    )


@kernel()
def _share_out(
    keys_G: np.ndarray, counts_G: np.ndarray, levels: np.ndarray, keys_N: np.ndarray, first_N: np.ndarray,
    symbols_E: np.ndarray, weights_E: np.ndarray, backoffs_N: np.ndarray, root_S: np.ndarray,
    root_share_S: np.ndarray, share_E: np.ndarray, passed_N: np.ndarray, gains_E: np.ndarray,
) -> float:  # fmt: skip
    """One pass over sorted keys; the nodes are met in the same order, so one pointer per level finds them."""
    pointers = levels[:CONTEXT].copy()
    nodes = np.full(CONTEXT + 1, -1, dtype=np.int64)
    entries = np.full(CONTEXT + 1, -1, dtype=np.int64)
    slots = np.zeros((CONTEXT + 1, SYMBOLS), dtype=np.int64)
    owners = np.full((CONTEXT + 1, SYMBOLS), -1, dtype=np.int64)
    chances = np.zeros(CONTEXT + 1)
    bits = 0.0
    for g in range(keys_G.shape[0]):
        changed = g == 0
        for k in range(1, CONTEXT + 1):
            shift = np.uint64(FIELD * (CONTEXT + 1 - k))
            prefix = keys_G[g] >> shift
            changed = changed or prefix != keys_G[g - 1] >> shift
            if changed:
                nodes[k] = _enter(prefix, k, levels, keys_N, first_N, symbols_E, pointers, slots, owners)
        symbol = np.int64(keys_G[g] & np.uint64(NOTHING))
        chances[0] = root_S[symbol]
        for k in range(1, CONTEXT + 1):
            node, entries[k], chances[k] = nodes[k], -1, chances[k - 1]
            if node >= 0:
                chances[k] *= backoffs_N[node]
                if owners[k, symbol] == node:
                    entries[k] = slots[k, symbol]
                    chances[k] += weights_E[entries[k]]
        bits -= counts_G[g] * np.log2(chances[CONTEXT])
        rest = _credit(counts_G[g], nodes, entries, chances, weights_E, backoffs_N, share_E, passed_N, gains_E)
        root_share_S[symbol] += rest
    return bits


@kernel()
def _enter(
    prefix: int, k: int, levels: np.ndarray, keys_N: np.ndarray, first_N: np.ndarray, symbols_E: np.ndarray,
    pointers: np.ndarray, slots: np.ndarray, owners: np.ndarray,
) -> int:  # fmt: skip
    """Find the node of a context, -1 if it is not kept, and lay out its entries by symbol."""
    node: int = pointers[k - 1]
    while node < levels[k] and keys_N[node] < prefix:
        node += 1
    pointers[k - 1] = node
    if node == levels[k] or keys_N[node] != prefix:
        return -1
    for entry in range(first_N[node], first_N[node + 1]):
        slots[k, symbols_E[entry]] = entry
        owners[k, symbols_E[entry]] = node
    return node


@kernel()
def _credit(
    count: int, nodes: np.ndarray, entries: np.ndarray, chances: np.ndarray, weights_E: np.ndarray, backoffs_N: np.ndarray,
    share_E: np.ndarray, passed_N: np.ndarray, gains_E: np.ndarray,
) -> float:  # fmt: skip
    """Share `count` occurrences out, longest context first; returns what is left for the empty context."""
    rest, reach = float(count), 1.0
    for k in range(CONTEXT, 0, -1):
        node, entry = nodes[k], entries[k]
        if node < 0:
            continue
        if entry >= 0:
            weight = weights_E[entry]
            part = weight / chances[k]
            share_E[entry] += rest * part
            rest *= 1 - part
            without = chances[CONTEXT] - reach * weight * (1 - chances[k - 1])
            gains_E[entry] += count * np.log2(chances[CONTEXT] / without)
        passed_N[node] += rest
        reach *= backoffs_N[node]
    return rest
