"""Going on with a text, token after token, from the vocabulary and from what a memory holds.

Each token is predicted as measuring it would predict it, in windows that move on by half a context:

    text        ==================?
    window 0    |<- context ->|
    window 1           |<- context ->|     its first half is read again, behind the start symbol

So a key is what the model says within its own window. In an open window, each token costs one step with the keys and values
that attention keeps; windows of a long prompt that are full already are read many at once.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import final

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from transformers import Cache, PreTrainedModel

from laconic.memory.keys import KeyTap
from laconic.memory.mixing import AbstractMixture, OneSum
from laconic.memory.recurrence import Recurrence
from laconic.memory.sampling import Sampling
from laconic.memory.stores import AbstractMemory, Slots, Window, slot_scores
from laconic.training.language_modeling import shift_right

WINDOWS_AT_ONCE = 16
"""Full windows of a prompt that the model reads at once."""

_UNKNOWN = 0


@dataclass(frozen=True, kw_only=True)
class Recall:
    """What a text is gone on with beside the vocabulary.

    Attributes:
        tap: on the model that reads; it is left open.
        memory: what holds the slots; empty at first.
        reach: how many positions before the window it shows; what stands further back in a prompt is not read. 0 for those of
            the window alone.
        temperature: similarities, scaled by 1 / sqrt(D), are divided by it.
        mixture: how its part and the vocabulary's become one.
    """

    tap: KeyTap
    memory: AbstractMemory
    reach: int
    temperature: float = 1.0
    mixture: AbstractMixture = field(default_factory=OneSum)


class AbstractReader(ABC):
    """A text that a model reads, and can go on with; it is empty at first."""

    @abstractmethod
    def take(self, tokens: Sequence[int]) -> None:
        """The text goes on with these tokens, each below the size of the vocabulary."""

    @abstractmethod
    def log_probabilities(self) -> Float[Tensor, "V"]:
        """Of each word of the vocabulary as the next token, in float64; whatever was taken and is not read yet is read now."""


@final
class WindowReader(AbstractReader):
    """Reads in windows that move on by half a context, with a memory or without.

    Args:
        model: a causal Hugging Face model in evaluation mode.
        vocab_size: V; id V is the start symbol.
        context: tokens in a window.
        recall: with which memory; None for none.
    """

    def __init__(self, model: PreTrainedModel, *, vocab_size: int, context: int, recall: Recall | None = None) -> None:
        self._model, self._recall = model, recall
        self._vocab_size, self._context, self._step = vocab_size, context, max(1, context // 2)
        self._text, self._begin, self._read = list[int](), 0, 0
        self._cache: Cache | None = None
        self._key_TD, self._logits_V = torch.empty(0), torch.empty(0)

    def take(self, tokens: Sequence[int]) -> None:
        """They are read when they are asked about."""
        self._text += tokens

    def log_probabilities(self) -> Float[Tensor, "V"]:
        """As `laconic.evaluation.memory` charges for it, in windows that overlap by half."""
        begin = window_begin(len(self._text), context=self._context)
        if begin != self._begin:
            if self._recall is not None and self._recall.reach:
                self._remember_before(begin, self._recall)
            self._begin, self._read, self._cache = begin, 0, None
        self._read_before(len(self._text) + 1)
        if self._recall is None:
            return torch.log_softmax(self._logits_V, -1)
        window = self._window(self._begin, self._key_TD[: self._read], asked=1)
        slots = self._recall.memory.slots(window)
        word_V = words_mass(window, slots, temperature=self._recall.temperature, vocab_size=self._vocab_size)
        return self._recall.mixture.log_probabilities(self._logits_V, word_V)

    def _read_before(self, end: int) -> None:
        """Go on in the open window, so that all positions before `end` are predicted."""
        places = range(self._begin + self._read, end)
        if not places:
            return
        ids = [self._text[place - 1] if place > self._begin else self._vocab_size for place in places]
        self._cache, self._logits_V = _advance(self._model, ids, self._cache, vocab_size=self._vocab_size)
        if self._recall is not None:
            key_TD = self._recall.tap.take(1)[0]
            if not len(self._key_TD):
                self._key_TD = key_TD.new_empty((self._context, key_TD.shape[1]))
            self._key_TD[self._read : self._read + len(ids)] = key_TD
        self._read += len(ids)

    def _remember_before(self, begin: int, recall: Recall) -> None:
        """Take in the windows before the one at `begin`: each is full."""
        first = self._begin
        if self._read:
            self._read_before(first + self._context)
            self._remember(first, self._key_TD, recall)
            first += self._step
        near = [one for one in range(first, begin, self._step) if one + self._context > begin - recall.reach]
        for place in range(0, len(near), WINDOWS_AT_ONCE):
            chosen = near[place : place + WINDOWS_AT_ONCE]
            for one, key_TD in zip(chosen, self._keys(chosen, recall.tap), strict=True):
                self._remember(one, key_TD, recall)

    def _keys(self, begins: Sequence[int], tap: KeyTap) -> Float[Tensor, "B T D"]:
        """Of whole windows."""
        rows = [self._text[begin : begin + self._context] for begin in begins]
        tokens_BT = torch.tensor(rows, device=self._model.device)
        with torch.no_grad():
            self._model(input_ids=shift_right(tokens_BT, self._vocab_size), use_cache=False, logits_to_keep=1)
        return tap.take(len(rows))

    def _remember(self, begin: int, key_TD: Float[Tensor, "T D"], recall: Recall) -> None:
        recall.memory.remember(self._window(begin, key_TD, asked=self._step if begin else self._context))

    def _window(self, begin: int, key_TD: Float[Tensor, "T D"], *, asked: int) -> Window:
        """Where the token at the last position is not known yet, nobody sees what stands there instead."""
        tokens = self._text[begin : begin + len(key_TD)]
        token_T = torch.tensor(tokens + [_UNKNOWN] * (len(key_TD) - len(tokens)), device=key_TD.device)
        return Window(key_TD=key_TD, token_T=token_T, begin=begin, asked=asked)


@final
class RecurrentReader(AbstractReader):
    """Reads in windows that do not overlap, each with the keys and values of the one before (`laconic.memory.recurrence`).

    Args:
        model: a causal Hugging Face model with rotary positions, in evaluation mode.
        vocab_size: V; id V is the start symbol.
        context: tokens in a window.

    Raises:
        UsageError: its positions are of another kind.
    """

    def __init__(self, model: PreTrainedModel, *, vocab_size: int, context: int) -> None:
        self._model, self._past = model, Recurrence(model)
        self._vocab_size, self._context = vocab_size, context
        self._text, self._begin, self._read = list[int](), 0, 0
        self._cache, self._logits_V = self._past.recall(), torch.empty(0)

    def take(self, tokens: Sequence[int]) -> None:
        """They are read when they are asked about."""
        self._text += tokens

    def log_probabilities(self) -> Float[Tensor, "V"]:
        """Given this window and the one before."""
        while len(self._text) >= (end := self._begin + self._context):
            self._read_before(end)
            token_1T = torch.tensor([self._text[self._begin : end]], device=self._model.device)
            self._past.carry(self._cache, token_1T)
            self._begin, self._read, self._cache = end, 0, self._past.recall()
        self._read_before(len(self._text) + 1)
        return torch.log_softmax(self._logits_V, -1)

    def _read_before(self, end: int) -> None:
        """Go on in the open window, so that all positions before `end` are predicted."""
        places = range(self._begin + self._read, end)
        if not places:
            return
        ids = [self._text[place - 1] if place else self._vocab_size for place in places]
        # What is carried lies at positions 0 to `context`.
        first = self._context + self._read
        position_1T = torch.arange(first, first + len(ids), device=self._model.device)[None]
        _, self._logits_V = _advance(self._model, ids, self._cache, vocab_size=self._vocab_size, position_1T=position_1T)
        self._read += len(ids)


def window_begin(place: int, *, context: int) -> int:
    """Where the window begins that predicts a position of a text.

    Args:
        place: the position, from 0 on.
        context: tokens in a window; it moves on by half of that, rounded down, or by 1.

    Examples:
        >>> [window_begin(place, context=4) for place in range(9)]
        [0, 0, 0, 0, 2, 2, 4, 4, 6]
    """
    step = max(1, context // 2)
    return max(0, (place - context) // step + 1) * step


def words_mass(window: Window, slots: Sequence[Slots], *, temperature: float, vocab_size: int) -> Float[Tensor, "V"]:
    """Logarithms of what the slots of each word weigh for the last position of a window, in float64.

    Args:
        window: the window, of which one position is asked.
        slots: what a memory showed for it.
        temperature: similarities are divided by it.
        vocab_size: V; the token of each slot is below it.

    Returns:
        Minus infinity for words without a slot.
    """
    score_1M, token_M, _ = slot_scores(window, slots, temperature)
    score_M = score_1M[0].double()
    weight_V = score_M.new_zeros(vocab_size)
    if not bool((score_M > -math.inf).any()):
        return weight_V.log()
    top = score_M.max()
    return weight_V.index_add_(0, token_M, torch.exp(score_M - top)).log() + top


def go_on(
    reader: AbstractReader, count: int, *, sampling: Sampling, generator: torch.Generator, end: int | None = None
) -> Iterator[int]:
    """Go on with the text of a reader, which takes in every token.

    Args:
        reader: what has been read so far.
        count: tokens to write, at most.
        sampling: how each is drawn.
        generator: where chance comes from, on the CPU.
        end: the token behind which nothing comes; None where there is none.

    Yields:
        The tokens, `end` included.
    """
    for _ in range(count):
        token = sampling.draw(reader.log_probabilities(), generator)
        yield token
        if token == end:
            return
        reader.take([token])


def _advance(
    model: PreTrainedModel,
    ids: Sequence[int],
    cache: Cache | None,
    *,
    vocab_size: int,
    position_1T: Int64[Tensor, "1 T"] | None = None,
) -> tuple[Cache, Float[Tensor, "V"]]:
    """Go on with what a model reads: what attention keeps of it, and the logits behind the last token in float64.

    Args:
        model: the model.
        ids: the next tokens.
        cache: what attention kept so far; it is added to. None at the beginning.
        vocab_size: V.
        position_1T: where the tokens stand; behind what is kept if None.
    """
    token_1T = torch.tensor([list(ids)], device=model.device)
    with torch.no_grad():
        output = model(input_ids=token_1T, past_key_values=cache, position_ids=position_1T, use_cache=True, logits_to_keep=1)
    return output.past_key_values, output.logits[0, -1, :vocab_size].double()
