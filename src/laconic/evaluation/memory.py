"""A language model with a memory, measured: in bits per byte, as without one, and per token and word."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int32
from torch import Tensor
from transformers import PreTrainedModel

from laconic.errors import UsageError
from laconic.evaluation.bits import Bits, cut_windows, summarise
from laconic.memory.keys import KeyTap
from laconic.memory.mixing import AbstractMixture, ContinuousCache, OneSum
from laconic.memory.stores import (
    AbstractMemory,
    LocalMemory,
    LongTermMemory,
    Memories,
    Window,
    slots_mass,
)
from laconic.records.hardware import available_memory
from laconic.training.language_modeling import vocabulary_mass

READS = ("none", "local", "long", "recurrence")


@dataclass(frozen=True, kw_only=True)
class MemoryConfig:
    """With which memory a model is read.

    Attributes:
        read: `none`; `local`: the earlier tokens of the window; `long`: those, and what came before the window; `recurrence`:
            no slots, but the keys and values of the window before.
        size: slots of what came before it.
        temperature: similarities are divided by it.
        cache_weight: mix with this fixed weight, between 0 and 1, as the continuous cache does; None for one sum with the
            vocabulary, as TRIME does.
    """

    read: str = "none"
    size: int = 15_000
    temperature: float = 1.0
    cache_weight: float | None = None

    def __post_init__(self) -> None:
        if self.read not in READS:
            raise ValueError(f"read is {self.read!r}, but must be one of {', '.join(READS)}")
        if self.size < 1:
            raise ValueError(f"size is {self.size}, but must be at least 1 slot")
        if not 0 < self.temperature < math.inf:
            raise ValueError(f"temperature is {self.temperature}, but must be positive")
        if self.cache_weight is not None and not 0 < self.cache_weight < 1:
            raise ValueError(f"cache_weight is {self.cache_weight}, but must lie between 0 and 1, or be none")

    def within(self, tokens: int) -> "MemoryConfig":
        """The same for a text of so many tokens, which fill no more slots than that."""
        return replace(self, size=min(self.size, max(1, tokens)))

    def memory(self) -> AbstractMemory:
        """The memory, empty."""
        local: list[AbstractMemory] = [LocalMemory()] if self.read in ("local", "long") else []
        return Memories([*local, LongTermMemory(self.size)] if self.read == "long" else local)

    def mixture(self) -> AbstractMixture:
        """How its part and the vocabulary's become one."""
        return OneSum() if self.cache_weight is None else ContinuousCache(self.cache_weight)


def memory_bits(
    model: PreTrainedModel,
    tokens_N: Int32[np.ndarray, "N"],
    size: int,
    memory: MemoryConfig,
    *,
    vocab_size: int,
    context: int,
    stride: int,
    batch: int = 16,
    progress: Callable[[int], None] | None = None,
) -> Bits:
    """Measure a model that reads a text with a memory, window after window.

    Args:
        model: a causal Hugging Face model in evaluation mode, of a family whose anatomy is known.
        tokens_N: the tokens of the text, joined.
        size: bytes of the text.
        memory: with which memory to read it; it is empty at first.
        vocab_size: V; id V is the start symbol.
        context: tokens in a window.
        stride: tokens that each window but the first predicts; those before them in the window are context.
        batch: windows that the model reads at once; the memory takes them one after the other.
        progress: told how many bytes are done, about.

    Raises:
        ValueError: a stride outside its range, or no text at all.
    """
    done, read = 0, 0.0
    windows = read_windows(model, tokens_N, vocab_size=vocab_size, context=context, stride=stride, batch=batch)
    for window, log_p_N in charge(windows, memory.within(len(tokens_N))):
        read -= float(log_p_N.double().sum())
        done += window.asked
        if progress:
            progress(size * done // len(tokens_N))
    return summarise(nats=read, tokens=done, size=size, vocab_size=vocab_size)


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a model says of a window.

    Attributes:
        window: its keys and tokens.
        partition_N: logarithms of what the whole vocabulary weighs, for the positions that the window asks.
        gold_N: of what the right tokens weigh.
    """

    window: Window
    partition_N: Float[Tensor, "N"]
    gold_N: Float[Tensor, "N"]


def charge(windows: Iterable[Said], memory: MemoryConfig) -> Iterator[tuple[Window, Float[Tensor, "N"]]]:
    """Log probabilities of a text with a memory, which is empty at first.

    Args:
        windows: what a model says of the text, as `read_windows` gives it.
        memory: with which memory to read it.

    Yields:
        Each window, and the logarithms for the positions that it asks.
    """
    store, mixture = memory.memory(), memory.mixture()
    for said in windows:
        mass = slots_mass(said.window, store.slots(said.window), memory.temperature)
        yield said.window, mixture.log_probability(said.partition_N, said.gold_N, mass)
        store.remember(said.window)


def read_windows(
    model: PreTrainedModel, tokens_N: Int32[np.ndarray, "N"], *, vocab_size: int, context: int, stride: int, batch: int = 16
) -> Iterator[Said]:
    """What a model says of a text, window after window."""
    tap, end = KeyTap(model), 0
    device = next(model.parameters()).device
    try:
        for tokens_BT, charged_BT in cut_windows(tokens_N, context=context, step=stride, batch=batch, pad_id=vocab_size):
            inputs_BT = torch.from_numpy(tokens_BT).to(device)
            asked_BT = torch.from_numpy(charged_BT).to(device)
            with torch.no_grad():
                mass = vocabulary_mass(model, inputs_BT, vocab_size=vocab_size, start_id=vocab_size, asked_BT=asked_BT)
                keys_BTD = tap.take(len(inputs_BT))
            counts = charged_BT.sum(-1).tolist()
            each = zip(counts, *(torch.split(part, counts) for part in mass), strict=True)
            for row, (asked, partition_N, gold_N) in enumerate(each):
                length, end = int((tokens_BT[row] != vocab_size).sum()), end + asked
                key_TD, token_T = keys_BTD[row, :length], inputs_BT[row, :length]
                window = Window(key_TD=key_TD, token_T=token_T, begin=end - length, asked=asked)
                yield Said(window=window, partition_N=partition_N, gold_N=gold_N)
    finally:
        tap.close()


def require_room(need: int, what: str) -> None:
    """Say what does not fit into the memory of this machine before any time is spent on it.

    Args:
        need: bytes.
        what: needs them, as the subject of a sentence.

    Raises:
        UsageError: so many are not free.
    """
    free = available_memory()
    if free is not None and need > free:
        raise UsageError(
            f"{what} needs {need / 1e9:,.1f} GB of memory, but {free / 1e9:,.1f} GB are free: "
            "take a smaller memory size, or a shorter text"
        )


def reading_bytes(tokens: int, *, width: int, context: int, stride: int) -> int:
    """What all windows of a text take that are kept at once, in bytes.

    Args:
        tokens: of the text.
        width: D.
        context: tokens in a window.
        stride: tokens that each window predicts.
    """
    return tokens * (context // stride + 1) * (4 * width + 8)


def word_perplexity(bits: Bits, words: int) -> float:
    """The perplexity that the same bits are per word, for any tokenizer.

    Args:
        bits: a measurement.
        words: of the same text, ends of lines among them where the field counts them.
    """
    return math.exp(min(bits.bits_per_byte * bits.bytes * math.log(2) / words, 700.0))
