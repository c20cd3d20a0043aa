"""Finding all windows of a few bits: every string that holds a whole cell, and which string owns each cell.

The reading is `exact` (docs/notes/exact-windows.md). Strings form a tree, and the rows of a batch walk through it, each depth
first through a part of its own, so that a model whose contexts can step back is asked about every string once. A row goes on
with the string that holds the most cells, and may leave the others that it finds to whichever row is free. Which row finds
what changes nothing in the result.
"""

from typing import NamedTuple, final

import numpy as np
from jaxtyping import Int64, UInt32

from laconic.codec.codebook import Codebook
from laconic.codec.narrowing import FULL_REGISTER, REGISTER_BITS, UNIT, portion
from laconic.codec.nodes import FIELDS, LOW, SETTLED_LOW, SHIFT, WIDTH, narrow, to_root
from laconic.codec.windows import IDLE, MAX_WINDOW_SYMBOLS, check_window
from laconic.compiled import kernel

_PARTS = 1024
"""A string that holds more than one in so many of all cells is left to another row, unless it holds the most."""

_SHORT = 16
"""So are strings of up to so many symbols, which are soon read again, while there are rows with nothing to do."""

_REGISTER, _ZERO = np.uint64(REGISTER_BITS), np.uint64(0)
_KEEP = np.iinfo(np.int64).max
_NOBODY = -1
_TARGET, _TASK, _CONTEXT = 0, 1, 2
_USED, _WAITING, _SETTLED, _FREE = 0, 1, 2, 3


class _Tree(NamedTuple):
    """Strings by number, in the order in which they were found: the empty one is 0, and siblings lie together.

    Attributes:
        nodes_N5: their intervals.
        cells_N: how many whole cells each holds.
        parents_N: the string without its last symbol.
        symbols_N: that symbol.
        depths_N: how many symbols it has.
        first_N: where its children begin.
        children_N: how many there are.
        owners_K: the longest string found so far that holds each cell.
        is_aside_N: whether a string is left to another row than the one that found it.
        waiting_N: a stack of such strings.
        tally: how many strings are used, and how many wait; how many cells have met their owners; how many rows are free.
    """

    nodes_N5: np.ndarray
    cells_N: np.ndarray
    parents_N: np.ndarray
    symbols_N: np.ndarray
    depths_N: np.ndarray
    first_N: np.ndarray
    children_N: np.ndarray
    owners_K: np.ndarray
    is_aside_N: np.ndarray
    waiting_N: np.ndarray
    tally: np.ndarray


