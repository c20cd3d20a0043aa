"""Byte models in plain Python: slow, short, and the oracle that the compiled kernels are tested against."""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import final

import numpy as np

from laconic.bytelm.base import CountFormat
from laconic.shapes import EOS, SYMBOLS


def cumulative_counts(weights: Sequence[int], form: CountFormat) -> list[int]:
    """The edges of one prediction from the weights of 257 symbols, by the rule that `weights.py` states.

    >>> cumulative_counts([3, 1] + [0] * 255, CountFormat(precision=12, eos=False))[:4]
    [0, 2881, 3842, 3843]
    """
    weights = weights[: form.symbols] if any(weights[: form.symbols]) else [1] * form.symbols
    shift = 63 - form.precision
    scale = ((form.total - form.symbols) << shift) // sum(weights)
    return [symbol + (sum(weights[:symbol]) * scale >> shift) for symbol in range(form.symbols)] + [form.total]


@final
class NGramReference:
    """Predictions of an n-gram model from its stored tensors, by the definition.

    Args:
        tensors: those of `laconic.bytelm.trie`.
    """

    def __init__(self, tensors: Mapping[str, np.ndarray]) -> None:
        stored = {name: tensor.tolist() for name, tensor in tensors.items()}
        self._root: list[int] = stored["root_S"]
        self.backoffs: dict[tuple[int, ...], int] = {}
        self.successors: dict[tuple[int, ...], dict[int, int]] = {}
        parents = deque[tuple[int, ...]]([()])
        successors = zip(stored["symbols_E"], stored["weights_E"], strict=True)
        for edge, node in zip(stored["edges_N"], stored["nodes_N"], strict=True):
            context = (edge, *parents[0])
            self.backoffs[context] = stored["backoff_table"][node & 0x3F]
            if node & 0x40:
                parents.append(context)
            if node & 0x80:
                parents.popleft()
            self.successors[context] = found = {}
            for symbol, weight in successors:
                found[EOS if symbol == 255 else symbol] = stored["weight_table"][weight & 0x7F]
                if weight & 0x80:
                    break

    def weights(self, history: Sequence[int]) -> list[int]:
        """The weights of the 257 symbols after a history, which begins with an empty context."""
        history = [*history]
        history = history[len(history) - history[::-1].index(EOS) :] if EOS in history else history
        history = [255, *(-1 if symbol == 255 else symbol for symbol in history)]
        weights, reach = [0] * SYMBOLS, 1 << 19
        for length in range(min(len(history), 5), 0, -1):
            context = tuple(history[-length:])
            if context in self.successors:
                for symbol, weight in self.successors[context].items():
                    weights[symbol] += reach * weight
                reach = reach * self.backoffs[context] >> 16
        return [weight + reach * root for weight, root in zip(weights, self._root, strict=True)]

    def cumulative(self, history: Sequence[int], form: CountFormat) -> list[int]:
        """The edges of the next symbol."""
        return cumulative_counts(self.weights(history), form)
