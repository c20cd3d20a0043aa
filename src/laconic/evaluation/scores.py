"""How well labels were told: the scores of GLUE's tasks, as fractions."""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from jaxtyping import Float, Integer, Num


def accuracy(prediction_N: Integer[np.ndarray, "N"], label_N: Integer[np.ndarray, "N"]) -> float:
    """The share of examples whose class was told.

    Args:
        prediction_N: ids of classes, at least one.
        label_N: the right ones.

    Returns:
        From 0 to 1.

    Raises:
        ValueError: no examples.
    """
    _check_some(prediction_N)
    return float(np.mean(prediction_N == label_N))


def f1(prediction_N: Integer[np.ndarray, "N"], label_N: Integer[np.ndarray, "N"]) -> float:
    """The harmonic mean of precision and recall of class 1; every other class counts as "not 1".

    Returns:
        From 0 to 1: 2 TP / (2 TP + FP + FN), and 0 where neither predictions nor labels have a 1.

    Raises:
        ValueError: no examples.
    """
    _check_some(prediction_N)
    both = int(np.sum((prediction_N == 1) & (label_N == 1)))
    either = int(np.sum(prediction_N == 1)) + int(np.sum(label_N == 1))
    return 2 * both / either if either else 0.0


def matthews(prediction_N: Integer[np.ndarray, "N"], label_N: Integer[np.ndarray, "N"]) -> float:
    """The correlation coefficient of Matthews; with more than two classes, that of Gorodkin, of which it is a case.

    Returns:
        From -1 to 1; 0 where all predictions, or all labels, are of one class, so that there is nothing to correlate.

    Raises:
        ValueError: no examples.
    """
    _check_some(prediction_N)
    classes, id_2N = np.unique(np.stack([prediction_N, label_N]), return_inverse=True)
    # Python's integers: the products outgrow 64 bits sooner than one would think.
    told, right = (np.bincount(row, minlength=len(classes)).tolist() for row in id_2N.reshape(2, -1))
    count, hits = len(label_N), int(np.sum(prediction_N == label_N))
    margin = (count**2 - sum(n * n for n in told)) * (count**2 - sum(n * n for n in right))
    covariance = hits * count - sum(n * m for n, m in zip(told, right, strict=True))
    return covariance / math.sqrt(margin) if margin else 0.0


def pearson(prediction_N: Num[np.ndarray, "N"], label_N: Num[np.ndarray, "N"]) -> float:
    """The linear correlation of Pearson.

    Args:
        prediction_N: finite numbers, at least one.
        label_N: the right ones.

    Returns:
        From -1 to 1; 0 where all predictions, or all labels, are the same.

    Raises:
        ValueError: no examples, or a number that is not finite.
    """
    _check_some(prediction_N)
    first_N, second_N = _directed(prediction_N), _directed(label_N)
    return float(np.clip(first_N @ second_N, -1, 1))


def spearman(prediction_N: Num[np.ndarray, "N"], label_N: Num[np.ndarray, "N"]) -> float:
    """The rank correlation of Spearman: Pearson's of the ranks, where equal numbers share the mean of their ranks.

    Returns:
        From -1 to 1; 0 where all predictions, or all labels, are the same.

    Raises:
        ValueError: no examples, or a number that is not finite.
    """
    return pearson(_ranks(prediction_N), _ranks(label_N))


SCORES: Mapping[str, Callable[..., float]] = {
    "accuracy": accuracy,
    "f1": f1,
    "matthews": matthews,
    "pearson": pearson,
    "spearman": spearman,
}
"""Every score by the name that tasks call it by."""


def score(task_metrics: Sequence[str], predictions_N: Num[np.ndarray, "N"], labels_N: Num[np.ndarray, "N"]) -> dict[str, float]:
    """The scores of a task, in its order.

    Args:
        task_metrics: names of `SCORES`, as in `laconic.text.labelled.LabelledTask.metrics`.
        predictions_N: what was told: ids of classes, or numbers in regression; at least one.
        labels_N: what was right.

    Raises:
        ValueError: a score that is not known, no examples, or a number that is not finite.
    """
    for name in task_metrics:
        if name not in SCORES:
            raise ValueError(f"task_metrics must be among {', '.join(SCORES)}, but has {name!r}")
    return {name: SCORES[name](predictions_N, labels_N) for name in task_metrics}


def _check_some(prediction_N: Num[np.ndarray, "N"]) -> None:
    if not len(prediction_N):
        raise ValueError("predictions must not be empty")


def _directed(value_N: Num[np.ndarray, "N"]) -> Float[np.ndarray, "N"]:
    """Numbers around their mean, scaled to length 1; zeros if all are the same."""
    value_N = value_N.astype(np.float64)
    if not np.isfinite(value_N).all():
        raise ValueError("numbers to correlate must be finite")
    # Before rounding can make the mean of equal numbers another number than they are.
    if value_N.min() == value_N.max():
        return np.zeros_like(value_N)
    # By a power of two, which rounds nothing; then squares neither overflow nor vanish.
    scaled_N = np.ldexp(value_N, -np.frexp(np.abs(value_N).max())[1])
    # Twice, since the first mean is rounded, which is much where numbers differ little.
    for _ in range(2):
        scaled_N -= scaled_N.mean()
    directed_N: Float[np.ndarray, "N"] = scaled_N / np.linalg.norm(scaled_N)
    return directed_N


def _ranks(value_N: Num[np.ndarray, "N"]) -> Float[np.ndarray, "N"]:
    if not np.isfinite(value_N).all():
        raise ValueError("numbers to correlate must be finite")
    _, id_N, count_K = np.unique(value_N, return_inverse=True, return_counts=True)
    rank_N: Float[np.ndarray, "N"] = (np.cumsum(count_K) - (count_K - 1) / 2)[id_N]
    return rank_N
