"""Stepwise decoding with a transformer: many contexts side by side, each keeping its last keys and values.

A context of n symbols is n + 1 positions of the network: the start, then its symbols. The predictions come from the last.
Contexts that are empty need no work: what follows the start is computed once.
"""

from typing import final

import numpy as np
from jaxtyping import Bool, Int8, Int64, Integer, UInt32

from laconic.bytelm.attention_steps import attend_rows, empty_cache, slots_of
from laconic.bytelm.base import AbstractByteLM, AbstractSession, CountFormat
from laconic.bytelm.history import History
from laconic.bytelm.prior import NO_PRIOR, PRIOR_FORM
from laconic.bytelm.threads import single_products
from laconic.bytelm.transformer_kernels import fill_prediction_edges
from laconic.bytelm.transformer_layers import AttentionSpace, Space, make_space, run_layers, run_output
from laconic.bytelm.transformer_network import Network, NetworkAttention
from laconic.bytelm.transformer_parallel import ParallelReader
from laconic.bytelm.transformer_weights import START

_FEW_STEPS = 16
"""Rows that are further behind are read in parallel."""

_REPLAYED_AT_ONCE = 1024


@final
class TransformerSession(AbstractSession):
    """A batch of contexts of a transformer; each keeps its history, and keys and values of the band and a little more.

    Args:
        network: the weights.
        prior: the model whose logarithms are added, or None.
        batch: how many streams.
        form: how to state predictions.
    """

    def __init__(self, network: Network, prior: AbstractByteLM | None, batch: int, form: CountFormat) -> None:
        shape = network.shape
        self._network, self._form = network, form
        self._prior = None if prior is None else prior.start(batch, PRIOR_FORM)
        self._history = History(batch, form.symbols)
        # Positions whose keys are kept, up to here: of the present context, and ever since they were last computed again.
        self._read_B, self._written_B = np.zeros(batch, np.int64), np.zeros(batch, np.int64)
        self._stale_B = np.ones(batch, np.bool_)
        self._edges_BC = np.zeros((batch, form.symbols + 1), np.uint32)
        self._caches = [empty_cache(batch, shape.band, shape.head) for _ in range(shape.attentions)]
        self._space = make_space(network, batch)
        self._start_cache_A2K, self._start_edges_1C = self._read_start(prior)

    def cumulative(self) -> UInt32[np.ndarray, "B C"]:
        """The prediction of the next symbol for each row; overwritten by the next call."""
        rows = np.flatnonzero(self._stale_B)
        if rows.size:
            with single_products():
                self._refresh(rows)
            self._stale_B[rows] = False
        return self._edges_BC

    def append(self, symbols_B: Integer[np.ndarray, "B"]) -> None:
        """Add one symbol to each row's context; negative entries leave their rows alone.

        Raises:
            ValueError: a symbol is not in the alphabet.
        """
        self._history.append(symbols_B)
        self._stale_B |= symbols_B >= 0
        if self._prior is not None:
            self._prior.append(symbols_B)

    def truncate(self, lengths_B: Integer[np.ndarray, "B"]) -> None:
        """Keep only the first symbols of each row's context, any number of them."""
        lengths_B = np.maximum(lengths_B, 0)
        shortened_B = lengths_B < self._history.lengths_B
        self._stale_B |= shortened_B
        self._history.truncate(lengths_B)
        # The last position is computed again, for its prediction has been overwritten.
        self._read_B = np.where(shortened_B, np.minimum(self._read_B, self._history.lengths_B), self._read_B)
        if self._prior is not None:
            self._prior.truncate(lengths_B)

    def _refresh(self, rows: Int64[np.ndarray, "N"]) -> None:
        """Make these rows' edges those of their present contexts."""
        empty_N = self._history.lengths_B[rows] == 0
        if empty_N.any():
            self._restart(rows[empty_N])
            rows = rows[~empty_N]
        for row in rows[self._is_lost(rows)]:
            self._replay(int(row))
        behind = rows[self._read_B[rows] < self._history.lengths_B[rows]]
        while behind.size:
            self._step(behind)
            behind = behind[self._read_B[behind] < self._history.lengths_B[behind]]
        if rows.size:
            self._predict(rows, self._step(rows))

    def _restart(self, rows: Int64[np.ndarray, "N"]) -> None:
        """Rows without context: what follows the start is known."""
        for cache_B2CP, start_2K in zip(self._caches, self._start_cache_A2K, strict=True):
            cache_B2CP[rows, :, : self._network.shape.head, 0] = start_2K
        self._read_B[rows] = self._written_B[rows] = 1
        self._edges_BC[rows] = self._start_edges_1C

    def _is_lost(self, rows: Int64[np.ndarray, "N"]) -> Bool[np.ndarray, "N"]:
        """Which rows have stepped back so far that keys they see are overwritten, or are far behind."""
        read_N = self._read_B[rows]
        oldest_N = np.maximum(read_N - self._network.shape.band + 1, 0)
        far_N = self._history.lengths_B[rows] - read_N > _FEW_STEPS
        lost_N: np.ndarray = (oldest_N < self._written_B[rows] - 2 * self._network.shape.band) | far_N
        return lost_N

    def _replay(self, row: int) -> None:
        """Compute the keys and values of a row again, all but those of its last position.

        What they depend on reaches back over the band once per attention. Reading may begin at any block of the band.
        """
        shape, length = self._network.shape, int(self._history.lengths_B[row])
        begin = max(0, length - shape.attentions * (shape.band - 1))
        begin -= begin % shape.band
        symbols_T = self._history.symbols_BT[row, max(0, begin - 1) : length - 1]
        inputs_T = symbols_T if begin else np.concatenate([np.array([START], np.uint16), symbols_T])
        reader = ParallelReader(self._network, 1, min(inputs_T.size, _REPLAYED_AT_ONCE))
        for at in range(0, inputs_T.size, _REPLAYED_AT_ONCE):
            reader.read(inputs_T[None, at : at + _REPLAYED_AT_ONCE])
        cache_A2PK = reader.cache[:, :, 0]
        slots = slots_of(np.arange(length - cache_A2PK.shape[2], length), shape.band)
        for cache_B2CP, cache_2PK in zip(self._caches, cache_A2PK, strict=True):
            cache_B2CP[row, :, : shape.head][:, :, slots] = cache_2PK.transpose(0, 2, 1)
        self._read_B[row] = self._written_B[row] = length

    def _step(self, rows: Int64[np.ndarray, "N"]) -> Space:
        """Read one more position of each row."""
        position_N = self._read_B[rows]
        inputs_N = np.where(position_N > 0, self._history.symbols_BT[rows, position_N - 1], START)

        def attend(part: NetworkAttention, space: AttentionSpace, scale_N: np.ndarray) -> None:
            attend_rows(
                space.parts_NM.array, scale_N, position_N, rows, part.turning, part.value_unit,
                self._caches[part.index], space.mixed_NK.array,
            )  # fmt: skip

        space = self._space.first(rows.size)
        run_layers(self._network, inputs_N, space, attend)
        self._read_B[rows] += 1
        self._written_B[rows] = np.maximum(self._written_B[rows], self._read_B[rows])
        return space

    def _predict(self, rows: Int64[np.ndarray, "N"], space: Space) -> None:
        network, form = self._network, self._form
        run_output(network, space)
        prior_BC = NO_PRIOR if self._prior is None else self._prior.cumulative()
        fill_prediction_edges(
            space.sums_NS.array, network.output_channel, space.scale_N, prior_BC, rows, form.symbols, form.precision,
            self._edges_BC,
        )  # fmt: skip

    def _read_start(self, prior: AbstractByteLM | None) -> tuple[Int8[np.ndarray, "A 2 K"], UInt32[np.ndarray, "1 C"]]:
        """The keys and values of the first position, and the edges of the first symbol."""
        form, reader = self._form, ParallelReader(self._network, 1, 1)
        sums_NS, scale_N = reader.read(np.array([[START]]))
        prior_NC = NO_PRIOR if prior is None else prior.start(1, PRIOR_FORM).cumulative()
        edges_1C = np.zeros((1, form.symbols + 1), np.uint32)
        fill_prediction_edges(
            sums_NS, self._network.output_channel, scale_N, prior_NC, np.zeros(1, np.int64), form.symbols, form.precision,
            edges_1C,
        )  # fmt: skip
        cache_A2PK = reader.cache[:, :, 0]
        # With a band of one symbol nothing is kept, nor ever seen again.
        return (cache_A2PK[:, :, 0] if cache_A2PK.shape[2] else np.zeros((*cache_A2PK.shape[:2], 1), np.int8)), edges_1C
