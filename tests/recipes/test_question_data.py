import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.tiny_encoder import tiny_tokenizer

from laconic.errors import UsageError
from laconic.recipes import question_data
from laconic.recipes.question_data import answers, cut_windows, span_of, squad_data
from laconic.text.questions import Question

WORDS = ("the", "a", "film", "book", "was", "very", "good", "bad", "not")


def question(words: list[str], first: int, last: int) -> Question:
    context = " ".join(words)
    begin = len(" ".join(words[:first])) + (first > 0)
    answer = " ".join(words[first : last + 1])
    return Question(id="1", question="what was good ?", context=context, answers=(answer,), starts=(begin,))


@given(words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=60), data=st.data())
def test_the_answer_comes_back_from_where_the_windows_have_it(words: list[str], data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first, min(first + 3, len(words) - 1)))
    asked = question(words, first, last)
    windows = cut_windows([asked], tiny_tokenizer(), max_length=20)
    logits, found = [], 0
    for example in windows.examples:
        length = len(example.columns["input_ids"])
        assert length <= 20 and isinstance(example.label, tuple)
        both_2T = np.zeros((2, length), dtype=np.float32)
        if example.label != (0, 0):
            found += 1
            both_2T[0, example.label[0]] = both_2T[1, example.label[1]] = 5.0
        logits.append(both_2T)
    assert found >= 1  # Windows overlap by more than the answer is long.
    assert answers([asked], windows, logits) == {"1": asked.answers[0]}


def test_questions_are_read_as_far_as_anybody_asks_and_windows_know_their_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(question_data, "AT_ONCE", 2)
    words = ["good", "film"] * 8
    asked = [dataclasses.replace(question(words, 3, 3), id=str(number)) for number in range(5)]
    whole = cut_windows(asked, tiny_tokenizer(), max_length=20)
    assert sorted(set(whole.owner)) == [0, 1, 2, 3, 4] and list(whole.owner) == sorted(whole.owner)
    endless = dataclasses.replace(asked[0], question="good " * 200)
    windows = cut_windows([endless, *asked], tiny_tokenizer(), max_length=128)
    assert list(windows.examples[0].columns["input_ids"]).index(3) == 64 + 1  # [CLS], the question, and then [SEP].
    with pytest.raises(UsageError, match="a question of 64 tokens leaves no room for its context: set it to 109 or higher"):
        cut_windows([endless], tiny_tokenizer(), max_length=64)
    assert cut_windows([endless], tiny_tokenizer(), max_length=109).examples


def test_an_answer_that_a_window_has_only_in_part_is_not_in_it() -> None:
    offset_T2 = np.array([[-1, -1], [0, 3], [4, 8], [-1, -1]])
    assert span_of(offset_T2, 0, 8) == (1, 2)
    assert span_of(offset_T2, 4, 8) == (2, 2)
    assert span_of(offset_T2, 4, 12) == span_of(offset_T2, 20, 22) == (0, 0)


@pytest.mark.data
def test_perfect_logits_of_squad_are_judged_perfect(data_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = squad_data(tiny_tokenizer(), max_length=384, limit=20, data_root=data_root)
    assert len(data.train) >= 20 and len(data.valid) >= 10_570
    logits = []
    for example in data.valid:
        both_2T = np.zeros((2, len(example.columns["input_ids"])), dtype=np.float32)
        if example.label != (0, 0):
            assert isinstance(example.label, tuple)
            both_2T[0, example.label[0]] = both_2T[1, example.label[1]] = 9.0
        logits.append(both_2T)
    monkeypatch.setattr(question_data, "read_logits", lambda *_, **__: logits)
    assert data.judge(torch.nn.Identity())["f1"] > 0.97
    assert 0.01 < data.trivial < 0.3
