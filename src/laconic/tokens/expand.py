"""Equal-Info windows to symbols: all runs of windows that share no context are decoded at once.

With a context emptied at every window, each window is such a run, and equal codes stand for equal text: each distinct
code is decoded once.
"""

from collections.abc import Sequence
from typing import final

import numpy as np
from jaxtyping import Int64, UInt16, UInt64

from laconic.bytelm.base import AbstractByteLM
from laconic.codec.windows import MAX_WINDOW_SYMBOLS, WindowDecoder
from laconic.compiled import kernel
from laconic.tokens.segment import NEVER, WindowFormat

_KEEP = np.iinfo(np.int64).max


def expand(
    codes: Sequence[UInt64[np.ndarray, "_ 2"]], model: AbstractByteLM, form: WindowFormat, *, rows: int = 512
) -> list[tuple[UInt16[np.ndarray, "_"], Int64[np.ndarray, "_"]]]:
    """Decode the windows of documents.

    Args:
        codes: for each document the codes of its windows, as high and low 64 bits.
        model: the byte model that made them.
        form: what a window is.
        rows: at how many places to work at once. Changes the speed, never the result.

    Returns:
        For each document its symbols, and how many of them each window holds. With the readings `exact` and `delay`
        they are what was encoded; with `paper` often not.
    """
    sizes_D = [codes_N2.shape[0] for codes_N2 in codes]
    codes_N2 = np.concatenate([np.zeros((0, 2), np.uint64), *codes])
    if form.windows_per_context == 1:
        distinct_K2, index_N = _distinct(codes_N2)
        symbols, starts_K, lengths_K = _decode_runs(distinct_K2, np.arange(distinct_K2.shape[0] + 1), model, form, rows)
        starts_N, lengths_N = starts_K[index_N], lengths_K[index_N]
    else:
        symbols, starts_N, lengths_N = _decode_runs(codes_N2, _run_edges(sizes_D, form.windows_per_context), model, form, rows)
    documents = []
    for begin, end in zip(np.cumsum([0, *sizes_D[:-1]]), np.cumsum(sizes_D, dtype=np.int64), strict=False):
        documents.append((_gather(symbols, starts_N[begin:end], lengths_N[begin:end]), lengths_N[begin:end]))
    return documents


def _distinct(codes_N2: UInt64[np.ndarray, "N 2"]) -> tuple[UInt64[np.ndarray, "K 2"], Int64[np.ndarray, "N"]]:
    """The distinct codes, and which of them each code is."""
    if not codes_N2[:, 0].any():
        low_K, index_N = np.unique(codes_N2[:, 1], return_inverse=True)
        return np.stack([np.zeros_like(low_K), low_K], axis=1), index_N.astype(np.int64)
    distinct_K2, index_N = np.unique(codes_N2, axis=0, return_inverse=True)
    return distinct_K2, index_N.reshape(-1).astype(np.int64)


def _run_edges(sizes_D: list[int], per_context: int) -> Int64[np.ndarray, "R1"]:
    """Where each run of windows with one context begins, and behind them where the last one ends."""
    begins, begin = [np.zeros(0, np.int64)], 0
    for size in sizes_D:
        begins.append(np.arange(begin, begin + size, per_context if per_context != NEVER else max(size, 1)))
        begin += size
    return np.concatenate([*begins, np.full(1, begin)])


def _decode_runs(
    codes_N2: UInt64[np.ndarray, "N 2"], edges_R1: Int64[np.ndarray, "R1"], model: AbstractByteLM, form: WindowFormat, rows: int
) -> tuple[UInt16[np.ndarray, "_"], Int64[np.ndarray, "N"], Int64[np.ndarray, "N"]]:
    """Decode runs of windows.

    Returns:
        Symbols of all windows in some order, and for each window where its symbols begin there and how many they are.
    """
    if not codes_N2.size:
        return np.zeros(0, np.uint16), np.zeros(0, np.int64), np.zeros(0, np.int64)
    batch = min(rows, edges_R1.size - 1)
    readers = _Readers(codes_N2, edges_R1, batch)
    decoder = WindowDecoder(batch, bits=form.bits, precision=form.precision, reading=form.reading)
    session = model.start(batch, form.counts)
    decoder.open(readers.alive_B, codes_N2[readers.window_B])
    while readers.alive_B.any():
        symbols_B = decoder.advance(session.cumulative(), readers.alive_B)
        ended_B = readers.alive_B & (symbols_B < 0)
        readers.note(symbols_B)
        session.append(symbols_B)
        if ended_B.any():
            keep_B = readers.end(np.flatnonzero(ended_B), decoder.taken_B)
            session.truncate(keep_B)
            decoder.open(ended_B & readers.alive_B, codes_N2[readers.window_B])
    return readers.written[: readers.used], readers.starts_N, readers.lengths_N