@final
class Grower:
    """The tree of strings, grown by showing it the counts that follow each of them.

    One turn: append `next_symbols` to the contexts until there are none, show `grow` the counts, and cut the contexts back to
    what it returns. `seat` begins anew with another number of contexts.

    Args:
        bits: of a window.
        precision: counts sum to `2**precision`.
        room: how many strings there may be.
    """

    def __init__(self, *, bits: int, precision: int, room: int) -> None:
        check_window(bits, precision, "exact")
        self._bits, self._precision = bits, precision
        self._tree = _Tree(
            nodes_N5=np.empty((room, FIELDS), np.uint64),
            cells_N=np.empty(room, np.uint32),
            parents_N=np.empty(room, np.int32),
            symbols_N=np.zeros(room, np.uint16),
            depths_N=np.zeros(room, np.uint16),
            first_N=np.empty(room, np.int32),
            children_N=np.zeros(room, np.uint16),
            owners_K=np.zeros(1 << bits, np.uint32),
            is_aside_N=np.zeros(room, np.bool_),
            waiting_N=np.zeros(room, np.int32),
            tally=np.array([1, 1, 0, 0]),
        )
        to_root(self._tree.nodes_N5[0])
        self._tree.cells_N[0] = 1 << bits
        self._rows_B3 = np.empty((0, 3), np.int64)

    @property
    def wanted(self) -> int:
        """How many rows would have something to do; 0 when all strings are found."""
        return int(self._tree.tally[_WAITING] + np.count_nonzero(self._rows_B3[:, _TARGET] != _NOBODY))

    @property
    def strings(self) -> int:
        """How many strings hold a cell, as far as they are found; the empty one is among them."""
        return int(self._tree.tally[_USED])

    @property
    def settled(self) -> int:
        """How many cells have met their owners; all of them in the end."""
        return int(self._tree.tally[_SETTLED])

    def seat(self, batch: int) -> None:
        """Go on with so many rows, at least as many as are busy, whose contexts are all empty."""
        rows_B3 = np.full((batch, 3), _NOBODY)
        busy_R3 = self._rows_B3[self._rows_B3[:, _TARGET] != _NOBODY]
        rows_B3[: len(busy_R3)] = busy_R3
        rows_B3[:, _CONTEXT] = 0
        self._rows_B3 = rows_B3
        _assign(self._tree, rows_B3)

    def next_symbols(self) -> Int64[np.ndarray, "B"]:
        """What to append to each context; `IDLE` where nothing is missing."""
        symbols_B = np.empty(len(self._rows_B3), np.int64)
        _next_symbols(self._tree, self._rows_B3, symbols_B)
        return symbols_B

    def grow(self, cumulative_BC: UInt32[np.ndarray, "B C"]) -> Int64[np.ndarray, "B"]:
        """Take the counts that follow each context.

        Returns:
            How many symbols of its context each row keeps.

        Raises:
            MemoryError: there are more strings than there is room for.
        """
        keep_B = np.full(len(self._rows_B3), _KEEP)
        if not _grow(self._tree, self._rows_B3, cumulative_BC, self._bits, np.uint64(self._precision), keep_B):
            raise MemoryError(f"more than {len(self._tree.parents_N):,} strings hold a cell")
        return keep_B

    def finish(self) -> Codebook:
        """The strings and their codes, once `wanted` is 0; nothing else may be asked afterwards, since the tree is let go.

        Raises:
            ValueError: the strings are longer in all than a codebook holds.
        """
        tree, used = self._tree, self.strings
        order_N = np.empty(used, np.int32)
        _breadth_first(tree, order_N)
        rank_N = np.empty(used, np.uint32)
        rank_N[order_N] = np.arange(used, dtype=np.uint32)
        symbols_N, children_N, owners_K = tree.symbols_N[order_N], tree.children_N[order_N], rank_N[tree.owners_K]
        del self._tree, tree, order_N, rank_N
        return Codebook(bits=self._bits, symbols_N=symbols_N, children_N=children_N, owners_K=owners_K)


@kernel()
def _assign(tree: _Tree, rows_B3: np.ndarray) -> None:
    """Give every row that has nothing to do a string that waits, as long as there is one."""
    for b in range(len(rows_B3)):
        if rows_B3[b, _TARGET] == _NOBODY and tree.tally[_WAITING] > 0:
            tree.tally[_WAITING] -= 1
            rows_B3[b, _TARGET] = rows_B3[b, _TASK] = tree.waiting_N[tree.tally[_WAITING]]
            rows_B3[b, _CONTEXT] = 0


@kernel()
def _next_symbols(tree: _Tree, rows_B3: np.ndarray, symbols_B: np.ndarray) -> None:
    for b in range(len(rows_B3)):
        target, context = rows_B3[b, _TARGET], rows_B3[b, _CONTEXT]
        symbols_B[b] = IDLE
        if target != _NOBODY and context < tree.depths_N[target]:
            for _ in range(context + 1, tree.depths_N[target]):
                target = tree.parents_N[target]
            symbols_B[b] = tree.symbols_N[target]
            rows_B3[b, _CONTEXT] += 1


