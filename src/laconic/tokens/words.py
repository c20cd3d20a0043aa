"""Words of a text that is tokenised already, such as WikiText: what stands between spaces, and the ends of lines.

The field compares language models on these words. They are no tokenizer for any text: a word that is not in the vocabulary
becomes `<unk>`, runs of spaces become one, and ends of documents vanish, so decoding gives back a tidied text, not the same
bytes.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from jaxtyping import Int32, Int64, UInt16

from laconic.errors import CorruptFileError
from laconic.records.files import open_atomic
from laconic.shapes import BYTES
from laconic.tokens.base import AbstractTokenizer, check_symbols
from laconic.tokens.pieces import PieceTable

VOCABULARY_FILE = "words.txt"

_UNKNOWN = b"<unk>"
_LINE = b"\n"


@dataclass(frozen=True, kw_only=True)
class WordConfig:
    """How a vocabulary of words is found.

    Attributes:
        vocab_size: ids in all, the most frequent words of the text, the end of a line and `<unk>` among them; at least 2.
            Little text gives fewer.
    """

    vocab_size: int = 1 << 20

    def __post_init__(self) -> None:
        if not 2 <= self.vocab_size <= 1 << 20:
            raise ValueError(f"vocab_size is {self.vocab_size}, but must lie between 2 and {1 << 20}")


@final
class WordTokenizer(AbstractTokenizer):
    """A vocabulary of words, the most frequent first.

    Args:
        words: each once, without spaces; the end of a line is one of them, and so is `<unk>`.

    Raises:
        CorruptFileError: they are no such vocabulary.
    """

    def __init__(self, words: Sequence[bytes]) -> None:
        self._ids = {word: i for i, word in enumerate(words)}
        if len(self._ids) != len(words) or not {_UNKNOWN, _LINE} <= self._ids.keys() or any(map(_is_no_word, words)):
            raise CorruptFileError("the vocabulary of the word tokenizer cannot be used: build the tokenizer again")
        self._words = tuple(words)
        # As WikiText writes them: a space before each word, and before the end of each line.
        self._table = PieceTable([b" " + word for word in words])

    @property
    def name(self) -> str:
        """Such as `words[33278]`."""
        return f"words[{self.vocab_size}]"

    @property
    def vocab_size(self) -> int:
        """As found."""
        return len(self._words)

    @property
    def eos_id(self) -> int | None:
        """None: the ends of documents are no words."""
        return None

    @property
    def ids_stand_alone(self) -> bool:
        """True."""
        return True

    def encode_batch(self, documents: Sequence[UInt16[np.ndarray, "_"]]) -> list[Int32[np.ndarray, "_"]]:
        """Look the words up."""
        check_symbols(documents)
        return [self._encode(symbols[symbols < BYTES].astype(np.uint8).tobytes()) for symbols in documents]

    def _encode(self, text: bytes) -> Int32[np.ndarray, "_"]:
        unknown = self._ids[_UNKNOWN]
        words = (self._ids.get(word, unknown) for word in _words_of(text))
        return np.fromiter(words, np.int32)

    def decode_batch(self, ids: Sequence[Int32[np.ndarray, "_"]]) -> list[UInt16[np.ndarray, "_"]]:
        """The words, with a space before each."""
        return [self._table.join(ids_T) for ids_T in ids]

    def spans(self, ids: Int32[np.ndarray, "_"]) -> Int64[np.ndarray, "N 2"]:
        """Every id has its own text."""
        return np.stack([np.ones(ids.size, np.int64), self._table.lengths(ids)], axis=1)

    def settings(self) -> dict[str, Any]:
        """Only the kind: the vocabulary file holds the rest."""
        return {"kind": "words"}

    def save_files(self, folder: Path) -> list[str]:
        """Write the words, one on a line; the end of a line as an empty one."""
        with open_atomic(folder / VOCABULARY_FILE) as stream:
            stream.write(b"".join((b"" if word == _LINE else word) + b"\n" for word in self._words))
        return [VOCABULARY_FILE]


def read_words(content: bytes) -> WordTokenizer:
    """The tokenizer whose words a vocabulary file holds.

    Raises:
        CorruptFileError: it holds no such vocabulary.
    """
    return WordTokenizer([word or _LINE for word in content.removesuffix(b"\n").split(b"\n")])


def train_words(documents: Iterable[bytes], config: WordConfig) -> WordTokenizer:
    """The most frequent words of some documents; equally frequent ones in the order of their bytes."""
    counts = Counter({_UNKNOWN: 0, _LINE: 0})
    for document in documents:
        counts.update(_words_of(document))
    ordered = sorted(counts, key=lambda word: (-counts[word], word))
    always = [word for word in ordered if word in (_UNKNOWN, _LINE)]
    kept = set(always) | set([word for word in ordered if word not in always][: config.vocab_size - len(always)])
    return WordTokenizer([word for word in ordered if word in kept])


def _words_of(text: bytes) -> list[bytes]:
    return [word for word in text.replace(_LINE, b" \n ").split(b" ") if word]


def _is_no_word(word: bytes) -> bool:
    return not word or b" " in word or (b"\n" in word and word != _LINE)
