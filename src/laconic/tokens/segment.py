"""Documents to Equal-Info windows: many places of the text are worked on at once, with the same result as one by one.

Where a window begins decides what it holds and where the next one begins. So a long document is entered at several
places at once: the chains of windows that start there soon meet the true chain, since whatever window begins at a place
is the same for all. A chain that does not meet in time is dropped, and the true chain walks on from where it was left.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Int64, UInt16, UInt64

from laconic.bytelm.base import AbstractByteLM, CountFormat
from laconic.codec.windows import END_OF_STREAM, IDLE, Reading, WindowEncoder, check_window
from laconic.compiled import kernel

NEVER = 0
"""`windows_per_context` of a model whose context is emptied only where a document begins."""

_KEEP = np.iinfo(np.int64).max


@dataclass(frozen=True, kw_only=True)
class WindowFormat:
    """What a window is.

    Attributes:
        bits: bits per window, 16 to 128.
        precision: counts of the byte model sum to `2**precision`; 12 to 24 bits, and at most `bits`.
        reading: which of the three rules says where a window ends: exact, paper or delay.
        windows_per_context: the byte model's context is emptied every so many windows; `NEVER` only at the start.
    """

    bits: int = 16
    precision: int = 16
    reading: Reading = "exact"
    windows_per_context: int = 1

    def __post_init__(self) -> None:
        check_window(self.bits, self.precision, self.reading)
        if self.windows_per_context < 0:
            raise ValueError(f"windows_per_context is {self.windows_per_context}, but must be 1 or more, or {NEVER} for never")

    @property
    def counts(self) -> CountFormat:
        """What the byte model is asked for."""
        return CountFormat(precision=self.precision, eos=True)


@dataclass(frozen=True)
class Windows:
    """The windows of one document, in order.

    Attributes:
        codes: the code of each, as high and low 64 bits.
        lengths: how many symbols each holds.
    """

    codes: UInt64[np.ndarray, "N 2"]
    lengths: Int64[np.ndarray, "N"]


def segment(
    documents: Sequence[UInt16[np.ndarray, "_"]],
    model: AbstractByteLM,
    form: WindowFormat,
    *,
    rows: int = 512,
    batch_symbols: int = 1 << 22,
) -> list[Windows]:
    """Cut documents into windows.

    Args:
        documents: symbols 0 to 256.
        model: the byte model.
        form: what a window is.
        rows: at how many places to work at once. Changes the speed, never the result.
        batch_symbols: documents are worked on in groups of about so many symbols; memory is 30 bytes for each.
    """
    windows: list[Windows] = []
    group: list[UInt16[np.ndarray, "_"]] = []
    total = longest = 0
    for document in documents:
        total, longest = total + document.size, max(longest, document.size)
        # A context that outlives a window is kept whole, in a rectangle of rows by the longest document.
        held = total if form.windows_per_context == 1 else longest * min(rows, len(group) + 1)
        if group and held > batch_symbols:
            windows += _segment_group(group, model, form, rows)
            group, total, longest = [], document.size, document.size
        group.append(document)
    return windows + (_segment_group(group, model, form, rows) if group else [])


def _segment_group(
    documents: list[UInt16[np.ndarray, "_"]], model: AbstractByteLM, form: WindowFormat, rows: int
) -> list[Windows]:
    atlas = _Atlas(documents)
    if form.windows_per_context == 1:
        # Chains meet after a way that grows with the square of the windows' length.
        chunk = max(4 * form.bits**2, -(-atlas.symbols.size // rows))
        places, ends = _entries(atlas.starts_D, atlas.ends_D, chunk)
        _walk(atlas, places, ends, 2 * chunk, model, form, rows)
    places, ends = atlas.gaps()
    while places.size:
        _walk(atlas, places, ends, _KEEP, model, form, rows)
        places, ends = atlas.gaps()
    return atlas.chains()


@final
class _Atlas:
    """All symbols of some documents end to end, and for each place the window that begins there, once it is known."""

    def __init__(self, documents: list[UInt16[np.ndarray, "_"]]) -> None:
        self.symbols = np.concatenate([np.zeros(0, np.uint16), *documents])
        self.ends_D = np.cumsum([document.size for document in documents], dtype=np.int64)
        self.starts_D = np.concatenate([np.zeros(1, np.int64), self.ends_D[:-1]])
        # One place more than there are symbols, so that a chain may look behind the last one.
        self.lengths = np.zeros(self.symbols.size + 1, np.int16)
        self.codes_N2 = np.zeros((self.symbols.size + 1, 2), np.uint64)

    def gaps(self) -> tuple[Int64[np.ndarray, "N"], Int64[np.ndarray, "N"]]:
        """Where the chains that begin at documents' starts have not been followed to their ends, and these ends."""
        gaps_D = _follow(self.lengths, self.starts_D, self.ends_D)
        open_D = gaps_D < self.ends_D
        return gaps_D[open_D], self.ends_D[open_D]

    def chains(self) -> list[Windows]:
        """The windows of each document."""
        on_chain = _mark(self.lengths, self.starts_D, self.ends_D)
        windows = []
        for start, end in zip(self.starts_D.tolist(), self.ends_D.tolist(), strict=True):
            places = start + np.flatnonzero(on_chain[start:end])
            windows.append(Windows(self.codes_N2[places], self.lengths[places].astype(np.int64)))
        return windows


