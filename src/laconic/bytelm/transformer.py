"""The transformer byte model: exact integers, alone or on top of another byte model's predictions."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import final

import numba
import numpy as np
from jaxtyping import Float32, Int32, Integer, UInt16, UInt32

from laconic.bytelm.base import AbstractByteLM, AbstractSession, CountFormat
from laconic.bytelm.files import ModelFile
from laconic.bytelm.memoryless import check_alphabet
from laconic.bytelm.prior import NO_PRIOR, PriorReader
from laconic.bytelm.threads import single_products
from laconic.bytelm.transformer_kernels import fill_prediction_edges, fill_prediction_ranges
from laconic.bytelm.transformer_network import Network, build_network
from laconic.bytelm.transformer_parallel import ParallelReader
from laconic.bytelm.transformer_session import TransformerSession
from laconic.bytelm.transformer_weights import CUT_KIND, KIND, START, TransformerWeights, read_transformer
from laconic.errors import CorruptFileError, ModelMismatchError
from laconic.shapes import EOS

_SYMBOLS_AT_ONCE = 1024
"""How many positions are worked on together: their activations stay in the processor's caches."""

_LEAST_ROWS = 16
"""So many rows of a session are worth a thread."""


@final
class TransformerByteLM(AbstractByteLM):
    """A transformer in integers.

    Args:
        file: its content, as quantised or read; the tensors are those of `laconic.bytelm.transformer_weights`.
        prior: the byte model that the file names, or None where it names none.

    Raises:
        CorruptFileError: the tensors do not describe a transformer.
        ModelMismatchError: another prior than the file names.
    """

    def __init__(self, file: ModelFile, prior: AbstractByteLM | None) -> None:
        if file.kind not in (KIND, CUT_KIND):
            raise CorruptFileError(f"this file holds a byte model of kind {file.kind!r}, not a transformer: name another one")
        self._file = file
        self._weights = read_transformer(file)
        self._prior = prior
        if (None if prior is None else prior.fingerprint) != self._weights.prior:
            raise ModelMismatchError("this transformer was trained on top of another byte model than the one given: name that")
        self._network = build_network(self._weights)
        self._fingerprint = file.fingerprint

    @property
    def fingerprint(self) -> int:
        """64 bits that name this model."""
        return self._fingerprint

    @property
    def description(self) -> str:
        """One line for people."""
        return self._file.description

    @property
    def weights(self) -> TransformerWeights:
        """The arrays as stored, which `laconic.bytelm.integer_forward` reads."""
        return self._weights

    @property
    def network(self) -> Network:
        """The arrays as the compiled paths read them."""
        return self._network

    def to_file(self) -> ModelFile:
        """This model as the content of a file."""
        return self._file

    def start(self, batch: int, form: CountFormat) -> AbstractSession:
        """Begin `batch` independent streams with empty contexts."""
        return TransformerSession(self._network, self._prior, batch, form)

    def threads_for(self, rows: int) -> int:
        """Below `_LEAST_ROWS` rows each, threads wait longer for the interpreter than they work."""
        return max(1, min(numba.get_num_threads(), rows // _LEAST_ROWS))

    def counts(self, symbols_BT: UInt16[np.ndarray, "B T"], form: CountFormat) -> UInt32[np.ndarray, "B T C"]:
        """Cumulative counts at every position."""
        symbols_BT = np.minimum(symbols_BT, EOS).astype(np.uint16)
        edges_BTC = np.zeros((*symbols_BT.shape, form.symbols + 1), np.uint32)
        lengths_B = np.full(symbols_BT.shape[0], symbols_BT.shape[1], np.int64)
        with single_products():
            for stretch in self._read(symbols_BT, lengths_B):
                edges_NC = np.empty((stretch.scale_N.size, form.symbols + 1), np.uint32)
                fill_prediction_edges(
                    stretch.sums_NS, self._network.output_channel, stretch.scale_N, stretch.prior_NC,
                    np.arange(stretch.scale_N.size), form.symbols, form.precision, edges_NC,
                )  # fmt: skip
                edges_BTC[stretch.rows, stretch.begin : stretch.end] = edges_NC.reshape(
                    stretch.rows.size, -1, edges_NC.shape[1]
                )
        return edges_BTC

    def ranges(
        self, symbols_BT: UInt16[np.ndarray, "B T"], lengths_B: Integer[np.ndarray, "B"], form: CountFormat
    ) -> tuple[UInt32[np.ndarray, "B T"], UInt32[np.ndarray, "B T"]]:
        """The two edges of each actual symbol.

        Raises:
            ValueError: a symbol is not in the alphabet.
        """
        counts_BT = np.arange(symbols_BT.shape[1]) < lengths_B[:, None]
        symbols_BT = np.where(counts_BT, symbols_BT, 0).astype(np.uint16)
        check_alphabet(symbols_BT, form.symbols)
        starts_BT, stops_BT = np.zeros(symbols_BT.shape, np.uint32), np.zeros(symbols_BT.shape, np.uint32)
        lengths_B = np.minimum(lengths_B, symbols_BT.shape[1])
        order = np.argsort(-lengths_B, kind="stable")

        def work(rows: Integer[np.ndarray, "R"]) -> None:
            self._fill_ranges(symbols_BT, lengths_B, rows, form, starts_BT, stops_BT)

        threads = max(1, min(numba.get_num_threads(), order.size))
        with single_products(), ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, [order[first::threads] for first in range(threads)]))
        return starts_BT * counts_BT, stops_BT * counts_BT

    def _fill_ranges(
        self,
        symbols_BT: UInt16[np.ndarray, "B T"],
        lengths_B: Integer[np.ndarray, "B"],
        rows: Integer[np.ndarray, "R"],
        form: CountFormat,
        starts_BT: UInt32[np.ndarray, "B T"],
        stops_BT: UInt32[np.ndarray, "B T"],
    ) -> None:
        """The edges of some rows, written where they belong."""
        for stretch in self._read(symbols_BT[rows], lengths_B[rows]):
            part = np.s_[rows[stretch.rows], stretch.begin : stretch.end]
            symbols_N = symbols_BT[part].ravel()
            starts_N, stops_N = np.empty(symbols_N.size, np.uint32), np.empty(symbols_N.size, np.uint32)
            fill_prediction_ranges(
                stretch.sums_NS, self._network.output_channel, stretch.scale_N, stretch.prior_NC, symbols_N,
                form.symbols, form.precision, starts_N, stops_N,
            )  # fmt: skip
            starts_BT[part] = starts_N.reshape(stretch.rows.size, -1)
            stops_BT[part] = stops_N.reshape(stretch.rows.size, -1)

    def _read(self, symbols_BT: UInt16[np.ndarray, "B T"], lengths_B: Integer[np.ndarray, "B"]) -> Iterator["_Stretch"]:
        """Send all rows through the network, those of similar length together, a stretch at a time."""
        order, done = np.argsort(-lengths_B, kind="stable"), 0
        while done < order.size and lengths_B[order[done]] > 0:
            longest = int(lengths_B[order[done]])
            rows = order[done : done + max(1, _SYMBOLS_AT_ONCE // longest)]
            yield from self._read_group(symbols_BT[rows, :longest], rows)
            done += rows.size

    def _read_group(self, symbols_RT: UInt16[np.ndarray, "R T"], rows: Integer[np.ndarray, "R"]) -> Iterator["_Stretch"]:
        size = min(symbols_RT.shape[1], _SYMBOLS_AT_ONCE)
        reader = ParallelReader(self._network, rows.size, size)
        prior = None if self._prior is None else PriorReader(self._prior, rows.size)
        inputs_RT = np.pad(symbols_RT[:, :-1], ((0, 0), (1, 0)), constant_values=START)
        for begin in range(0, symbols_RT.shape[1], size):
            end = min(begin + size, symbols_RT.shape[1])
            sums_NS, scale_N = reader.read(inputs_RT[:, begin:end])
            prior_NC = NO_PRIOR
            if prior is not None:
                prior_NC = prior.read(symbols_RT[:, begin:end]).reshape(scale_N.size, -1)
            yield _Stretch(rows=rows, begin=begin, end=end, sums_NS=sums_NS, scale_N=scale_N, prior_NC=prior_NC)


@final
@dataclass(frozen=True, kw_only=True)
class _Stretch:
    """What the network says about the positions from `begin` to `end` of some rows, and what the prior says."""

    rows: Integer[np.ndarray, "R"]
    begin: int
    end: int
    sums_NS: Int32[np.ndarray, "N 257"]
    scale_N: Float32[np.ndarray, "N"]
    prior_NC: UInt32[np.ndarray, "M 258"]
