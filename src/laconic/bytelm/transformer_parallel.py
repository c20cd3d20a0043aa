"""Many positions at once: rows read side by side, a stretch after the other, each attending to what is kept of the last.

Equal to `laconic.bytelm.integer_forward`, integer for integer, however a text is cut into stretches.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Float32, Int8, Int32, Integer

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
                    self._attend_run(run, slice(row * stretch + run.begin, row * stretch + run.end), index, row, layer)

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
            space.parts_NM.array, space.scale_N, place_N, layer.turning, queries.own_NHK.array,
            queries.former_NHK.array, queries.step_NH, queries.cached_2NK[0], queries.cached_2NK[1],
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

    def _attend_run(self, run: "_Run", rows: slice, index: int, row: int, layer: NetworkLayer) -> None:
        products, queries, heads = attention_products(), self._queries, self._network.shape.heads
        key_PK, value_PK = self._cache[index, 0, row], self._cache[index, 1, row]
        size = (run.end - run.begin) * heads
        own_MS = torch.empty((size, run.stop - run.own), dtype=torch.int32)
        former_MS = torch.empty((size, run.own - run.former), dtype=torch.int32)
        pieces_2MS = torch.empty((2, size, run.stop - run.former), dtype=torch.int8)
        sums_MK = torch.empty((2 * size, value_PK.shape[1]), dtype=torch.int32)
        total_M = np.empty(size, np.int32)
        own_MK, former_MK = queries.own_NHK.tensor[rows].flatten(0, 1), queries.former_NHK.tensor[rows].flatten(0, 1)
        products.multiply(own_MK, products.prepare(key_PK[run.own : run.stop].T), own_MS)
        if run.former < run.own:
            products.multiply(former_MK, products.prepare(key_PK[run.former : run.own].T), former_MS)
        weigh_scores(own_MS.numpy(), former_MS.numpy(), queries.step_NH[rows].reshape(-1), heads, pieces_2MS.numpy(), total_M)
        products.multiply(pieces_2MS.flatten(0, 1), products.prepare(value_PK[run.former : run.stop]), sums_MK)
        sums_2MK = sums_MK.numpy().reshape(2, size, -1)
        mix_rows(sums_2MK, total_M, layer.value_unit, self._space.mixed_NK.array[rows], self._space.scale_N[rows])


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
class _Queries:
    """Queries, keys and values of N positions."""

    def __init__(self, network: Network, size: int) -> None:
        shape = network.shape
        self.own_NHK, self.former_NHK = (Both(torch.empty((size, shape.heads, shape.head), dtype=torch.int8)) for _ in range(2))
        self.step_NH = np.empty((size, shape.heads), np.float32)
        self.cached_2NK = np.empty((2, size, shape.head), np.int8)
