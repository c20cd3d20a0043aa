"""Byte models in plain Python: slow, short, and the oracle that the compiled kernels are tested against."""

from collections.abc import Sequence

from laconic.bytelm.base import CountFormat


def cumulative_counts(weights: Sequence[int], form: CountFormat) -> list[int]:
    """The edges of one prediction from the weights of 257 symbols, by the rule that `weights.py` states.

    >>> cumulative_counts([3, 1] + [0] * 255, CountFormat(precision=12, eos=False))[:4]
    [0, 2881, 3842, 3843]
    """
    weights = weights[: form.symbols] if any(weights[: form.symbols]) else [1] * form.symbols
    shift = 63 - form.precision
    scale = ((form.total - form.symbols) << shift) // sum(weights)
    return [symbol + (sum(weights[:symbol]) * scale >> shift) for symbol in range(form.symbols)] + [form.total]
