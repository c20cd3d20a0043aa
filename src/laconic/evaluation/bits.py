"""Bits per byte: what a language model over tokens charges for a text, per byte of that text.

Never per token: tokenizers cut text into pieces of different sizes, and a smaller loss per token may only mean smaller
pieces. All tokens of the text are predicted and charged, and divided by the bytes of the same text for every tokenizer.

    segment     t0   t1   t2   t3        all four are charged
                 ^    ^    ^    ^
    input      start  t0   t1   t2       the start symbol is free

With a `stride` shorter than the context, segments overlap and only the last `stride` tokens of each (all of the first)
are charged, so that each has some text before it.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Int32, UInt16
from torch import nn

from laconic.shapes import BYTES
from laconic.tokens.base import AbstractTokenizer
from laconic.training.language_modeling import vocabulary_mass


@dataclass(frozen=True, kw_only=True)
class Bits:
    """A measurement in bits per byte.

    Attributes:
        bits_per_byte: all bits of all tokens, divided by the bytes of the text.
        tokens: how many tokens were charged: all of the text's.
        bytes: bytes of the text; end-of-document symbols are charged for but not counted.
        bytes_per_token: bytes / tokens; also the bytes that one step of the model covers.
        bit_compression: bits of the text by bits of the tokens, at log2(vocabulary) bits each.
        perplexity: per token. Hazard: not comparable between tokenizers.
        vocab_size: ids that carry text.
    """

    bits_per_byte: float
    tokens: int
    bytes: int
    bytes_per_token: float
    bit_compression: float
    perplexity: float
    vocab_size: int

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data for a record."""
        return asdict(self)


def bits_per_byte(
    model: nn.Module,
    tokenizer: AbstractTokenizer,
    texts: Sequence[UInt16[np.ndarray, "_"]],
    *,
    context: int,
    batch: int = 32,
    stride: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Bits:
    """Measure a model on held-out text.

    Args:
        model: a causal Hugging Face model, called as it is: switch dropout off before.
        tokenizer: what it was trained on.
        texts: symbol sequences; each is encoded on its own, then their tokens are joined and cut into segments.
        context: tokens in a segment, as in training.
        batch: segments computed at once.
        stride: how many new tokens a segment charges, 1 to `context`; `context` if None: no overlap.
        progress: told how many bytes are done, about.

    Raises:
        ValueError: a stride outside its range, or no text at all.
    """
    ids = tokenizer.encode_batch(list(texts))
    tokens_N = np.concatenate(ids) if ids else np.zeros(0, dtype=np.int32)
    size = sum(int(np.count_nonzero(text < BYTES)) for text in texts)
    return tokens_bits(
        model, tokens_N, size, vocab_size=tokenizer.vocab_size, context=context, batch=batch, stride=stride, progress=progress
    )


def tokens_bits(
    model: nn.Module,
    tokens_N: Int32[np.ndarray, "N"],
    size: int,
    *,
    vocab_size: int,
    context: int,
    batch: int = 32,
    stride: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Bits:
    """Measure a model on text that is encoded already.

    Args:
        model: a causal Hugging Face model.
        tokens_N: the tokens of the text, joined.
        size: bytes of the text.
        vocab_size: V; id V is the start symbol.
        context: tokens in a segment.
        batch: segments computed at once.
        stride: how many new tokens a segment charges; `context` if None.
        progress: told how many bytes are done, about.

    Raises:
        ValueError: a stride outside its range, or no text at all.
    """
    step = context if stride is None else stride
    if not 1 <= step <= context:
        raise ValueError(f"stride is {stride}, but must lie between 1 and the context, {context}")
    require_text(tokens_N, size)
    total, done, device = 0.0, 0, next(model.parameters()).device
    for tokens_BT, charged_BT in cut_windows(tokens_N, context=context, step=step, batch=batch, pad_id=vocab_size):
        inputs_BT, asked_BT = (torch.from_numpy(array).to(device) for array in (tokens_BT, charged_BT))
        with torch.no_grad():
            partition_N, gold_N = vocabulary_mass(
                model, inputs_BT, vocab_size=vocab_size, start_id=vocab_size, asked_BT=asked_BT
            )
        total += float((partition_N.double() - gold_N).sum())
        done += int(charged_BT.sum())
        if progress:
            progress(size * done // len(tokens_N))
    assert done == len(tokens_N)
    return summarise(nats=total, tokens=done, size=size, vocab_size=vocab_size)


def require_text(tokens_N: Int32[np.ndarray, "N"], size: int) -> None:
    """See that there is something to measure on.

    Args:
        tokens_N: the tokens of a text.
        size: its bytes.

    Raises:
        ValueError: there is none.
    """
    if not len(tokens_N) or not size:
        raise ValueError(f"the text has {size} bytes and {len(tokens_N)} tokens, but must not be empty")


def summarise(*, nats: float, tokens: int, size: int, vocab_size: int) -> Bits:
    """Turn a sum of negative log-likelihoods into bits per byte and its companions.

    Args:
        nats: the sum over all tokens of the text, natural logarithm.
        tokens: how many there are.
        size: bytes of the text.
        vocab_size: ids that carry text.

    Examples:
        >>> summarise(nats=1000 * math.log(4), tokens=1000, size=2000, vocab_size=256).bits_per_byte
        1.0
    """
    return Bits(
        bits_per_byte=nats / (size * math.log(2)),
        tokens=tokens,
        bytes=size,
        bytes_per_token=size / tokens,
        bit_compression=bit_compression(size / tokens, vocab_size),
        perplexity=math.exp(min(nats / tokens, 700.0)),
        vocab_size=vocab_size,
    )


def bit_compression(bytes_per_token: float, vocab_size: int) -> float:
    """Bits of text per bit of tokens, where a token costs log2(vocabulary) bits (Lester et al. 2024, table 2).

    Examples:
        >>> round(bit_compression(5.31, 65_536), 3)
        2.655
    """
    return 8 * bytes_per_token / math.log2(vocab_size)


def cut_windows(
    tokens_N: Int32[np.ndarray, "N"], *, context: int, step: int, batch: int, pad_id: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Batches of segments and of marks for the tokens they charge; each token is charged exactly once.

    Raises:
        ValueError: tokens outside the vocabulary, which ends before `pad_id`.
    """
    length = len(tokens_N)
    if length and not 0 <= int(tokens_N.min()) <= int(tokens_N.max()) < pad_id:
        raise ValueError(f"the tokens go from {tokens_N.min()} to {tokens_N.max()}, but the vocabulary from 0 to {pad_id - 1}")
    stops = [min(context, length)]
    while stops[-1] < length:
        stops.append(min(stops[-1] + step, length))
    for first in range(0, len(stops), batch):
        chosen = stops[first : first + batch]
        tokens_BT = np.full((len(chosen), context), pad_id, dtype=np.int64)
        charged_BT = np.zeros((len(chosen), context), dtype=bool)
        for row, stop in enumerate(chosen):
            before = stops[first + row - 1] if first + row else 0
            start = max(0, min(before, stop - context) if step < context else before)
            tokens_BT[row, : stop - start] = tokens_N[start:stop]
            charged_BT[row, before - start : stop - start] = True
        yield tokens_BT, charged_BT
