"""Answers are compared as the published script does, and found in logits as a slow search finds them."""

import string
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laconic.evaluation.squad import best_answer, best_spans, exact_match, normalise, squad_scores, token_f1
from laconic.text.questions import Question, read_questions

WORDS = st.lists(st.sampled_from(["the", "a", "an", "cat", "Dog", "dog.", "–", "Ünï", "42"]), max_size=6).map(" ".join)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("The Cat", "cat"),
        ("a an the", ""),
        ("A  cat\tand\nan\u00a0owl", "cat and owl"),
        ("theatre another banana", "theatre another banana"),
        # Punctuation goes before articles do: what stood beside it becomes one word, or an article.
        ("U.S.A.", "usa"),
        ("a-b", "ab"),
        ("the-end", "theend"),
        ("t.h.e end", "end"),
        ("'a' cat", "cat"),
        # Only ASCII's punctuation; the others divide words for articles, and stay.
        ("1914–1918", "1914–1918"),
        ("a–b", "–b"),
        ("“the” end…", "“ ” end…"),
        ("don’t don't", "don’t dont"),
        ("$5,000.50", "500050"),
        ("ÉTÉ à la", "été à la"),
        ("áthe the", "áthe"),
        ("İ", "i̇"),
        (string.punctuation, ""),
    ],
)
def test_answers_as_they_are_compared(answer: str, expected: str) -> None:
    assert normalise(answer) == expected


@given(WORDS)
def test_to_normalise_twice_changes_nothing_of_words(answer: str) -> None:
    assert normalise(normalise(answer)) == normalise(answer)
    assert exact_match(answer, f" The {answer.upper()}!") == 1.0


@pytest.mark.parametrize(
    ("prediction", "answer", "match", "f1"),
    [
        ("The Denver Broncos", "Denver Broncos.", 1, 1),
        ("Denver", "Denver Broncos", 0, 2 / 3),
        ("Denver Denver Broncos", "Denver Broncos", 0, 0.8),
        ("in the city of Bonn", "Bonn", 0, 0.4),
        ("Carolina", "Denver Broncos", 0, 0),
        ("", "Denver", 0, 0),
        # With no word at all the script finds a match, but no word in common.
        ("the", "a!", 1, 0),
    ],
)
def test_matches_and_words_in_common(prediction: str, answer: str, match: float, f1: float) -> None:
    assert exact_match(prediction, answer) == match
    assert token_f1(prediction, answer) == pytest.approx(f1)


@given(WORDS, WORDS)
def test_words_in_common_by_crossing_them_out(prediction: str, answer: str) -> None:
    told, left, common = normalise(prediction).split(), normalise(answer).split(), 0
    right = len(left)
    for word in told:
        if word in left:
            left.remove(word)
            common += 1
    expected = 2 / (len(told) / common + right / common) if common else 0.0
    assert token_f1(prediction, answer) == pytest.approx(expected) == pytest.approx(token_f1(answer, prediction))
    if told:
        assert exact_match(prediction, answer) <= token_f1(prediction, answer)


def question(name: str, *answers: str) -> Question:
    context = " ".join(answers)
    return Question(id=name, question="?", context=context, answers=answers, starts=tuple(map(context.index, answers)))


def test_scores_of_a_data_set_take_the_best_answer_and_count_what_is_missing() -> None:
    questions = [
        question("1", "the red cat", "dog"),
        question("2", "x"),
        question("3", "blue cat", "a blue sky"),
        question("4", "y"),
    ]
    predictions = {"1": "Dog!", "2": "y", "3": "blue", "unasked": "x"}
    assert squad_scores(predictions, questions) == pytest.approx({"exact_match": 25, "f1": 100 * (1 + 0 + 2 / 3 + 0) / 4})
    assert squad_scores({}, questions) == {"exact_match": 0, "f1": 0}
    # The best match and the best F1 may be those of two answers.
    assert squad_scores({"1": "the"}, [question("1", "an", "cat")]) == {"exact_match": 100, "f1": 0}
    with pytest.raises(ValueError, match="must not be empty"):
        squad_scores({}, [])


@pytest.mark.data
def test_people_agree_with_themselves(data_root: Path) -> None:
    questions = read_questions("valid", data_root=data_root)
    first = {one.id: one.answers[0] for one in questions}
    assert squad_scores(first, questions) == pytest.approx({"exact_match": 100, "f1": 100})


def windows(context: str, length: int, stride: int, outside: int) -> np.ndarray:
    """Offsets of windows over a context whose tokens are its characters, each behind tokens that are none of it."""
    rows = [
        [(-1, -1)] * outside + [(at, at + 1) if at < len(context) else (-1, -1) for at in range(begin, begin + length)]
        for begin in range(0, len(context), stride)
    ]
    return np.array(rows)


