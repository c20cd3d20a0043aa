"""Language models over bytes that answer in integer counts: the interface.

A byte model predicts the next symbol of a stream, as integer counts, each at least 1, that sum to `2**precision`
exactly. Symbols 0 to 255 are bytes; symbol 256 ends a document and takes part only where `eos` says so.
What a model answers depends on the context alone: never on the batch, on the number of threads, on the machine, or on
whether it was asked step by step or all at once.
"""

import itertools
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int64, Integer, UInt16, UInt32

from laconic.shapes import BYTES, SYMBOLS

MIN_PRECISION, MAX_PRECISION = 12, 24


@dataclass(frozen=True, kw_only=True)
class CountFormat:
    """How a byte model is to state its predictions.

    Attributes:
        precision: counts sum to `2**precision`; 12 to 24 bits. At 16 the rounding costs about 0.2 %, at 20 about 0.01 %.
        eos: whether symbol 256, the end of a document, can occur. Files know their length and do without it.
    """

    precision: int = 16
    eos: bool = True

    def __post_init__(self) -> None:
        if not MIN_PRECISION <= self.precision <= MAX_PRECISION:
            raise ValueError(f"precision is {self.precision}, but must lie between {MIN_PRECISION} and {MAX_PRECISION} bits")

    @property
    def symbols(self) -> int:
        """The size S of the alphabet: 257 with the end-of-document symbol, else 256."""
        return SYMBOLS if self.eos else BYTES

    @property
    def total(self) -> int:
        """What the counts of one prediction sum to."""
        return 1 << self.precision


class AbstractSession(ABC):
    """A batch of B contexts, read step by step. All begin empty; each row is independent of the others."""

    @abstractmethod
    def cumulative(self) -> UInt32[np.ndarray, "B C"]:
        """The prediction of the next symbol for each row, as cumulative counts.

        Returns:
            C = S + 1 edges per row: the first is 0, the last is `2**precision`, and symbol s has the counts from edge s
            to edge s + 1. The array may be overwritten by the next call on this session: copy it to keep it.
        """

    @abstractmethod
    def append(self, symbols_B: Integer[np.ndarray, "B"]) -> None:
        """Add one symbol to the context of each row; a negative entry leaves its row as it is."""

    @abstractmethod
    def truncate(self, lengths_B: Integer[np.ndarray, "B"]) -> None:
        """Keep only the first `lengths_B[b]` symbols of row b's context (0 empties it: a window start).

        A length at or beyond the present one leaves its row as it is. Rows may step back by at least 4,096 symbols.
        """

    def step(self, symbols_B: Integer[np.ndarray, "B"]) -> UInt32[np.ndarray, "B C"]:
        """Append one symbol to each row and return the prediction of the next ones."""
        self.append(symbols_B)
        return self.cumulative()


class AbstractByteLM(ABC):
    """A byte model: the same integers step by step (`start`) and in parallel (`counts`, `ranges`)."""

    @property
    @abstractmethod
    def fingerprint(self) -> int:
        """64 bits that name this model: equal exactly when two models give the same counts."""

    @property
    @abstractmethod
    def description(self) -> str:
        """One line for people: kind, size and what it was trained on."""

    @abstractmethod
    def start(self, batch: int, form: CountFormat) -> AbstractSession:
        """Begin `batch` independent streams with empty contexts."""

    def threads_for(self, rows: int) -> int:
        """In how many threads, each with a session of its own, so many rows are best read step by step; at least 1."""
        return 1

    @abstractmethod
    def counts(self, symbols_BT: UInt16[np.ndarray, "B T"], form: CountFormat) -> UInt32[np.ndarray, "B T C"]:
        """Cumulative counts at every position, each predicted from the symbols before it in its row.

        Memory is 4 x C bytes per symbol: meant for short sequences and tests; coders use `ranges`.
        """

    @abstractmethod
    def ranges(
        self, symbols_BT: UInt16[np.ndarray, "B T"], lengths_B: Integer[np.ndarray, "B"], form: CountFormat
    ) -> tuple[UInt32[np.ndarray, "B T"], UInt32[np.ndarray, "B T"]]:
        """The two edges of each actual symbol in its cumulative counts: all that an encoder needs.

        Args:
            symbols_BT: B sequences, each starting from an empty context, padded on the right with anything.
            lengths_B: how many symbols of each row count; edges beyond are 0.

        Returns:
            `(starts_BT, stops_BT)`: `counts[b, t, symbols[b, t]]` and `counts[b, t, symbols[b, t] + 1]`.
        """


def pad_rows(rows: Sequence[Integer[np.ndarray, "_"]]) -> tuple[UInt16[np.ndarray, "B T"], Int64[np.ndarray, "B"]]:
    """Sequences of symbols side by side, as `AbstractByteLM.ranges` reads them.

    Args:
        rows: B sequences; T is the length of the longest.

    Returns:
        `(symbols_BT, lengths_B)`: each sequence from the left, zeros behind it, and how long it is.
    """
    lengths_B = np.array([len(row_T) for row_T in rows], np.int64)
    symbols_BT = np.zeros((len(rows), int(lengths_B.max(initial=0))), np.uint16)
    for padded_T, row_T in zip(symbols_BT, rows, strict=True):
        padded_T[: len(row_T)] = row_T
    return symbols_BT, lengths_B


def share_rows(rows: int, threads: int) -> list[slice]:
    """Rows in as many stretches of nearly equal length as there are threads."""
    bounds = [rows * thread // threads for thread in range(threads + 1)]
    return list(itertools.starmap(slice, itertools.pairwise(bounds)))


def restart(session: AbstractSession, rows_B: Bool[np.ndarray, "B"]) -> None:
    """Empty the context of the rows that `rows_B` marks, and leave the others as they are."""
    session.truncate(np.where(rows_B, 0, np.iinfo(np.int64).max))
