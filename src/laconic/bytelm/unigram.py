"""The byte model that knows how common each symbol is, and nothing of context: the model of StaticAC."""

from collections.abc import Iterable
from typing import final

import numpy as np
from jaxtyping import Integer, UInt16, UInt32

from laconic.bytelm.base import AbstractByteLM, AbstractSession, CountFormat
from laconic.bytelm.files import ModelFile, take_tensor
from laconic.bytelm.memoryless import MemorylessSession, look_up_ranges, repeat_edges
from laconic.bytelm.weights import cumulative_counts
from laconic.errors import CorruptFileError
from laconic.shapes import BYTES, EOS, SYMBOLS

_LIMIT = 1 << 30


@final
class UnigramByteLM(AbstractByteLM):
    """One weight per symbol, whatever came before.

    Args:
        weights_S: 257 weights, each below 2**30, not all of them 0; symbol 256 ends a document.
        trained_on: what was counted, for people.
    """

    def __init__(self, weights_S: UInt32[np.ndarray, "257"], trained_on: str = "unnamed text") -> None:
        if not weights_S[:BYTES].any() or weights_S.max() >= _LIMIT:
            raise ValueError(f"weights_S must hold at least one byte's weight above 0, and all weights below {_LIMIT}")
        self._weights_S = weights_S
        self._trained_on = trained_on

    @classmethod
    def train(cls, documents: Iterable[bytes], *, trained_on: str = "unnamed text") -> "UnigramByteLM":
        """Count the bytes of documents, each of which ends with an end-of-document symbol.

        Args:
            documents: read once, one at a time.
            trained_on: the name of the text, for the description.

        Raises:
            ValueError: there is not one byte.
        """
        weights_S = np.zeros(SYMBOLS, dtype=np.int64)
        for document in documents:
            weights_S[:BYTES] += np.bincount(np.frombuffer(document, dtype=np.uint8), minlength=BYTES)
            weights_S[EOS] += 1
        if not weights_S[:BYTES].any():
            raise ValueError("documents holds no byte to count: give at least one document that is not empty")
        while weights_S.max() >= _LIMIT:
            weights_S = (weights_S + 1) >> 1
        return cls(weights_S.astype(np.uint32), trained_on)

    @property
    def fingerprint(self) -> int:
        """64 bits that name this model."""
        return self.to_file().fingerprint

    @property
    def description(self) -> str:
        """One line for people."""
        return f"unigram: byte frequencies of {self._trained_on}"

    def start(self, batch: int, form: CountFormat) -> AbstractSession:
        """Begin `batch` independent streams."""
        return MemorylessSession(self._edges(form), batch)

    def counts(self, symbols_BT: UInt16[np.ndarray, "B T"], form: CountFormat) -> UInt32[np.ndarray, "B T C"]:
        """Cumulative counts at every position."""
        return repeat_edges(self._edges(form), symbols_BT)

    def ranges(
        self, symbols_BT: UInt16[np.ndarray, "B T"], lengths_B: Integer[np.ndarray, "B"], form: CountFormat
    ) -> tuple[UInt32[np.ndarray, "B T"], UInt32[np.ndarray, "B T"]]:
        """The two edges of each actual symbol."""
        return look_up_ranges(self._edges(form), symbols_BT, lengths_B)

    def to_file(self) -> ModelFile:
        """This model as the content of a file."""
        return ModelFile(
            kind="unigram", config={}, description=self._trained_on, tensors={"weights_S": self._weights_S.astype("<u4")}
        )

    @classmethod
    def from_file(cls, file: ModelFile) -> "UnigramByteLM":
        """The model in a file.

        Raises:
            CorruptFileError: the weights are missing, of another shape, or out of range.
        """
        weights_S = take_tensor(file, "weights_S", np.dtype("<u4"), (SYMBOLS,))
        try:
            return cls(weights_S.astype(np.uint32), file.description)
        except ValueError as error:
            raise CorruptFileError(f"this unigram model cannot be used: {error}") from error

    def _edges(self, form: CountFormat) -> UInt32[np.ndarray, "C"]:
        edges_C: UInt32[np.ndarray, "C"] = cumulative_counts(self._weights_S[None].astype(np.int64), form)[0]
        return edges_C