@st.composite
def cases(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray, str]:
    context = draw(st.text("abcdef", min_size=1, max_size=12))
    length = draw(st.integers(1, 8))
    offset_BT2 = windows(context, length, draw(st.integers(1, length)), draw(st.integers(0, 3)))
    size = offset_BT2.shape[0] * offset_BT2.shape[1]
    # Different sums, exact in floating point: no ties to be broken.
    random = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    start_BT, end_BT = random.permutation(2 * size).reshape(2, *offset_BT2.shape[:2]) * np.array([[[1.0]], [[1000.0]]])
    return start_BT, end_BT, offset_BT2, context


def slow(start_BT: Any, end_BT: Any, offset_BT2: Any, n_best: int, max_tokens: int) -> list[tuple[float, int, int]]:
    """Every span of every window, one by one."""
    found: dict[tuple[int, int], float] = {}
    for start_T, end_T, offset_T2 in zip(start_BT.tolist(), end_BT.tolist(), offset_BT2.tolist(), strict=True):
        inside = [token for token, (begin, _) in enumerate(offset_T2) if begin != -1]
        firsts = sorted(inside, key=lambda token: -start_T[token])[:n_best]
        lasts = sorted(inside, key=lambda token: -end_T[token])[:n_best]
        for first in firsts:
            for last in lasts:
                if last < first or last - first + 1 > max_tokens:
                    continue
                place = offset_T2[first][0], offset_T2[last][1]
                found[place] = max(start_T[first] + end_T[last], found.get(place, -np.inf))
    return sorted(((score, *place) for place, score in found.items()), reverse=True)[:n_best]


@given(cases(), st.sampled_from([1, 2, 5, 100]), st.sampled_from([1, 3, 30]))
def test_spans_are_those_of_a_slow_search(case: Any, n_best: int, max_tokens: int) -> None:
    spans = best_spans(*case, n_best=n_best, max_tokens=max_tokens)
    assert [(span.score, span.start, span.end) for span in spans] == slow(*case[:3], n_best, max_tokens)
    assert all(span.text == case[3][span.start : span.end] and 0 < len(span.text) <= max_tokens for span in spans)
    assert best_answer(spans) == (spans[0].text if spans else "")


def logits(*rows: list[float]) -> np.ndarray:
    return np.array(rows)


def test_an_answer_by_hand() -> None:
    context = "Zoë was born in Bonn."
    offset_T2 = [(-1, -1), (0, 3), (4, 7), (8, 12), (13, 15), (16, 20), (20, 21), (-1, -1)]
    start, end = [9.0, 1, 0, 0, 2, 5, 0, 9], [9.0, 1, 0, 0, 0, 4, 1, 9]
    spans = best_spans(logits(start), logits(end), np.array([offset_T2]), context)
    assert [(span.text, span.score) for span in spans[:3]] == [("Bonn", 9), ("in Bonn", 6), ("Bonn.", 6)]
    # In a second window the same span is less likely, and is not told twice.
    both = best_spans(logits(start, [0.0] * 8), logits(end, [0.0] * 8), np.array([offset_T2, offset_T2]), context, n_best=3)
    assert [span.text for span in both] == ["Bonn", "in Bonn", "Bonn."]


def test_the_likeliest_first_token_may_come_after_the_likeliest_last() -> None:
    offset_BT2, context = np.array([[(0, 1), (1, 2), (2, 3)]]), "abc"
    start_BT, end_BT = logits([0.0, 1, 9]), logits([9.0, 1, 0])
    assert best_answer(best_spans(start_BT, end_BT, offset_BT2, context)) == "a"
    assert best_spans(start_BT, end_BT, offset_BT2, context, n_best=1) == []


def test_a_window_without_context_has_no_answer() -> None:
    assert best_spans(logits([1.0, 2]), logits([1.0, 2]), np.full((1, 2, 2), -1), "abc") == []
    assert best_answer([]) == ""


def test_logits_of_padding_may_be_infinitely_low() -> None:
    offset_BT2 = np.array([[(0, 1), (1, 2), (-1, -1)]])
    low = logits([0.0, -np.inf, -np.inf])
    assert best_answer(best_spans(low, low, offset_BT2, "ab")) == "a"


@pytest.mark.parametrize("wrong", [{"n_best": 0}, {"max_tokens": 0}])
def test_counts_are_positive(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="n_best and max_tokens must be at least 1"):
        best_spans(logits([0.0]), logits([0.0]), np.array([[(0, 1)]]), "a", **wrong)
