"""One interface for every tokenizer: symbols in, ids out, and back without loss.

A tokenizer reads *symbols*: an array of values 0 to 255 (bytes) and 256 (the end of a document). Text and bytes are
thin wrappers around that, and so is the Hugging Face face in `laconic.tokens.face`.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int32, UInt16

from laconic.shapes import EOS


class AbstractTokenizer(ABC):
    """Turns symbols into ids and back, exactly.

    Ids 0 to `vocab_size - 1` carry text. Id `vocab_size` is the padding id, which is also the start symbol a language
    model reads first; it is never produced by encoding.
    """

    @property
    @abstractmethod
    def name(self) -> str:
        """The name people use, with its parameters, such as `equal-info[16,65536]`."""

    @property
    @abstractmethod
    def vocab_size(self) -> int:
        """How many ids carry text."""

    @property
    def pad_id(self) -> int:
        """The id that carries no text: padding, and the first input of a language model."""
        return self.vocab_size

    @abstractmethod
    def encode_batch(self, documents: Sequence[UInt16[np.ndarray, "_"]]) -> list[Int32[np.ndarray, "_"]]:
        """Encode several symbol sequences; each on its own, so that the result does not depend on its neighbours.

        Args:
            documents: arrays of symbols, 0 to 256.

        Returns:
            One array of ids for each.
        """

    @abstractmethod
    def decode_batch(self, ids: Sequence[Int32[np.ndarray, "_"]]) -> list[UInt16[np.ndarray, "_"]]:
        """Invert `encode_batch`: the same symbols, end-of-document symbols included.

        Raises:
            CorruptFileError: ids that no text encodes to.
        """

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """What a JSON file must hold to build this tokenizer again, `kind` included; larger parts go to files."""

    @abstractmethod
    def save_files(self, folder: Path) -> None:
        """Write what `settings` cannot hold (a vocabulary, a byte model) into an existing folder."""

    def encode_bytes(self, data: bytes) -> Int32[np.ndarray, "_"]:
        """Ids of a byte string, as an array. The daily fast call."""
        return self.encode_batch([np.frombuffer(data, dtype=np.uint8).astype(np.uint16)])[0]

    def encode(self, text: str) -> list[int]:
        """Ids of a text (its UTF-8 bytes), as a list."""
        ids: list[int] = self.encode_bytes(text.encode("utf-8")).tolist()
        return ids

    def decode_bytes(self, ids: Sequence[int] | Int32[np.ndarray, "_"], *, eos: bytes = b"") -> bytes:
        """The byte string behind the ids.

        Args:
            ids: what `encode_bytes` returned, or a language model wrote.
            eos: what an end-of-document symbol becomes; bytes never contain one, corpora do.
        """
        symbols = self.decode_batch([np.asarray(ids, dtype=np.int32)])[0]
        return eos.join(part.astype(np.uint8).tobytes() for part in split_documents(symbols))

    def decode(self, ids: Sequence[int] | Int32[np.ndarray, "_"], *, errors: str = "replace") -> str:
        """The text behind the ids; bytes that are not UTF-8 are handled as `bytes.decode` does with `errors`."""
        return self.decode_bytes(ids).decode("utf-8", errors=errors)


def split_documents(symbols: UInt16[np.ndarray, "_"]) -> list[UInt16[np.ndarray, "_"]]:
    """Cut a symbol sequence at its end-of-document symbols, which are dropped; what follows the last one comes last."""
    ends = np.flatnonzero(symbols == EOS)
    return [part[part != EOS] for part in np.split(symbols, ends)]
