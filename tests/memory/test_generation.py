"""A text is gone on with as its windows say, however many tokens are read at once: the reference reads each position afresh."""

import math
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.training.models import FAMILIES, tiny_family
from transformers import PreTrainedModel

from laconic.errors import UsageError
from laconic.memory.generation import (
    AbstractReader,
    Recall,
    RecurrentReader,
    WindowReader,
    go_on,
    window_begin,
    words_mass,
)
from laconic.memory.keys import KeyTap
from laconic.memory.mixing import ContinuousCache, OneSum
from laconic.memory.sampling import Sampling
from laconic.memory.stores import AbstractMemory, LocalMemory, LongTermMemory, Memories, Slots, Window
from laconic.training.language_modeling import shift_right

VOCAB, WIDTH = 20, 16
GREEDY, ALL = Sampling(greedy=True), Sampling()


def some_tokens(count: int, seed: int = 0) -> list[int]:
    """Few words, so that many slots have the same one."""
    return torch.randint(0, 7, (count,), generator=torch.Generator().manual_seed(seed)).tolist()


def memory_of(reach: int) -> AbstractMemory:
    return Memories([LocalMemory(), LongTermMemory(reach)]) if reach else LocalMemory()


def told(reader: AbstractReader, text: Sequence[int], chunks: Sequence[int]) -> dict[int, torch.Tensor]:
    """What a reader says behind each chunk of a text; the last ones are single tokens."""
    found, done = {0: reader.log_probabilities()} if chunks[0] == 0 else {}, 0
    for chunk in [*chunks, *[1] * len(text)]:
        if chunk and done + chunk <= len(text):
            reader.take(text[done : done + chunk])
            done += chunk
            found[done] = reader.log_probabilities()
    assert done == len(text)
    return found