def _entries(
    starts_D: Int64[np.ndarray, "D"], ends_D: Int64[np.ndarray, "D"], chunk: int
) -> tuple[Int64[np.ndarray, "N"], Int64[np.ndarray, "N"]]:
    """Every `chunk`-th place of each document, and the end of the document for each of them."""
    places = [np.arange(start, end, chunk) for start, end in zip(starts_D.tolist(), ends_D.tolist(), strict=True)]
    empty = np.zeros(0, np.int64)
    return np.concatenate([empty, *places]), np.repeat(ends_D, [place.size for place in places])


@final
class _Walkers:
    """Rows of a batch, each following a chain of windows; a row whose chain is done takes the next one."""

    def __init__(self, places: Int64[np.ndarray, "N"], ends: Int64[np.ndarray, "N"], most: int, batch: int) -> None:
        self.places, self.ends, self.most, self.taken = places, ends, most, 0
        self.position_B, self.window_B, self.context_B, self.end_B, self.limit_B, self.count_B = np.zeros((6, batch), np.int64)
        self.alive_B: Bool[np.ndarray, "B"] = np.zeros(batch, np.bool_)

    def assign(self, rows: Int64[np.ndarray, "R"], lengths: np.ndarray) -> None:
        """Give each of these rows the next chain whose first window is not yet known; idle it when there is none."""
        for row in rows.tolist():
            while self.taken < self.places.size and lengths[self.places[self.taken]]:
                self.taken += 1
            self.alive_B[row] = self.taken < self.places.size
            if self.alive_B[row]:
                place = self.places[self.taken]
                self.position_B[row] = self.window_B[row] = self.context_B[row] = place
                self.end_B[row], self.count_B[row] = self.ends[self.taken], 0
                self.limit_B[row] = min(_KEEP - place, self.most) + place
                self.taken += 1

    def next_symbols(self, symbols: Int64[np.ndarray, "_"]) -> Int64[np.ndarray, "B"]:
        """What each row looks at next; `END_OF_STREAM` behind its document, `IDLE` where there is no row."""
        symbols_B = np.where(self.position_B < self.end_B, symbols[self.position_B], END_OF_STREAM)
        symbols_B[~self.alive_B] = IDLE
        return symbols_B

    def close(self, rows: Int64[np.ndarray, "R"], taken: Int64[np.ndarray, "R"], per_context: int) -> None:
        """Move each of these rows behind the window it has just closed."""
        self.window_B[rows] += taken
        self.position_B[rows] = self.window_B[rows]
        self.count_B[rows] += 1
        if per_context != NEVER:
            fresh = rows[self.count_B[rows] % per_context == 0]
            self.context_B[fresh] = self.window_B[fresh]


