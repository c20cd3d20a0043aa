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
from laconic.bytelm.transformer_layers import Both, Space, make_space, run_layers, run_output
from laconic.bytelm.transformer_network import Network, NetworkLayer

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
        self._cache = torch.empty((shape.layers, 2, rows, shape.band - 1 + longest, shape.head), dtype=torch.int8)
        self._space, self._queries = make_space(network, rows * longest), _Queries(network, rows * longest)
        self._scores_by_shape = dict[tuple[int, int, int], _Scores]()

    def read(self, inputs_RT: Integer[np.ndarray, "R T"]) -> tuple[Int32[np.ndarray, "N 257"], Float32[np.ndarray, "N"]]:
        """Read on.

        Args:
            inputs_RT: the input of the network at each position: the symbol before it, or `START`.

        Returns:
            Sums of the output layer for each position, N = R x T, and their scales; overwritten by the next call.
        """
        if self._space.size != inputs_RT.size:
            self._space, self._queries = make_space(self._network, inputs_RT.size), _Queries(self._network, inputs_RT.size)
        runs, stretch = list(self._runs(inputs_RT.shape[1])), inputs_RT.shape[1]

        def attend(index: int, layer: NetworkLayer, space: Space) -> None:
            self._turn(index, layer, stretch)
            for row in range(self._rows):
                for run in runs:
                    self._attend_run(run, row, stretch, self._cache[index], layer)

        run_layers(self._network, inputs_RT.ravel(), self._space, attend)
        run_output(self._network, self._space)
        self._keep(stretch)
        return self._space.sums_NS.array, self._space.scale_N

    @property
    def cache(self) -> Int8[np.ndarray, "L 2 R P K"]:
        """Keys and values of the last P positions, fewer than the band, the most recent ones last."""
        cache: np.ndarray = self._cache[:, :, :, : self._kept].numpy()
        return cache

    def _keep(self, stretch: int) -> None:
        """Move the keys and values that will still be seen to the front."""
        end = self._kept + stretch
        self._position += stretch
        self._kept = min(end, self._network.shape.band - 1)
        self._cache[:, :, :, : self._kept] = self._cache[:, :, :, end - self._kept : end].clone()

    def _turn(self, index: int, layer: NetworkLayer, stretch: int) -> None:
        """Queries of all positions, and their keys and values behind those that are kept."""
        space, queries = self._space, self._queries
        place_N = np.tile((self._position + np.arange(stretch)) % self._network.shape.band, self._rows)
        turn_rows(
            space.parts_NM.array, space.scale_N, place_N, layer.turning, *queries.by_head,
            queries.cached_2NK[0], queries.cached_2NK[1],
        )  # fmt: skip
        new_2RTK = queries.cached_2NK.reshape(2, self._rows, stretch, -1)
        self._cache[index, :, :, self._kept : self._kept + stretch] = torch.from_numpy(new_2RTK)

    def _runs(self, stretch: int) -> Iterator["_Run"]:
        """Runs of positions, none across blocks of the band."""
        band, begin, end = self._network.shape.band, self._position, self._position + stretch
        size, base = max(1, _SCORE_ROWS // self._network.shape.heads), self._position - self._kept
        while begin < end:
            block = begin - begin % band
            stop = min(begin + size, block + band, end)
            former = max(0, begin - band + 1)
            yield _Run(begin - self._position, stop - self._position, former - base, block - base, stop - base)
            begin = stop

    def _attend_run(self, run: "_Run", row: int, stretch: int, cache_2RPK: Tensor, layer: NetworkLayer) -> None:
        products, queries, heads = attention_products(), self._queries, self._network.shape.heads
        rows = slice(row * stretch + run.begin, row * stretch + run.end)
        asked = slice(rows.start * heads, rows.stop * heads)
        key_PK, value_PK = cache_2RPK[0, row, run.former : run.stop], cache_2RPK[1, row, run.former : run.stop]
        scores = self._scores(run)
        own_KP = products.prepare(key_PK[run.own - run.former :].T)
        products.multiply(queries.own_MK.tensor[asked], own_KP, scores.own_MS.tensor)
        if run.former < run.own:
            former_KP = products.prepare(key_PK[: run.own - run.former].T)
            products.multiply(queries.former_MK.tensor[asked], former_KP, scores.former_MS.tensor)
        weigh_scores(
            scores.own_MS.array, scores.former_MS.array, queries.step_M[asked], heads, scores.pieces_2MS, scores.total_M
        )
        products.multiply(scores.pieces, products.prepare(value_PK), scores.sums)
        mix_rows(scores.sums_2MK, scores.total_M, layer.value_unit, self._space.mixed_NK.array[rows], self._space.scale_N[rows])

    def _scores(self, run: "_Run") -> "_Scores":
        """Room for the scores of a run; the same for runs of the same shape, of which there are few."""
        shape = (run.end - run.begin, run.own - run.former, run.stop - run.own)
        if shape not in self._scores_by_shape:
            self._scores_by_shape[shape] = _Scores(self._network, *shape)
        return self._scores_by_shape[shape]


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


@final
class _Scores:
    """From queries to mixed values, M of them, all heads of a position next to each other.

    Args:
        network: the weights.
        positions: of the run.
        former: how many keys of the former block it sees.
        own: how many of its own.
    """

    def __init__(self, network: Network, positions: int, former: int, own: int) -> None:
        size = positions * network.shape.heads
        self.own_MS, self.former_MS = (Both(torch.empty((size, keys), dtype=torch.int32)) for keys in (own, former))
        self.pieces = torch.empty((2 * size, former + own), dtype=torch.int8)
        self.sums = torch.empty((2 * size, network.shape.head), dtype=torch.int32)
        self.pieces_2MS = self.pieces.numpy().reshape(2, size, former + own)
        self.sums_2MK = self.sums.numpy().reshape(2, size, network.shape.head)
        self.total_M = np.empty(size, np.int32)


@final
class _Queries:
    """Queries, keys and values of N positions; M = N x H queries."""

    def __init__(self, network: Network, size: int) -> None:
        shape = network.shape
        heads = size * shape.heads
        self.own_MK, self.former_MK = (Both(torch.empty((heads, shape.head), dtype=torch.int8)) for _ in range(2))
        self.step_M = np.empty(heads, np.float32)
        self.cached_2NK = np.empty((2, size, shape.head), np.int8)
        own_NHK, former_NHK = (part.array.reshape(size, shape.heads, shape.head) for part in (self.own_MK, self.former_MK))
        self.by_head = own_NHK, former_NHK, self.step_M.reshape(size, shape.heads)
        """The same memory, by position."""
