"""The byte model that knows nothing: every symbol is equally likely."""

from typing import final

import numpy as np
from jaxtyping import Integer, UInt16, UInt32

from laconic.bytelm.base import AbstractByteLM, AbstractSession, CountFormat
from laconic.bytelm.files import ModelFile
from laconic.bytelm.memoryless import MemorylessSession, look_up_ranges, repeat_edges
from laconic.bytelm.weights import cumulative_counts
from laconic.shapes import SYMBOLS


@final
class UniformByteLM(AbstractByteLM):
    """Equal counts, up to rounding, for all symbols. It never compresses; tests and comparisons want it."""

    @property
    def fingerprint(self) -> int:
        """64 bits that name this model."""
        return self.to_file().fingerprint

    @property
    def description(self) -> str:
        """One line for people."""
        return "uniform: every symbol equally likely"

    def start(self, batch: int, form: CountFormat) -> AbstractSession:
        """Begin `batch` independent streams."""
        return MemorylessSession(_edges(form), batch)

    def counts(self, symbols_BT: UInt16[np.ndarray, "B T"], form: CountFormat) -> UInt32[np.ndarray, "B T C"]:
        """Cumulative counts at every position."""
        return repeat_edges(_edges(form), symbols_BT)

    def ranges(
        self, symbols_BT: UInt16[np.ndarray, "B T"], lengths_B: Integer[np.ndarray, "B"], form: CountFormat
    ) -> tuple[UInt32[np.ndarray, "B T"], UInt32[np.ndarray, "B T"]]:
        """The two edges of each actual symbol."""
        return look_up_ranges(_edges(form), symbols_BT, lengths_B)

    def to_file(self) -> ModelFile:
        """This model as the content of a file."""
        return ModelFile(kind="uniform", config={}, description=self.description, tensors={})

    @classmethod
    def from_file(cls, file: ModelFile) -> "UniformByteLM":
        """The model in a file: there is nothing to read."""
        return cls()


def _edges(form: CountFormat) -> UInt32[np.ndarray, "C"]:
    edges_C: UInt32[np.ndarray, "C"] = cumulative_counts(np.ones((1, SYMBOLS), dtype=np.int64), form)[0]
    return edges_C
