"""Answers found in a text: from logits to the answer, and how well it agrees with those that people gave (SQuAD v1.1)."""

import re
import string
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Integer

from laconic.text.questions import Question

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")


def normalise(answer: str) -> str:
    """An answer as it is compared: in small letters; without ASCII's punctuation; without the articles a, an, the; with one
    space between words.

    Source: Rajpurkar et al. 2016, the published script of SQuAD v1.1, in whose order this is done: punctuation goes first, so
    that "a-b" is the word "ab". Other punctuation, such as a dash or curly quotes, stays.

    Examples:
        >>> normalise("The  Anthem, of U.S.A. – a song")
        'anthem of usa – song'
    """
    return " ".join(_ARTICLES.sub(" ", answer.lower().translate(_PUNCTUATION)).split())


def exact_match(prediction: str, answer: str) -> float:
    """1.0 if two answers are the same when normalised, else 0.0."""
    return float(normalise(prediction) == normalise(answer))


def token_f1(prediction: str, answer: str) -> float:
    """The harmonic mean of precision and recall of words, each counted as often as it occurs.

    Returns:
        From 0 to 1; 0 where there is no word in common, even where both are empty.
    """
    told, right = normalise(prediction).split(), normalise(answer).split()
    common = (Counter(told) & Counter(right)).total()
    return 2 * common / (len(told) + len(right)) if common else 0.0


def squad_scores(predictions: Mapping[str, str], questions: Sequence[Question]) -> dict[str, float]:
    """How well answers agree with people's: for each question with the answer that they agree with best.

    Args:
        predictions: an answer by the id of its question; a question without one counts as 0.
        questions: all that were asked, at least one.

    Returns:
        `exact_match` and `f1`, in percent.

    Raises:
        ValueError: no questions.
    """
    if not questions:
        raise ValueError("questions must not be empty")
    scores: Mapping[str, Callable[[str, str], float]] = {"exact_match": exact_match, "f1": token_f1}
    totals = dict.fromkeys(scores, 0.0)
    for question in questions:
        if question.id in predictions:
            for name, measure in scores.items():
                totals[name] += max(measure(predictions[question.id], answer) for answer in question.answers)
    return {name: 100 * total / len(questions) for name, total in totals.items()}


@dataclass(frozen=True, kw_only=True)
class Span:
    """A piece of a context that may be the answer.

    Attributes:
        text: the answer.
        start: its first character in the context.
        end: the one after its last.
        score: the sum of the logits of its first and its last token.
    """

    text: str
    start: int
    end: int
    score: float


def best_spans(
    start_BT: Float[np.ndarray, "B T"],
    end_BT: Float[np.ndarray, "B T"],
    offset_BT2: Integer[np.ndarray, "B T 2"],
    context: str,
    *,
    n_best: int = 20,
    max_tokens: int = 30,
) -> list[Span]:
    """The likeliest answers to one question, from windows that overlap and together cover its context.

    In each window, the `n_best` likeliest first tokens meet the `n_best` likeliest last ones; only tokens of the context are
    looked at.

    Args:
        start_BT: logits that a token is the first of the answer, by window.
        end_BT: logits that it is the last.
        offset_BT2: where each token begins and ends in the context, in characters; -1 and -1 for what is none of it: special
            tokens, the question, padding.
        context: the text.
        n_best: how many tokens of each kind, and how many answers; at least 1.
        max_tokens: the longest answer, at least 1.

    Returns:
        At most `n_best` different answers, the likeliest first; of those with the same score, the one that begins first. None
        if no window has a token of the context.

    Raises:
        ValueError: `n_best` or `max_tokens` is not positive.

    Source: Devlin et al. 2019, section 4.2; the numbers are those of its published script.
    """
    if n_best < 1 or max_tokens < 1:
        raise ValueError(f"n_best and max_tokens must be at least 1, but are {n_best} and {max_tokens}")
    found = dict[tuple[int, int], float]()
    for start_T, end_T, offset_T2 in zip(start_BT, end_BT, offset_BT2, strict=True):
        token_K = np.flatnonzero(offset_T2[:, 0] >= 0)
        first_K = token_K[np.argsort(-start_T[token_K], kind="stable")[:n_best]]
        last_K = token_K[np.argsort(-end_T[token_K], kind="stable")[:n_best]]
        # Every first token with every last one.
        first_N, last_N = np.repeat(first_K, len(last_K)), np.tile(last_K, len(first_K))
        fits_N = (first_N <= last_N) & (last_N < first_N + max_tokens)
        for first, last in zip(first_N[fits_N], last_N[fits_N], strict=True):
            place = int(offset_T2[first, 0]), int(offset_T2[last, 1])
            score = float(start_T[first]) + float(end_T[last])
            found[place] = max(score, found.get(place, score))
    best = sorted(found.items(), key=lambda item: (-item[1], item[0]))[:n_best]
    return [Span(text=context[start:end], start=start, end=end, score=score) for (start, end), score in best]


def best_answer(spans: Sequence[Span]) -> str:
    """The answer to give: the first of `best_spans`, or nothing if there is none."""
    return spans[0].text if spans else ""
