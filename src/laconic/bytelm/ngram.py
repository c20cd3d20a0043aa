"""The n-gram byte model: up to six symbols, interpolated, in integers only.

It remembers at most five symbols and never learns while it reads, so what it predicts depends on those five symbols
alone. Contexts do not reach back over the end of a document.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import final

import numba
import numpy as np
from jaxtyping import Integer, UInt16, UInt32

from laconic.bytelm.base import AbstractByteLM, AbstractSession, CountFormat, share_rows
from laconic.bytelm.files import ModelFile
from laconic.bytelm.history import History
from laconic.bytelm.memoryless import check_alphabet
from laconic.bytelm.ngram_kernels import fill_counts, fill_cumulative, fill_ranges
from laconic.bytelm.trie import MAX_DEPTH, Trie, read_trie
from laconic.errors import CorruptFileError

_WORTH_THREADS = 1 << 16


@final
class NGramByteLM(AbstractByteLM):
    """An interpolated n-gram model of bytes, trained by `laconic.bytelm.train_ngram.train_ngram`.

    Args:
        file: its content, as trained or read; the tensors are those of `laconic.bytelm.trie`.

    Raises:
        CorruptFileError: the tensors do not describe an n-gram model.
    """

    def __init__(self, file: ModelFile) -> None:
        order = file.config.get("order")
        if file.kind != "ngram" or type(order) is not int or not 2 <= order <= MAX_DEPTH + 1:
            raise CorruptFileError(
                f"this n-gram model has the order {order!r}, not 2 to {MAX_DEPTH + 1}: train the model again"
            )
        self._file = file
        self._trie = read_trie(file)
        self._fingerprint = file.fingerprint

    @property
    def fingerprint(self) -> int:
        """64 bits that name this model."""
        return self._fingerprint

    @property
    def description(self) -> str:
        """One line for people."""
        size, order = len(self._file.tensors["symbols_E"]), self._file.config["order"]
        return f"n-gram of order {order}, {size:,} successors, trained on {self._file.description}"

    @property
    def trie(self) -> Trie:
        """The arrays that the kernels read."""
        return self._trie

    def start(self, batch: int, form: CountFormat) -> AbstractSession:
        """Begin `batch` independent streams with empty contexts."""
        return NGramSession(self._trie, batch, form)

    def counts(self, symbols_BT: UInt16[np.ndarray, "B T"], form: CountFormat) -> UInt32[np.ndarray, "B T C"]:
        """Cumulative counts at every position."""
        edges_BTC = np.empty((*symbols_BT.shape, form.symbols + 1), dtype=np.uint32)

        def work(rows: slice) -> None:
            fill_counts(self._trie, symbols_BT[rows], form.symbols, form.precision, edges_BTC[rows])

        _spread(work, symbols_BT.shape[0], edges_BTC.size)
        return edges_BTC

    def ranges(
        self, symbols_BT: UInt16[np.ndarray, "B T"], lengths_B: Integer[np.ndarray, "B"], form: CountFormat
    ) -> tuple[UInt32[np.ndarray, "B T"], UInt32[np.ndarray, "B T"]]:
        """The two edges of each actual symbol.

        Raises:
            ValueError: a symbol is not in the alphabet.
        """
        steps = np.arange(symbols_BT.shape[1])
        check_alphabet(np.where(steps < lengths_B[:, None], symbols_BT, 0), form.symbols)
        starts_BT, stops_BT = np.zeros(symbols_BT.shape, dtype=np.uint32), np.zeros(symbols_BT.shape, dtype=np.uint32)
        lengths_B = lengths_B.astype(np.int64)

        def work(rows: slice) -> None:
            fill_ranges(
                self._trie, symbols_BT[rows], lengths_B[rows], form.symbols, form.precision, starts_BT[rows], stops_BT[rows]
            )

        _spread(work, symbols_BT.shape[0], symbols_BT.size)
        return starts_BT, stops_BT

    def to_file(self) -> ModelFile:
        """This model as the content of a file."""
        return self._file


@final
class NGramSession(AbstractSession):
    """A batch of contexts of an n-gram model; each keeps its whole history, two bytes per symbol.

    Args:
        trie: the model's arrays.
        batch: how many streams.
        form: how to state predictions.
    """

    def __init__(self, trie: Trie, batch: int, form: CountFormat) -> None:
        self._trie, self._form = trie, form
        self._history = History(batch, form.symbols)
        self._edges_BC = np.zeros((batch, form.symbols + 1), dtype=np.uint32)

    def cumulative(self) -> UInt32[np.ndarray, "B C"]:
        """The prediction of the next symbol for each row; overwritten by the next call."""
        history, form = self._history, self._form
        fill_cumulative(self._trie, history.symbols_BT, history.lengths_B, form.symbols, form.precision, self._edges_BC)
        return self._edges_BC

    def append(self, symbols_B: Integer[np.ndarray, "B"]) -> None:
        """Add one symbol to each row's context; negative entries leave their rows alone.

        Raises:
            ValueError: a symbol is not in the alphabet.
        """
        self._history.append(symbols_B)

    def truncate(self, lengths_B: Integer[np.ndarray, "B"]) -> None:
        """Keep only the first symbols of each row's context, any number of them."""
        self._history.truncate(lengths_B)


def _spread(work: Callable[[slice], None], rows: int, size: int) -> None:
    """Do work on all rows, in as many threads as numba may use where it is worth them; rows do not depend on each other."""
    threads = min(numba.get_num_threads(), rows)
    if threads < 2 or size < _WORTH_THREADS:
        work(slice(0, rows))
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, share_rows(rows, threads)))
