"""How far a tokenizer squeezes a text, how fast, and whether the text comes back."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import log2
from typing import Any

import numpy as np
from jaxtyping import UInt16

from laconic.errors import CorruptFileError
from laconic.shapes import EOS
from laconic.tokens.base import AbstractTokenizer


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One tokenizer on one text.

    Attributes:
        name: the tokenizer.
        vocab_size: ids that carry text.
        text_bytes: the text, without ends of documents.
        tokens: ids it became.
        encode_seconds: wall time of encoding, one process.
        decode_seconds: wall time of decoding, one process.
        lossless: whether every document came back as it was.
    """

    name: str
    vocab_size: int
    text_bytes: int
    tokens: int
    encode_seconds: float
    decode_seconds: float
    lossless: bool

    @property
    def bytes_per_token(self) -> float:
        """The paper's token compression rate."""
        return self.text_bytes / max(self.tokens, 1)

    @property
    def bit_compression(self) -> float:
        """The paper's bit compression rate: bits of text for each bit of ids, `log2(vocab_size)` bits an id."""
        return 8 * self.bytes_per_token / log2(self.vocab_size)

    @property
    def encode_mb_per_s(self) -> float:
        """Millions of bytes of text per second."""
        return self.text_bytes / 1e6 / max(self.encode_seconds, 1e-9)

    @property
    def decode_mb_per_s(self) -> float:
        """Millions of bytes of text per second."""
        return self.text_bytes / 1e6 / max(self.decode_seconds, 1e-9)

    def as_dict(self) -> dict[str, Any]:
        """Fields and rates as JSON values."""
        return asdict(self) | {
            "bytes_per_token": self.bytes_per_token,
            "bit_compression": self.bit_compression,
            "encode_mb_per_s": self.encode_mb_per_s,
            "decode_mb_per_s": self.decode_mb_per_s,
        }


def measure(tokenizer: AbstractTokenizer, documents: Sequence[UInt16[np.ndarray, "_"]]) -> Measurement:
    """Encode and decode documents once, after a short warm-up that is not timed."""
    head = [document[:500] for document in documents[:2]]
    _decodes(tokenizer, head, tokenizer.encode_batch(head))
    began = time.perf_counter()
    ids = tokenizer.encode_batch(documents)
    encoded = time.perf_counter()
    lossless = _decodes(tokenizer, documents, ids)
    decoded = time.perf_counter()
    return Measurement(
        name=tokenizer.name,
        vocab_size=tokenizer.vocab_size,
        text_bytes=sum(int((document != EOS).sum()) for document in documents),
        tokens=sum(ids_T.size for ids_T in ids),
        encode_seconds=encoded - began,
        decode_seconds=decoded - encoded,
        lossless=lossless,
    )


def _decodes(tokenizer: AbstractTokenizer, documents: Sequence[UInt16[np.ndarray, "_"]], ids: list[np.ndarray]) -> bool:
    try:
        back = tokenizer.decode_batch(ids)
    except CorruptFileError:
        return False
    return all(map(np.array_equal, documents, back))