def _walk(
    atlas: _Atlas,
    places: Int64[np.ndarray, "N"],
    ends: Int64[np.ndarray, "N"],
    most: int,
    model: AbstractByteLM,
    form: WindowFormat,
    rows: int,
) -> None:
    """Follow a chain of windows from each place until its document ends, it meets a known window, or `most` symbols."""
    batch = min(rows, places.size)
    if not batch:
        return
    walkers = _Walkers(places, ends, most, batch)
    walkers.assign(np.arange(batch), atlas.lengths)
    encoder = WindowEncoder(batch, bits=form.bits, precision=form.precision, reading=form.reading)
    session = model.start(batch, form.counts)
    symbols = np.append(atlas.symbols, 0).astype(np.int64)
    # Every context is empty now, and what follows an empty context is the same for all windows that begin with one.
    begin_BC = session.cumulative().copy()
    while walkers.alive_B.any():
        symbols_B = walkers.next_symbols(symbols)
        taken_B = encoder.advance(session.cumulative(), symbols_B)
        closed_B = taken_B > 0
        if closed_B.any():
            session.truncate(_close_windows(atlas, walkers, np.flatnonzero(closed_B), taken_B, encoder.codes_BL, form))
            symbols_B[closed_B] = IDLE
            if form.windows_per_context == 1:
                symbols_B = np.where(closed_B, walkers.next_symbols(symbols), symbols_B)
                encoder.advance(begin_BC, np.where(closed_B, symbols_B, IDLE))
        session.append(symbols_B)
        walkers.position_B += symbols_B >= 0


def _close_windows(
    atlas: _Atlas,
    walkers: _Walkers,
    rows: Int64[np.ndarray, "R"],
    taken_B: Int64[np.ndarray, "B"],
    codes_B2: UInt64[np.ndarray, "B 2"],
    form: WindowFormat,
) -> Int64[np.ndarray, "B"]:
    """Note the windows that these rows have closed, and send the rows on; returns how much context each row keeps."""
    began = walkers.window_B[rows]
    atlas.lengths[began] = taken_B[rows]
    atlas.codes_N2[began] = codes_B2[rows]
    walkers.close(rows, taken_B[rows], form.windows_per_context)
    window = walkers.window_B[rows]
    done = (window == walkers.end_B[rows]) | (window >= walkers.limit_B[rows])
    # Whatever window begins at a place is the same for all only where the model's context begins there too.
    if form.windows_per_context == 1:
        done |= atlas.lengths[window] > 0
    walkers.assign(rows[done], atlas.lengths)
    keep_B = np.full(taken_B.size, _KEEP, np.int64)
    keep_B[rows] = walkers.window_B[rows] - walkers.context_B[rows]
    return keep_B


@kernel()
def _follow(lengths: np.ndarray, starts_D: np.ndarray, ends_D: np.ndarray) -> np.ndarray:
    """Where following the windows from each start first finds none, at its end at the latest."""
    reached_D = starts_D.copy()
    for d in range(starts_D.size):
        while reached_D[d] < ends_D[d] and lengths[reached_D[d]] > 0:
            reached_D[d] += lengths[reached_D[d]]
    return reached_D


@kernel()
def _mark(lengths: np.ndarray, starts_D: np.ndarray, ends_D: np.ndarray) -> np.ndarray:
    """Mark the places where the windows of the documents begin."""
    marked = np.zeros(lengths.size, np.bool_)
    for d in range(starts_D.size):
        place = starts_D[d]
        while place < ends_D[d]:
            marked[place] = True
            place += lengths[place]
    return marked
