"""SentencePiece as a lossless tokenizer: a unigram vocabulary with byte fallback (Kudo 2018, arXiv 1804.10959).

SentencePiece as shipped loses text: it normalises, adds and drops spaces, and cannot tell a space from U+2581. Here it
normalises nothing, and what it cannot be trusted with (invalid UTF-8, U+2581) goes through its 256 byte pieces.
"""

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from jaxtyping import Int32, Int64, UInt16

from laconic.errors import CorruptFileError, UsageError, missing_extra
from laconic.records.files import open_atomic
from laconic.shapes import EOS
from laconic.tokens.base import AbstractTokenizer, check_symbols
from laconic.tokens.pieces import PieceTable
from laconic.tokens.stretches import ESCAPED, find_stretches

try:
    import sentencepiece
except ModuleNotFoundError as error:
    raise missing_extra("sentencepiece", "train", "the tokenizer sentencepiece") from error

MODEL_FILE = "sentencepiece.model"

_SPACE = "▁"
_OUTSIDERS = re.compile(f"[{ESCAPED}{_SPACE}]+")
_UNKNOWN = 0
"""SentencePiece insists on a piece for unknown characters. With byte fallback there are none, so its id is free."""
_RESERVED = re.compile("[\t\n\r\0▅▁]+")
_LONGEST_SENTENCE = 1024
_SURROGATES = range(0xD800, 0xE000)
_PROBE = "  a  " + "".join(chr(code) for code in range(1 << 16) if code not in _SURROGATES) + "  \n"
"""Spaces in front, doubled and behind, every character of up to three bytes of UTF-8, and a line feed at the end."""


@dataclass(frozen=True, kw_only=True)
class SentencePieceConfig:
    """How a SentencePiece vocabulary is trained.

    Attributes:
        vocab_size: ids in all, the 256 byte pieces and the end-of-document id included; at least 512. Little text gives fewer.
        coverage: the share of characters in the training text that get ids of their own; the rest are spelt in bytes.
    """

    vocab_size: int = 4096
    coverage: float = 0.9995

    def __post_init__(self) -> None:
        if not 512 <= self.vocab_size <= 1 << 20:
            raise ValueError(f"vocab_size is {self.vocab_size}, but must lie between 512 and {1 << 20}")
        if not 0.9 <= self.coverage <= 1:
            raise ValueError(f"coverage is {self.coverage}, but must lie between 0.9 and 1")


@final
class SentencePieceTokenizer(AbstractTokenizer):
    """A trained SentencePiece model. Id 0, which SentencePiece keeps for the unknown, is the end of a document."""

    def __init__(self, model: bytes) -> None:
        """Read a serialised model.

        Args:
            model: the content of a `.model` file: byte fallback, nothing normalised, unknown piece 0.

        Raises:
            CorruptFileError: the bytes are no such model, or one whose normaliser changes text.
        """
        self._model = model
        try:
            self._processor = sentencepiece.SentencePieceProcessor(model_proto=model)
        except (RuntimeError, ValueError) as error:
            raise CorruptFileError("the SentencePiece model cannot be read: build the tokenizer again") from error
        size = self._processor.vocab_size()
        byte_ids = [self._processor.piece_to_id(f"<0x{value:02X}>") for value in range(256)]
        if self._processor.unk_id() != _UNKNOWN or not all(self._processor.is_byte(i) for i in byte_ids):
            raise CorruptFileError(
                "the SentencePiece model has no byte fallback or another unknown id: build the tokenizer here"
            )
        if self._processor.normalize(_PROBE).replace(_SPACE, " ") != _PROBE.replace(_SPACE, " "):
            raise CorruptFileError("the SentencePiece model normalises text, which loses some: build the tokenizer here")
        self._byte_ids = np.array(byte_ids, np.int32)
        pieces: list[Sequence[int]] = [self._processor.id_to_piece(i).replace(_SPACE, " ").encode() for i in range(size)]
        for value, i in enumerate(byte_ids):
            pieces[i] = [value]
        pieces[_UNKNOWN] = [EOS]
        self._table = PieceTable(pieces)

    @property
    def name(self) -> str:
        """Such as `sentencepiece[4096]`."""
        return f"sentencepiece[{self.vocab_size}]"

    @property
    def vocab_size(self) -> int:
        """As trained."""
        return len(self._table)

    @property
    def eos_id(self) -> int | None:
        """Always 0."""
        return _UNKNOWN

    @property
    def ids_stand_alone(self) -> bool:
        """True."""
        return True

    def encode_batch(self, documents: Sequence[UInt16[np.ndarray, "_"]]) -> list[Int32[np.ndarray, "_"]]:
        """Tokenize text stretches; spell the rest in byte pieces."""
        check_symbols(documents)
        return [self._encode(symbols) for symbols in documents]

    def _encode(self, symbols: UInt16[np.ndarray, "_"]) -> Int32[np.ndarray, "_"]:
        parts: list[np.ndarray] = [np.zeros(0, np.int32)]
        for stretch in find_stretches(symbols, _OUTSIDERS):
            match stretch:
                case str():
                    parts.append(np.array(self._processor.encode(stretch), np.int32))
                case bytes():
                    parts.append(self._byte_ids[np.frombuffer(stretch, np.uint8)])
                case None:
                    parts.append(np.full(1, _UNKNOWN, np.int32))
        return np.concatenate(parts)

    def decode_batch(self, ids: Sequence[Int32[np.ndarray, "_"]]) -> list[UInt16[np.ndarray, "_"]]:
        """Look the pieces up and join them."""
        return [self._table.join(ids_T) for ids_T in ids]

    def spans(self, ids: Int32[np.ndarray, "_"]) -> Int64[np.ndarray, "N 2"]:
        """Every id has its own text."""
        return np.stack([np.ones(ids.size, np.int64), self._table.lengths(ids)], axis=1)

    def settings(self) -> dict[str, Any]:
        """Only the kind: the model file holds the rest."""
        return {"kind": "sentencepiece"}

    def save_files(self, folder: Path) -> list[str]:
        """Write the model as SentencePiece's own file."""
        with open_atomic(folder / MODEL_FILE) as stream:
            stream.write(self._model)
        return [MODEL_FILE]


def train_sentencepiece(documents: Iterable[bytes], config: SentencePieceConfig) -> SentencePieceTokenizer:
    """Train a vocabulary on documents; their invalid UTF-8 is passed over.

    Raises:
        UsageError: the documents hold too little text.
    """
    written = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=_sentences(documents),
            model_writer=written,
            model_type="unigram",
            vocab_size=config.vocab_size,
            hard_vocab_limit=False,
            character_coverage=config.coverage,
            byte_fallback=True,
            normalization_rule_name="identity",
            add_dummy_prefix=False,
            remove_extra_whitespaces=False,
            allow_whitespace_only_pieces=True,
            unk_id=_UNKNOWN,
            bos_id=-1,
            eos_id=-1,
            pad_id=-1,
            num_threads=2,
            minloglevel=2,
        )
    except RuntimeError as error:
        raise UsageError(
            f"a SentencePiece vocabulary of {config.vocab_size} cannot be trained on so little text: give more"
        ) from error
    return SentencePieceTokenizer(written.getvalue())


def _sentences(documents: Iterable[bytes]) -> Iterator[str]:
    """Lines, cut where they are too long for the trainer, without the characters it reserves."""
    for document in documents:
        for line in _RESERVED.split(document.decode("utf-8", errors="ignore")):
            for begin in range(0, len(line), _LONGEST_SENTENCE):
                yield line[begin : begin + _LONGEST_SENTENCE]
