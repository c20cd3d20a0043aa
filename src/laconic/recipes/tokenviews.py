"""Tokenizers side by side on one text: bytes per token, speed, and what the tokens look like."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import UInt16

from laconic.errors import CorruptFileError
from laconic.evaluation.bits import bit_compression
from laconic.shapes import BYTES, EOS
from laconic.tokens.base import EOS_TOKEN, AbstractTokenizer

_SHOWN_SYMBOLS = 600


def try_tokenizer(tokenizer: AbstractTokenizer, texts: Sequence[UInt16[np.ndarray, "_"]]) -> dict[str, Any]:
    """Encode, decode, compare and time: one row of the report's table of tokenizers."""
    tokenizer.encode_batch([texts[0][:1000]])
    began = time.perf_counter()
    ids = tokenizer.encode_batch(list(texts))
    seconds = time.perf_counter() - began
    back = tokenizer.decode_batch(ids)
    size, tokens = sum(int(np.count_nonzero(text < BYTES)) for text in texts), sum(map(len, ids))
    return {
        "name": tokenizer.name,
        "vocab_size": tokenizer.vocab_size,
        "tokens": tokens,
        "bytes_per_token": size / tokens,
        "bit_compression": bit_compression(size / tokens, tokenizer.vocab_size),
        "encode_mb_per_s": size / 1e6 / seconds,
        "verified": all(np.array_equal(one, two) for one, two in zip(texts, back, strict=True)),
        "tokens_shown": show_tokens(tokenizer, texts[0][:_SHOWN_SYMBOLS]),
    }


def show_tokens(tokenizer: AbstractTokenizer, text: UInt16[np.ndarray, "_"]) -> list[list[str]]:
    """The runs of ids that stand for text of their own, each as its text and its ids; one run where they cannot be cut."""
    ids = tokenizer.encode_batch([text])[0]
    try:
        spans_N2 = tokenizer.spans(ids)
    except CorruptFileError:  # A code that decodes to another text has no runs to show.
        return [[_readable(text), f"{len(ids)} ids"]]
    shown, at, symbol = [], 0, 0
    for taken, covered in spans_N2.tolist():
        shown.append([_readable(text[symbol : symbol + covered]), " ".join(map(str, ids[at : at + taken].tolist()[:8]))])
        at, symbol = at + taken, symbol + covered
    return shown


def _readable(symbols: UInt16[np.ndarray, "_"]) -> str:
    parts = np.split(symbols, np.flatnonzero(symbols == EOS))
    texts = [part[part != EOS].astype(np.uint8).tobytes().decode("utf-8", errors="replace") for part in parts]
    return EOS_TOKEN.join(texts)