@kernel()
def _grow(
    tree: _Tree, rows_B3: np.ndarray, cumulative_BC: np.ndarray, bits: int, precision: np.uint64, keep_B: np.ndarray
) -> bool:
    """Find the children of each target whose context is complete, and send its row on; False if there is no room."""
    tree.tally[_FREE] = np.count_nonzero(rows_B3[:, _TARGET] == _NOBODY)
    for b in range(len(rows_B3)):
        target = rows_B3[b, _TARGET]
        if target != _NOBODY and rows_B3[b, _CONTEXT] == tree.depths_N[target]:
            if not _find_children(tree, target, cumulative_BC[b], bits, precision):
                return False
            target = _next_target(tree, target, rows_B3[b, _TASK])
            rows_B3[b, _TARGET] = target
            if target != _NOBODY:
                rows_B3[b, _CONTEXT] = keep_B[b] = tree.depths_N[target] - 1
    for b in range(len(rows_B3)):
        if rows_B3[b, _TARGET] == _NOBODY:
            keep_B[b] = 0
    _assign(tree, rows_B3)
    return True


@kernel()
def _find_children(tree: _Tree, parent: int, edges: np.ndarray, bits: int, precision: np.uint64) -> bool:
    """Add the children of a string that hold a whole cell; False if there is no room for them."""
    node = tree.nodes_N5[parent]
    low, inner, depth = node[LOW], node[WIDTH] - UNIT, np.uint64(bits) - node[SHIFT]
    cell = FULL_REGISTER >> depth
    used = first = tree.tally[_USED]
    tree.tally[_SETTLED] += tree.cells_N[parent]
    stop = _ZERO
    for symbol in range(edges.size - 1):
        start, stop = stop, portion(inner, np.uint64(edges[symbol + 1]), precision)
        gap = (_ZERO - (low + start)) & (cell - UNIT)
        if gap + cell > stop - start:
            continue
        if used == len(tree.parents_N):
            return False
        cells = np.int64((stop - start - gap) >> (_REGISTER - depth))
        place = np.int64((node[SETTLED_LOW] << depth) + ((low + start + gap) >> (_REGISTER - depth)))
        tree.owners_K[place : place + cells] = used
        tree.nodes_N5[used] = node
        narrow(tree.nodes_N5[used], edges[symbol], edges[symbol + 1], precision)
        tree.cells_N[used], tree.parents_N[used], tree.symbols_N[used] = cells, parent, symbol
        tree.depths_N[used] = tree.depths_N[parent] + 1
        used += 1
    tree.first_N[parent], tree.children_N[parent], tree.tally[_USED] = first, used - first, used
    if first < used and tree.depths_N[first] < MAX_WINDOW_SYMBOLS:
        _share_out(tree, first, used, bits)
    return True


@kernel()
def _share_out(tree: _Tree, first: int, end: int, bits: int) -> None:
    """Leave children to other rows: not the largest, unless they are single symbols."""
    largest = first
    for child in range(first, end):
        tree.tally[_SETTLED] -= tree.cells_N[child]
        if tree.cells_N[child] > tree.cells_N[largest]:
            largest = child
    is_single, is_short = tree.depths_N[first] == 1, tree.depths_N[first] <= _SHORT
    for child in range(first, end):
        is_wanted = is_short and tree.tally[_WAITING] < tree.tally[_FREE]
        if is_single or (child != largest and (is_wanted or tree.cells_N[child] > (1 << bits) // _PARTS)):
            tree.is_aside_N[child] = True
            tree.waiting_N[tree.tally[_WAITING]] = child
            tree.tally[_WAITING] += 1


@kernel()
def _next_target(tree: _Tree, string: int, task: int) -> int:
    """The string that comes after this one, depth first, within the part that begins at `task`; or nobody."""
    candidate, end = tree.first_N[string], tree.first_N[string] + tree.children_N[string]
    while True:
        if tree.depths_N[string] + 1 < MAX_WINDOW_SYMBOLS:
            while candidate < end:
                if not tree.is_aside_N[candidate]:
                    return int(candidate)
                candidate += 1
        if string == task:
            return _NOBODY
        candidate, string = string + 1, tree.parents_N[string]
        end = tree.first_N[string] + tree.children_N[string]


@kernel()
def _breadth_first(tree: _Tree, order_N: np.ndarray) -> None:
    """Number the strings by length, and then as their parents and their last symbols come."""
    order_N[0], found = 0, 1
    for n in range(order_N.size):
        first = tree.first_N[order_N[n]]
        for child in range(first, first + tree.children_N[order_N[n]]):
            order_N[found] = child
            found += 1
