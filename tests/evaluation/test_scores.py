"""Scores agree with their definitions, spelt out slowly, and have their laws."""

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from laconic.evaluation.scores import SCORES, accuracy, f1, matthews, pearson, score, spearman
from laconic.text.labelled import TASKS

Pairs = list[tuple[float, float]]


def pairs(values: st.SearchStrategy[float], min_size: int = 1) -> st.SearchStrategy[Pairs]:
    """Predictions and labels, together."""
    return st.lists(st.tuples(values, values), min_size=min_size, max_size=30)


CLASSES, BINARY = pairs(st.integers(0, 3)), pairs(st.integers(0, 1))
FEW = pairs(st.sampled_from([-2.5, -1.0, 0.0, 0.1, 0.3, 7.0]))
NUMBERS = pairs(st.floats(-1e6, 1e6).map(lambda value: round(value, 3)))


def columns(rows: Pairs) -> tuple[np.ndarray, np.ndarray]:
    first, second = zip(*rows, strict=True)
    return np.array(first), np.array(second)


def slow_pearson(rows: Sequence[tuple[Fraction, Fraction]]) -> float:
    """By the definition, exact up to the last step."""
    means = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
    products = [(a - means[0], b - means[1]) for a, b in rows]
    squares = sum(a * a for a, _ in products) * sum(b * b for _, b in products)
    return float(sum(a * b for a, b in products)) / math.sqrt(squares) if squares else 0.0


def slow_ranks(values: Sequence[float]) -> list[Fraction]:
    """How many are smaller, and the middle of those that are equal."""
    return [
        Fraction(sum(other < value for other in values)) + Fraction(sum(other == value for other in values) + 1, 2)
        for value in values
    ]


@given(CLASSES)
def test_accuracy_counts(rows: Pairs) -> None:
    assert accuracy(*columns(rows)) == pytest.approx(sum(a == b for a, b in rows) / len(rows))


@given(CLASSES)
def test_f1_is_the_harmonic_mean_of_precision_and_recall(rows: Pairs) -> None:
    hits = sum(a == b == 1 for a, b in rows)
    told, right = sum(a == 1 for a, _ in rows), sum(b == 1 for _, b in rows)
    expected = 2 / (told / hits + right / hits) if hits else 0.0
    assert f1(*columns(rows)) == pytest.approx(expected)


@given(BINARY)
def test_matthews_of_two_classes_is_the_correlation_of_zeros_and_ones(rows: Pairs) -> None:
    expected = slow_pearson([(Fraction(a), Fraction(b)) for a, b in rows])
    assert matthews(*columns(rows)) == pytest.approx(expected, abs=1e-12)


@given(CLASSES)
def test_matthews_of_classes_by_its_sums_over_the_table(rows: Pairs) -> None:
    """Gorodkin 2004: three sums over the confusion table of covariances of indicators."""

    def covariance(left: int, right: int) -> Fraction:
        means = [
            Fraction(sum(row[left] == k for row in rows), len(rows)) * Fraction(sum(row[right] == k for row in rows), len(rows))
            for k in range(4)
        ]
        return Fraction(sum(row[left] == row[right] for row in rows), len(rows)) - sum(means)

    margin = covariance(0, 0) * covariance(1, 1)
    expected = float(covariance(0, 1)) / math.sqrt(margin) if margin else 0.0
    assert matthews(*columns(rows)) == pytest.approx(expected, abs=1e-12)


@given(FEW | NUMBERS)
def test_pearson_by_its_definition(rows: Pairs) -> None:
    exact = [(Fraction(a), Fraction(b)) for a, b in rows]
    assert pearson(*columns(rows)) == pytest.approx(slow_pearson(exact), abs=1e-9)


@given(FEW | NUMBERS)
def test_spearman_is_pearson_of_ranks(rows: Pairs) -> None:
    first, second = (slow_ranks(column.tolist()) for column in columns(rows))
    assert spearman(*columns(rows)) == pytest.approx(slow_pearson(list(zip(first, second, strict=True))), abs=1e-9)