@final
class _Readers:
    """Rows of a batch, each reading a run of windows; a row whose run is done takes the next one."""

    def __init__(self, codes_N2: UInt64[np.ndarray, "N 2"], edges_R1: Int64[np.ndarray, "R1"], batch: int) -> None:
        self._edges_R1, self._runs_taken = edges_R1, 0
        self.window_B, self._last_B, self._context_B, self._count_B = np.zeros((4, batch), np.int64)
        self.alive_B = np.zeros(batch, np.bool_)
        self._buffer_BT = np.empty((batch, MAX_WINDOW_SYMBOLS), np.uint16)
        self.written, self.used = np.empty(1 << 12, np.uint16), 0
        self.starts_N, self.lengths_N = np.zeros((2, codes_N2.shape[0]), np.int64)
        for row in range(batch):
            self._assign(row)
        self.window_B[~self.alive_B] = 0

    def _assign(self, row: int) -> None:
        self.alive_B[row] = self._runs_taken < self._edges_R1.size - 1
        if self.alive_B[row]:
            self.window_B[row], self._last_B[row] = self._edges_R1[self._runs_taken], self._edges_R1[self._runs_taken + 1] - 1
            self._context_B[row] = self._count_B[row] = 0
            self._runs_taken += 1

    def note(self, symbols_B: Int64[np.ndarray, "B"]) -> None:
        """Remember the next symbol of each row; none where it is negative."""
        rows = np.flatnonzero(symbols_B >= 0)
        self._buffer_BT[rows, self._count_B[rows]] = symbols_B[rows]
        self._count_B[rows] += 1

    def end(self, rows: Int64[np.ndarray, "R"], taken_B: Int64[np.ndarray, "B"]) -> Int64[np.ndarray, "B"]:
        """Write the windows that these rows have ended, and send the rows on; returns how much context each row keeps."""
        taken = taken_B[rows]
        self._reserve(int(taken.sum()))
        windows = self.window_B[rows]
        self.starts_N[windows] = self.used + np.cumsum(taken) - taken
        self.lengths_N[windows] = taken
        _flush(self._buffer_BT, rows, taken, self.written, self.used)
        self.used += int(taken.sum())
        self._context_B[rows] += taken
        self._count_B[rows] = 0
        goes_on = windows < self._last_B[rows]
        self.window_B[rows[goes_on]] += 1
        for row in rows[~goes_on].tolist():
            self._assign(row)
        keep_B = np.full(taken_B.size, _KEEP, np.int64)
        keep_B[rows] = self._context_B[rows]
        return keep_B

    def _reserve(self, symbols: int) -> None:
        if self.used + symbols > self.written.size:
            grown = np.empty(2 * (self.used + symbols), np.uint16)
            grown[: self.used] = self.written[: self.used]
            self.written = grown


@kernel()
def _flush(buffer_BT: np.ndarray, rows: np.ndarray, taken: np.ndarray, written: np.ndarray, used: int) -> None:
    """Copy what the rows hold, one after the other, behind what is written."""
    for i in range(rows.size):
        for t in range(taken[i]):
            written[used] = buffer_BT[rows[i], t]
            used += 1


@kernel()
def _gather(symbols: np.ndarray, starts_N: np.ndarray, lengths_N: np.ndarray) -> np.ndarray:
    """The symbols of all windows in order."""
    gathered = np.empty(lengths_N.sum(), np.uint16)
    used = 0
    for i in range(starts_N.size):
        for t in range(starts_N[i], starts_N[i] + lengths_N[i]):
            gathered[used] = symbols[t]
            used += 1
    return gathered
