"""Byte-level byte-pair encoding by Hugging Face `tokenizers` (Sennrich et al. 2016, arXiv 1508.07909; GPT-2's word pattern).

Every byte is in the vocabulary, so every byte string has ids. Text goes through the library; bytes that are not UTF-8,
which it cannot be handed, are taken one by one.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from jaxtyping import Int32, Int64, UInt16

from laconic.errors import CorruptFileError, missing_extra
from laconic.records.files import open_atomic
from laconic.shapes import BYTES, EOS
from laconic.tokens.base import AbstractTokenizer, check_symbols
from laconic.tokens.pieces import PieceTable
from laconic.tokens.stretches import ESCAPED, find_stretches

try:
    import tokenizers
    from tokenizers import models, pre_tokenizers, trainers
except ModuleNotFoundError as error:
    raise missing_extra("tokenizers", "train", "the tokenizer bpe") from error

VOCABULARY_FILE = "bpe.json"

_OUTSIDERS = re.compile(f"[{ESCAPED}]+")


@dataclass(frozen=True, kw_only=True)
class BPEConfig:
    """How a byte-pair vocabulary is trained.

    Attributes:
        vocab_size: ids in all, the 256 bytes and the end-of-document id included; at least 257. Little text gives fewer.
    """

    vocab_size: int = 4096

    def __post_init__(self) -> None:
        if not BYTES + 1 <= self.vocab_size <= 1 << 20:
            raise ValueError(f"vocab_size is {self.vocab_size}, but must lie between {BYTES + 1} and {1 << 20}")


@final
class BPETokenizer(AbstractTokenizer):
    """A trained byte-pair vocabulary; the last id is the end of a document."""

    def __init__(self, vocabulary: str) -> None:
        """Read a serialised vocabulary.

        Args:
            vocabulary: the JSON of a `tokenizers.Tokenizer` with byte-level pieces.

        Raises:
            CorruptFileError: the text is no such vocabulary, or one that lacks a byte.
        """
        try:
            self._tokenizer = _around(tokenizers.Tokenizer.from_str(vocabulary).model)
            pieces = _pieces_of(self._tokenizer.get_vocab())
            ids_of = {piece: i for i, piece in enumerate(pieces)}
            self._byte_ids = np.array([ids_of[bytes([value])] for value in range(BYTES)], np.int32)
        except Exception as error:  # the library raises bare Exception
            raise CorruptFileError(
                "the vocabulary of the byte-pair tokenizer cannot be used: build the tokenizer again"
            ) from error
        self._eos = len(pieces)
        self._table = PieceTable([*pieces, [EOS]])

    @property
    def name(self) -> str:
        """Such as `bpe[4096]`."""
        return f"bpe[{self.vocab_size}]"

    @property
    def vocab_size(self) -> int:
        """As trained."""
        return len(self._table)

    @property
    def eos_id(self) -> int | None:
        """The last id."""
        return self._eos

    @property
    def ids_stand_alone(self) -> bool:
        """True."""
        return True

    def encode_batch(self, documents: Sequence[UInt16[np.ndarray, "_"]]) -> list[Int32[np.ndarray, "_"]]:
        """Tokenize the text stretches of all documents together, which uses all cores."""
        check_symbols(documents)
        stretches = [list(find_stretches(symbols, _OUTSIDERS)) for symbols in documents]
        texts = [stretch for document in stretches for stretch in document if isinstance(stretch, str)]
        encoded = iter(self._tokenizer.encode_batch_fast(texts, add_special_tokens=False))
        empty = np.zeros(0, np.int32)
        return [np.concatenate([empty, *(self._ids(stretch, encoded) for stretch in document)]) for document in stretches]

    def _ids(self, stretch: str | bytes | None, encoded: Iterable[Any]) -> Int32[np.ndarray, "_"]:
        match stretch:
            case str():
                return np.array(next(iter(encoded)).ids, np.int32)
            case bytes():
                ids: Int32[np.ndarray, "_"] = self._byte_ids[np.frombuffer(stretch, np.uint8)]
                return ids
            case None:
                return np.full(1, self._eos, np.int32)

    def decode_batch(self, ids: Sequence[Int32[np.ndarray, "_"]]) -> list[UInt16[np.ndarray, "_"]]:
        """Look the pieces up and join them."""
        return [self._table.join(ids_T) for ids_T in ids]

    def spans(self, ids: Int32[np.ndarray, "_"]) -> Int64[np.ndarray, "N 2"]:
        """Every id has its own text."""
        return np.stack([np.ones(ids.size, np.int64), self._table.lengths(ids)], axis=1)

    def settings(self) -> dict[str, Any]:
        """Only the kind: the vocabulary file holds the rest."""
        return {"kind": "bpe"}

    def save_files(self, folder: Path) -> list[str]:
        """Write the vocabulary as the JSON file of `tokenizers`."""
        with open_atomic(folder / VOCABULARY_FILE, "w") as stream:
            stream.write(self._tokenizer.to_str())
        return [VOCABULARY_FILE]


def train_bpe(documents: Iterable[bytes], config: BPEConfig) -> BPETokenizer:
    """Train a vocabulary on documents; their invalid UTF-8 is passed over."""
    tokenizer = _around(models.BPE())
    trainer = trainers.BpeTrainer(
        vocab_size=config.vocab_size - 1, initial_alphabet=sorted(byte_letters()), special_tokens=[], show_progress=False
    )
    tokenizer.train_from_iterator((document.decode("utf-8", errors="ignore") for document in documents), trainer)
    return BPETokenizer(tokenizer.to_str())


def byte_letters() -> dict[str, int]:
    """The letter that stands for each byte in a byte-level vocabulary, as GPT-2 chose them: printable Latin-1 as itself."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [value for value in range(BYTES) if value not in set(printable)]
    return {chr(value): value for value in printable} | {chr(BYTES + i): value for i, value in enumerate(others)}


def _around(model: models.Model) -> tokenizers.Tokenizer:
    """The tokenizer that uses a merge table as it is: of what a file says, nothing else is trusted to keep the text.

    Raises:
        ValueError: the table is no byte-pair encoding, or one that spells pieces in other ways or leaves merges to chance.
    """
    if not isinstance(model, models.BPE):
        raise ValueError("it is no byte-pair encoding")
    if model.dropout or model.unk_token or model.continuing_subword_prefix or model.end_of_word_suffix:
        raise ValueError("it does not keep the text")
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    return tokenizer


def _pieces_of(vocabulary: dict[str, int]) -> list[bytes]:
    """The byte string of each id.

    Raises:
        ValueError, KeyError: the ids have holes, or a piece is not spelt in byte letters.
    """
    if sorted(vocabulary.values()) != list(range(len(vocabulary))):
        raise ValueError("ids have holes")
    values = byte_letters()
    return [bytes(values[letter] for letter in piece) for piece in sorted(vocabulary, key=vocabulary.__getitem__)]
