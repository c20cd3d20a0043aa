"""One interface for every tokenizer: symbols in, ids out, and back without loss.

A tokenizer reads *symbols*: an array of values 0 to 255 (bytes) and 256 (the end of a document). Text and bytes are
thin wrappers around that, and so is the Hugging Face face in `laconic.tokens.face`.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, SupportsInt

import numpy as np
from jaxtyping import Int32, Int64, Integer, UInt16

from laconic.errors import CorruptFileError
from laconic.shapes import EOS

EOS_TOKEN = "<eos>"
"""How the end of a document is written where it must be seen."""


class AbstractTokenizer(ABC):
    """Turns symbols into ids and back: exactly, but for two kinds that are kept for comparison and say so.

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
    @abstractmethod
    def eos_id(self) -> int | None:
        """The id that stands for symbol 256, or None where that symbol shares ids with the text around it."""

    @property
    @abstractmethod
    def ids_stand_alone(self) -> bool:
        """Whether each id stands for the same text wherever it occurs, as words of a vocabulary do."""

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
    def spans(self, ids: Int32[np.ndarray, "_"]) -> Int64[np.ndarray, "N 2"]:
        """Cut one document's ids into the shortest runs that stand for text of their own.

        Returns:
            One row per run, in order: how many ids it has, and how many symbols they stand for. Where every id has its
            own text, that is one row per id; where ids mean something only together, one row for them all.

        Raises:
            CorruptFileError: ids that no text encodes to.
        """

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """What a JSON file must hold to build this tokenizer again, `kind` included; larger parts go to files."""

    @abstractmethod
    def save_files(self, folder: Path) -> list[str]:
        """Write what `settings` cannot hold (a vocabulary, a byte model) into an existing folder; returns the names."""

    def encode_bytes(self, data: bytes) -> Int32[np.ndarray, "_"]:
        """Ids of a byte string, as an array. The daily fast call."""
        return self.encode_batch([symbols_of(data)])[0]

    def encode(self, text: str) -> list[int]:
        """Ids of a text (its UTF-8 bytes), as a list."""
        ids: list[int] = self.encode_bytes(text.encode("utf-8")).tolist()
        return ids

    def decode_bytes(self, ids: Collection[SupportsInt] | Integer[np.ndarray, "_"], *, eos: bytes = b"") -> bytes:
        """The byte string behind the ids.

        Args:
            ids: what `encode_bytes` returned, or a language model wrote; padding is passed over.
            eos: what an end-of-document symbol becomes; bytes never contain one, corpora do.

        Raises:
            CorruptFileError: ids that no text encodes to, or that are no whole numbers.
        """
        ids_T = _as_ids(ids)
        if ids_T.size and ids_T.max() >= self.pad_id:
            ids_T = ids_T[ids_T != self.pad_id]
        symbols = self.decode_batch([ids_T])[0]
        return eos.join(part.astype(np.uint8).tobytes() for part in split_documents(symbols))

    def decode(
        self,
        ids: Collection[SupportsInt] | Integer[np.ndarray, "_"],
        *,
        skip_special_tokens: bool = True,
        errors: str = "replace",
    ) -> str:
        """The text behind the ids. Hazard: bytes that are not UTF-8 are replaced; `decode_bytes` gives them as they are.

        Args:
            ids: what `encode` returned, or a language model wrote; padding is passed over.
            skip_special_tokens: leave out ends of documents, which otherwise are written as `<eos>`.
            errors: what becomes of bytes that are not UTF-8, as in `bytes.decode`.

        Raises:
            CorruptFileError: ids that no text encodes to.
        """
        eos = b"" if skip_special_tokens else EOS_TOKEN.encode()
        return self.decode_bytes(ids, eos=eos).decode("utf-8", errors=errors)


def _as_ids(ids: Collection[SupportsInt] | Integer[np.ndarray, "_"]) -> Int32[np.ndarray, "_"]:
    """The ids as an array, none of them rounded or wrapped around.

    Raises:
        CorruptFileError: something that is no whole number, or does not fit 32 bits.
    """
    given = np.asarray(ids)
    if given.dtype == np.int32:
        return given
    if given.size == 0:
        return np.zeros(0, np.int32)
    most = np.iinfo(np.int32).max
    if given.dtype.kind not in "iu":
        raise CorruptFileError(
            f"the ids are of type {given.dtype}, but must be whole numbers up to {most}: give ids as integers"
        )
    if given.min() < -most or given.max() > most:
        raise CorruptFileError(
            f"the ids reach from {given.min()} to {given.max()}, but none is above {most}: use the ids a tokenizer made"
        )
    return given.astype(np.int32)


def symbols_of(data: bytes) -> UInt16[np.ndarray, "_"]:
    """The bytes as symbols, with no end-of-document symbol among them."""
    return np.frombuffer(data, dtype=np.uint8).astype(np.uint16)


def split_documents(symbols: UInt16[np.ndarray, "_"]) -> list[UInt16[np.ndarray, "_"]]:
    """Cut a symbol sequence at its end-of-document symbols, which are dropped; what follows the last one comes last."""
    ends = np.flatnonzero(symbols == EOS).tolist()
    begins = [0, *(end + 1 for end in ends)]
    return [symbols[begin:end] for begin, end in zip(begins, [*ends, symbols.size], strict=True)]


def check_symbols(documents: Sequence[UInt16[np.ndarray, "_"]]) -> None:
    """Refuse symbols above 256.

    Raises:
        ValueError: naming the first such symbol.
    """
    for symbols in documents:
        if symbols.size and symbols.max() > EOS:
            raise ValueError(f"documents hold symbol {symbols.max()}, but symbols are bytes (0 to 255) and {EOS} for the end")


def check_ids(ids: Sequence[Int32[np.ndarray, "_"]], vocab_size: int) -> None:
    """Refuse ids outside the vocabulary.

    Raises:
        CorruptFileError: naming the first such id.
    """
    for ids_T in ids:
        if ids_T.size and (ids_T.min() < 0 or ids_T.max() >= vocab_size):
            wrong = ids_T[(ids_T < 0) | (ids_T >= vocab_size)]
            raise CorruptFileError(
                f"id {wrong[0]} is not among the {vocab_size} of this tokenizer: use the one that made the ids"
            )
