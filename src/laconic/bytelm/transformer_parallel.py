"""Many positions at once: rows read side by side, a stretch after the other, each attending to what is kept of the last.

Equal to `laconic.bytelm.integer_forward`, integer for integer, however a text is cut into stretches.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Float32, Int8, Int32, Integer
from torch import Tensor

from laconic.bytelm.attention_kernels import mix_rows, turn_rows, weigh_scores
from laconic.bytelm.products import attention_products
from laconic.bytelm.transformer_layers import AttentionSpace, Both, make_space, run_layers, run_output
from laconic.bytelm.transformer_network import Network, NetworkAttention

_SCORE_ROWS = 256
"""How many queries one product of scores takes, over all heads: more waste work outside the band, fewer are more calls."""


@final
class ParallelReader:
    """R rows of equal length, read from their start.

    Args:
        network: the weights.
        rows: R.
        longest: the longest stretch that will be read at once.
    """

    def __init__(self, network: Network, rows: int, longest: int) -> None:
        shape = network.shape
        self._network, self._rows = network, rows
        self._position = self._kept = 0
        self._cache = torch.empty((shape.attentions, 2, rows, shape.band - 1 + longest, shape.head), dtype=torch.int8)
        self._space, self._queries = make_space(network, rows * longest), _Queries(network, rows * longest)
        self._planned, self._plan = (-1, -1, -1), list[list[_Asking]]()

    def read(self, inputs_RT: Integer[np.ndarray, "R T"]) -> tuple[Int32[np.ndarray, "N 257"], Float32[np.ndarray, "N"]]:
        """Read on.

        Args:
            inputs_RT: the input of the network at each position: the symbol before it, or `START`.

        Returns:
            Sums of the output layer for each position, N = R x T, and their scales; overwritten by the next call.
        """
        if self._space.size != inputs_RT.size:
            self._space, self._queries = make_space(self._network, inputs_RT.size), _Queries(self._network, inputs_RT.size)
        stretch = inputs_RT.shape[1]
        self._plan_for(stretch)

        def attend(part: NetworkAttention, space: AttentionSpace, scale_N: np.ndarray) -> None:
            self._turn(part, space, scale_N, stretch)
            for asking in self._plan[part.index]:
                _attend(asking, part.heads, part.value_unit)

        run_layers(self._network, inputs_RT.ravel(), self._space, attend)
        run_output(self._network, self._space)
        self._keep(stretch)
        return self._space.sums_NS.array, self._space.scale_N

    @property
    def cache(self) -> Int8[np.ndarray, "A 2 R P K"]:
        """Keys and values of the last P positions, fewer than the band, the most recent ones last."""
        cache: np.ndarray = self._cache[:, :, :, : self._kept].numpy()
        return cache

    def _keep(self, stretch: int) -> None:
        """Move the keys and values that will still be seen to the front."""
        end = self._kept + stretch
        self._position += stretch
        self._kept = min(end, self._network.shape.band - 1)
        self._cache[:, :, :, : self._kept] = self._cache[:, :, :, end - self._kept : end].clone()

    def _turn(self, part: NetworkAttention, space: AttentionSpace, scale_N: np.ndarray, stretch: int) -> None:
        """Queries of all positions, and their keys and values behind those that are kept."""
        queries = self._queries
        place_N = np.tile((self._position + np.arange(stretch)) % self._network.shape.band, self._rows)
        turn_rows(
            space.parts_NM.array, scale_N, place_N, part.turning, *queries.by_head[part.heads],
            queries.cached_2NK[0], queries.cached_2NK[1],
        )  # fmt: skip
        new_2RTK = queries.cached_2NK.reshape(2, self._rows, stretch, -1)
        self._cache[part.index, :, :, self._kept : self._kept + stretch] = torch.from_numpy(new_2RTK)

    def _runs(self, stretch: int, heads: int) -> Iterator["_Run"]:
        """Runs of positions, none across blocks of the band."""
        band, begin, end = self._network.shape.band, self._position, self._position + stretch
        size, base = max(1, _SCORE_ROWS // heads), self._position - self._kept
        while begin < end:
            block = begin - begin % band
            stop = min(begin + size, block + band, end)
            former = max(0, begin - band + 1)
            yield _Run(begin - self._position, stop - self._position, former - base, block - base, stop - base)
            begin = stop

    def _plan_for(self, stretch: int) -> None:
        """Know for each layer what asks what; along a text this stays the same once the band is full."""
        planned = (self._position % self._network.shape.band, self._kept, stretch)
        if planned == self._planned:
            return
        attentions = self._network.attentions
        plans = {heads: self._plan_heads(heads, stretch) for heads in {part.heads for part in attentions}}
        self._planned = planned
        self._plan = [
            [
                self._asking(run, self._cache[part.index, :, row], row * stretch, part.heads, scores)
                for row in range(self._rows)
                for run, scores in plans[part.heads]
            ]
            for part in attentions
        ]

    def _plan_heads(self, heads: int, stretch: int) -> list[tuple["_Run", "_Scores"]]:
        """The runs of attentions with so many heads, and room for their scores, one for all of the same shape."""
        runs = list(self._runs(stretch, heads))
        scores = {shape: _Scores(heads, self._network.shape.head, *shape) for shape in {run.shape for run in runs}}
        return [(run, scores[run.shape]) for run in runs]

    def _asking(self, run: "_Run", cache_2PK: Tensor, first: int, heads: int, scores: "_Scores") -> "_Asking":
        queries = self._queries
        rows = slice(first + run.begin, first + run.end)
        asked = slice(rows.start * heads, rows.stop * heads)
        return _Asking(
            own_MK=queries.own_MK.tensor[asked],
            former_MK=queries.former_MK.tensor[asked],
            step_M=queries.step_M[asked],
            own_KP=cache_2PK[0, run.own : run.stop].T,
            former_KP=cache_2PK[0, run.former : run.own].T,
            value_PK=cache_2PK[1, run.former : run.stop],
            scores=scores,
            mixed_NK=self._space.attention[heads].mixed_NK.array[rows],
            scale_N=self._space.scale_N[rows],
        )


def _attend(asking: "_Asking", heads: int, value_unit: np.float32) -> None:
    products, scores = attention_products(), asking.scores
    products.multiply(asking.own_MK, products.prepare(asking.own_KP), scores.own_MS.tensor)
    if asking.former_KP.shape[1]:
        products.multiply(asking.former_MK, products.prepare(asking.former_KP), scores.former_MS.tensor)
    weigh_scores(scores.own_MS.array, scores.former_MS.array, asking.step_M, heads, scores.pieces_2MS, scores.total_M)
    products.multiply(scores.pieces, products.prepare(asking.value_PK), scores.sums)
    mix_rows(scores.sums_2MK, scores.total_M, value_unit, asking.mixed_NK, asking.scale_N)


@final
@dataclass(frozen=True)
class _Run:
    """Positions of a stretch from `begin` to `end`, and where the keys that they see are kept.

    Those of the former block lie from `former` to `own`, those of their own from `own` to `stop`.
    """

    begin: int
    end: int
    former: int
    own: int
    stop: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """Its positions, and how many keys of the former block and of their own they see."""
        return self.end - self.begin, self.own - self.former, self.stop - self.own


@final
@dataclass(frozen=True, kw_only=True)
class _Asking:
    """A run of a row in one layer, as parts of what the reader holds.

    Attributes:
        own_MK: queries for the keys of their own block; `former_MK` those for the former one.
        step_M: what one unit of their scores is worth.
        own_KP: keys of their own block; `former_KP` those of the former one.
        value_PK: values of both, the former block first.
        scores: room for what comes between.
        mixed_NK: where the result goes; `scale_N` takes its scales.
    """

    own_MK: Tensor
    former_MK: Tensor
    step_M: np.ndarray
    own_KP: Tensor
    former_KP: Tensor
    value_PK: Tensor
    scores: "_Scores"
    mixed_NK: np.ndarray
    scale_N: np.ndarray


@final
class _Scores:
    """From queries to mixed values, M of them, all heads of a position next to each other.

    Args:
        heads: H.
        head: the size of one.
        positions: of the run.
        former: how many keys of the former block it sees.
        own: how many of its own.
    """

    def __init__(self, heads: int, head: int, positions: int, former: int, own: int) -> None:
        size = positions * heads
        self.own_MS, self.former_MS = (Both(torch.empty((size, keys), dtype=torch.int32)) for keys in (own, former))
        self.pieces = torch.empty((2 * size, former + own), dtype=torch.int8)
        self.sums = torch.empty((2 * size, head), dtype=torch.int32)
        self.pieces_2MS = self.pieces.numpy().reshape(2, size, former + own)
        self.sums_2MK = self.sums.numpy().reshape(2, size, head)
        self.total_M = np.empty(size, np.int32)


@final
class _Queries:
    """Queries, keys and values of N positions; M = N x H queries, where there are most heads."""

    def __init__(self, network: Network, size: int) -> None:
        head, counts = network.shape.head, {part.heads for part in network.attentions}
        most = size * max(counts, default=0)
        self.own_MK, self.former_MK = (Both(torch.empty((most, head), dtype=torch.int8)) for _ in range(2))
        self.step_M = np.empty(most, np.float32)
        self.cached_2NK = np.empty((2, size, head), np.int8)
        own_MK, former_MK = self.own_MK.array, self.former_MK.array
        self.by_head = {
            heads: (
                own_MK[: size * heads].reshape(size, heads, head),
                former_MK[: size * heads].reshape(size, heads, head),
                self.step_M[: size * heads].reshape(size, heads),
            )
            for heads in counts
        }
        """The same memory, by position, for each number of heads."""
