"""Bytes as tokens: one id per symbol, the baseline without any compression."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, final

import numpy as np
from jaxtyping import Int32, Int64, UInt16

from laconic.shapes import EOS, SYMBOLS
from laconic.tokens.base import AbstractTokenizer, check_ids, check_symbols


@final
class ByteTokenizer(AbstractTokenizer):
    """Ids are the symbols themselves: 0 to 255 for bytes, 256 for the end of a document."""

    @property
    def name(self) -> str:
        """Always `bytes`."""
        return "bytes"

    @property
    def vocab_size(self) -> int:
        """Always 257."""
        return SYMBOLS

    @property
    def eos_id(self) -> int | None:
        """Always 256."""
        return EOS

    @property
    def ids_stand_alone(self) -> bool:
        """True."""
        return True

    def encode_batch(self, documents: Sequence[UInt16[np.ndarray, "_"]]) -> list[Int32[np.ndarray, "_"]]:
        """Copy the symbols."""
        check_symbols(documents)
        return [symbols.astype(np.int32) for symbols in documents]

    def decode_batch(self, ids: Sequence[Int32[np.ndarray, "_"]]) -> list[UInt16[np.ndarray, "_"]]:
        """Copy the ids."""
        check_ids(ids, self.vocab_size)
        return [ids_T.astype(np.uint16) for ids_T in ids]

    def spans(self, ids: Int32[np.ndarray, "_"]) -> Int64[np.ndarray, "N 2"]:
        """One symbol per id."""
        check_ids([ids], self.vocab_size)
        return np.ones((ids.size, 2), np.int64)

    def settings(self) -> dict[str, Any]:
        """Only the kind: there is nothing to choose."""
        return {"kind": "bytes"}

    def save_files(self, folder: Path) -> list[str]:
        """Nothing beyond the settings."""
        return []