@given(NUMBERS)
def test_spearman_does_not_see_a_monotone_change(rows: Pairs) -> None:
    first, second = columns(rows)
    assert spearman(np.cbrt(first) * 3 - 1, second) == pytest.approx(spearman(first, second))
    assert spearman(-first, second) == pytest.approx(-spearman(first, second))


@given(CLASSES | BINARY, st.sampled_from(sorted(SCORES)))
def test_what_is_right_scores_one_and_the_order_of_examples_does_not_count(rows: Pairs, name: str) -> None:
    prediction, label = columns(rows)
    assert SCORES[name](prediction, label) == pytest.approx(SCORES[name](prediction[::-1], label[::-1]))
    assert -1 <= SCORES[name](prediction, label) <= 1
    assume(len(set(label.tolist())) > 1 and 1 in label)
    assert SCORES[name](label, label) == pytest.approx(1)


def test_by_hand() -> None:
    prediction, label = np.array([1, 1, 1, 0, 0, 0, 0, 0]), np.array([1, 1, 0, 1, 0, 0, 0, 0])
    assert accuracy(prediction, label) == 0.75
    assert f1(prediction, label) == pytest.approx(4 / 6)
    assert matthews(prediction, label) == pytest.approx((2 * 4 - 1 * 1) / 15)
    assert pearson(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 6.0])) == pytest.approx(5 / math.sqrt(28))
    assert spearman(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 6.0])) == pytest.approx(1)
    # Ranks 1.5, 1.5, 3 against 1, 2, 3.
    assert spearman(np.array([4.0, 4.0, 9.0]), np.array([1.0, 2.0, 3.0])) == pytest.approx(1.5 / math.sqrt(1.5 * 2))


@pytest.mark.parametrize("name", ["matthews", "pearson", "spearman"])
@pytest.mark.parametrize("size", [1, 3, 10])
def test_nothing_correlates_with_a_constant(name: str, size: int) -> None:
    # The mean of ten times 0.1 is not 0.1.
    same, other = (np.full(size, 1), np.arange(size)) if name == "matthews" else (np.full(size, 0.1), np.arange(size) / 3)
    assert SCORES[name](same, other) == SCORES[name](other, same) == SCORES[name](same, same) == 0.0


def test_without_positives_f1_is_nought() -> None:
    zeros, ones = np.zeros(3, dtype=np.int64), np.ones(3, dtype=np.int64)
    assert f1(zeros, zeros) == f1(ones, zeros) == f1(zeros, ones) == 0.0


def test_numbers_out_of_the_ordinary() -> None:
    large, tiny = np.array([1e308, -1e308, 1e308]), np.array([5e-324, 0.0, 5e-324])
    assert pearson(large, tiny) == pytest.approx(1)
    close = np.array([1.0, np.nextafter(1.0, 2.0), 1.0])
    assert pearson(close, -tiny) == pytest.approx(1)
    assert pearson(np.array([3, 2, 1], dtype=np.int8), np.array([0.0, 0.5, 1.0], dtype=np.float32)) == pytest.approx(-1)
    for value in (math.nan, math.inf):
        for measure in (pearson, spearman):
            with pytest.raises(ValueError, match="finite"):
                measure(np.array([1.0, value]), np.array([1.0, 2.0]))
    half = 100_000
    many = np.repeat([0, 1], half)
    assert matthews(many, many) == 1 and matthews(many, 1 - many) == -1


def test_the_scores_of_a_task() -> None:
    prediction, label = np.array([1, 0, 1]), np.array([1, 0, 0])
    assert list(score(TASKS["mrpc"].metrics, prediction, label).items()) == [("accuracy", 2 / 3), ("f1", 2 / 3)]
    assert set(score(TASKS["stsb"].metrics, np.array([1.0, 2.5]), np.array([0.0, 5.0]))) == {"spearman", "pearson"}
    with pytest.raises(ValueError, match=r"task_metrics must be among accuracy, f1, .*, but has 'bleu'"):
        score(["accuracy", "bleu"], prediction, label)


@pytest.mark.parametrize("name", SCORES)
def test_no_examples_have_no_score(name: str) -> None:
    with pytest.raises(ValueError, match="must not be empty"):
        SCORES[name](np.array([], dtype=np.int64), np.array([], dtype=np.int64))