class Reference:
    """A position at a time: the window that predicts it, without anything kept, and slots that are listed one by one."""

    def __init__(self, model: PreTrainedModel, text: Sequence[int], context: int) -> None:
        self.model, self.text, self.context = model, text, context

    def begin(self, place: int) -> int:
        begin = 0
        while place - begin >= self.context:
            begin += max(1, self.context // 2)
        return begin

    def say(self, place: int) -> tuple[torch.Tensor, torch.Tensor]:
        """The logits, and the keys of the window up to this position."""
        tap = KeyTap(self.model)
        ids = torch.tensor([[VOCAB, *self.text[self.begin(place) : place]]])
        with torch.no_grad():
            logits_V = self.model(input_ids=ids, use_cache=False).logits[0, -1, :VOCAB]
        keys_TD = tap.take(1)[0]
        tap.close()
        return logits_V.double(), keys_TD.double()

    def log_p(self, place: int, *, local: bool, reach: int, temperature: float, weight: float | None) -> torch.Tensor:
        (logits_V, keys_TD), begin = self.say(place), self.begin(place)
        slots = [(keys_TD[one - begin], one) for one in range(begin, place) if local]
        slots += [(self.say(one)[1][-1], one) for one in range(max(0, begin - reach), begin)]
        memory_V = torch.zeros(VOCAB, dtype=torch.float64)
        for key_D, one in slots:
            memory_V[self.text[one]] += math.exp(float(key_D @ keys_TD[-1]) / (math.sqrt(WIDTH) * temperature))
        if weight is None:
            both_V = logits_V.exp() + memory_V
            return (both_V / both_V.sum()).log()
        vocabulary_V = torch.softmax(logits_V, -1)
        if not slots:
            return vocabulary_V.log()
        return ((1 - weight) * vocabulary_V + weight * memory_V / memory_V.sum()).log()


def check(found: dict[int, torch.Tensor], expected: dict[int, torch.Tensor]) -> None:
    for place, log_p_V in found.items():
        assert log_p_V.shape == (VOCAB,) and float(log_p_V.exp().sum()) == pytest.approx(1, abs=1e-9)
        torch.testing.assert_close(log_p_V, expected[place], rtol=0, atol=1e-4)


@pytest.mark.parametrize("kind", FAMILIES)
@settings(max_examples=15)
@given(
    count=st.integers(0, 30),
    chunks=st.lists(st.integers(0, 25), min_size=1, max_size=4),
    context=st.integers(1, 9),
    local=st.booleans(),
    reach=st.one_of(st.just(0), st.integers(1, 25)),
    temperature=st.sampled_from([0.7, 1.0, 3.0]),
    weight=st.sampled_from([None, None, 0.3]),
)
def test_tokens_are_predicted_as_one_by_one(
    kind: str, count: int, chunks: list[int], context: int, local: bool, reach: int, temperature: float, weight: float | None
) -> None:
    model, text = tiny_family(kind), some_tokens(count)
    recall, tap = None, KeyTap(model)
    if local or reach:
        parts = [LocalMemory()] * local + [LongTermMemory(max(reach, 1))] * bool(reach)
        mixture = OneSum() if weight is None else ContinuousCache(weight)
        recall = Recall(tap=tap, memory=Memories(parts), reach=reach, temperature=temperature, mixture=mixture)
    found = told(WindowReader(model, vocab_size=VOCAB, context=context, recall=recall), text, chunks)
    tap.close()
    reference, how = Reference(model, text, context), {"local": local, "reach": reach, "temperature": temperature}
    check(found, {place: reference.log_p(place, **how, weight=weight if recall else None) for place in found})


@pytest.mark.parametrize("kind", ["llama", "mistral", "laconic_adaptive_llama"])
@settings(max_examples=15)
@given(count=st.integers(0, 30), chunks=st.lists(st.integers(0, 25), min_size=1, max_size=4), context=st.integers(1, 9))
def test_recurrence_is_attention_to_this_window_and_the_one_before(
    kind: str, count: int, chunks: list[int], context: int
) -> None:
    model, text = tiny_family(kind), some_tokens(count)
    found = told(RecurrentReader(model, vocab_size=VOCAB, context=context), text, chunks)
    place_T = torch.arange(count + 1)
    window_T = place_T // context
    seen_TT = (place_T[:, None] >= place_T) & (window_T[:, None] - window_T <= 1)
    mask = torch.where(seen_TT, 0.0, -torch.inf)[None, None]
    with torch.no_grad():
        logits_TV = model(input_ids=shift_right(torch.tensor([[*text, 0]]), VOCAB), attention_mask=mask).logits[0, :, :VOCAB]
    check(found, dict(enumerate(torch.log_softmax(logits_TV.double(), -1))))


def test_positions_of_another_kind_are_refused() -> None:
    with pytest.raises(UsageError, match="GPT2LMHeadModel has no plain rotary positions"):
        RecurrentReader(tiny_family("gpt2"), vocab_size=VOCAB, context=8)


def shapes_read(model: PreTrainedModel, reader: AbstractReader, text: Sequence[int], count: int) -> list[tuple[int, ...]]:
    """The shapes of what the model reads, for a prompt and `count` more tokens."""
    shapes = list[tuple[int, ...]]()

    def keep(module: Any, inputs: Any, named: dict[str, Any]) -> None:
        shapes.append(tuple(named["input_ids"].shape))

    hook = model.register_forward_pre_hook(keep, with_kwargs=True)
    reader.take(text)
    list(go_on(reader, count, sampling=GREEDY, generator=torch.Generator()))
    hook.remove()
    return shapes


def test_a_prompt_is_read_by_windows_and_each_token_after_it_in_one_step() -> None:
    model, text = tiny_family("llama"), some_tokens(40)
    recall = Recall(tap=KeyTap(model), memory=memory_of(reach=10), reach=10)
    reader = WindowReader(model, vocab_size=VOCAB, context=8, recall=recall)
    # The window begins at 36; its memory reaches back to 26, which the window at 20 predicts last.
    step = [(1, 1)] * 3
    assert shapes_read(model, reader, text, 9) == [(4, 8), (1, 5), *step, (1, 5), *step, (1, 5)]
    for reach in (0, None):
        recall = Recall(tap=KeyTap(model), memory=LocalMemory(), reach=0) if reach == 0 else None
        reader = WindowReader(model, vocab_size=VOCAB, context=8, recall=recall)
        assert shapes_read(model, reader, text, 4) == [(1, 5), *step]
    reader = RecurrentReader(model, vocab_size=VOCAB, context=8)
    assert shapes_read(model, reader, text, 4) == [*[(1, 8)] * 5, (1, 1), *step]


def test_only_memory_makes_a_greedy_token_probable() -> None:
    model, text = tiny_family("llama"), [11] * 12
    recall = Recall(tap=KeyTap(model), memory=memory_of(reach=20), reach=20, temperature=0.2)
    plain = WindowReader(model, vocab_size=VOCAB, context=8)
    remembering = WindowReader(model, vocab_size=VOCAB, context=8, recall=recall)
    for reader in (plain, remembering):
        reader.take(text)
    assert float(plain.log_probabilities()[11].exp()) < 0.1
    chance = torch.Generator()
    assert 11 not in go_on(plain, 1, sampling=GREEDY, generator=chance)
    assert list(go_on(remembering, 9, sampling=GREEDY, generator=chance)) == [11] * 9


def written(seed: int, sampling: Sampling = ALL, end: int | None = None) -> list[int]:
    model = tiny_family("llama")
    recall = Recall(tap=KeyTap(model), memory=memory_of(reach=9), reach=9)
    reader = WindowReader(model, vocab_size=VOCAB, context=8, recall=recall)
    return list(go_on(reader, 40, sampling=sampling, generator=torch.Generator().manual_seed(seed), end=end))


def test_a_seed_decides_the_text_and_the_nucleus_what_is_in_it() -> None:
    first = written(1)
    assert len(first) == 40 and set(first) <= set(range(VOCAB))
    assert first == written(1) != written(2)
    assert written(1, Sampling(top_p=1e-9)) == written(2, GREEDY)


def test_nothing_comes_behind_the_end() -> None:
    first = written(1)
    end = first[17]
    assert written(1, end=end) == first[: first.index(end) + 1]


@given(st.integers(1, 12), st.integers(0, 60))
def test_windows_are_full_before_they_move_on(context: int, place: int) -> None:
    begin = window_begin(place, context=context)
    assert begin <= place and begin % max(1, context // 2) == 0
    assert place - begin < context and (not begin or place - begin >= context - max(1, context // 2))


def test_words_weigh_what_their_slots_do_together() -> None:
    key_MD, query_1D = torch.randn(5, WIDTH), torch.randn(1, WIDTH)
    window = Window(key_TD=query_1D, token_T=torch.tensor([0]), begin=9, asked=1)
    slots = Slots(key_MD=key_MD, token_M=torch.tensor([3, 1, 3, 0, 2]), begin=0, end_N=torch.tensor([4]))
    word_V = words_mass(window, [slots], temperature=0.5, vocab_size=5)
    score_M = (key_MD @ query_1D[0]).double() / (4 * 0.5)
    expected = torch.stack([score_M[3], score_M[1], torch.tensor(-math.inf), torch.logsumexp(score_M[[0, 2]], 0)])
    torch.testing.assert_close(word_V[:4], expected, rtol=1e-5, atol=1e-5)
    assert word_V[4] == -math.inf
