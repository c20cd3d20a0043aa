"""Another byte model's predictions as logits, to be added to those of a transformer.

The transformer then learns what the other model does not know, from the first step on, instead of what it does. The sum of
logits is a product of the two predictions, renormalised.
"""

from typing import final

import numpy as np
from jaxtyping import Int32, UInt16, UInt32

from laconic.bytelm.base import AbstractByteLM, CountFormat
from laconic.bytelm.fixedpoint import FRACTION_BITS, log2_units
from laconic.bytelm.ngram import NGramByteLM
from laconic.bytelm.trie import MAX_DEPTH
from laconic.bytelm.uniform import UniformByteLM
from laconic.bytelm.unigram import UnigramByteLM
from laconic.shapes import SYMBOLS

PRIOR_FORM = CountFormat(precision=22, eos=True)
"""How the prior is asked, whatever the coder's precision is."""

NO_PRIOR = np.zeros((0, SYMBOLS + 1), np.uint32)
"""The edges of no prior, for kernels."""


def prior_logits(prior: AbstractByteLM, symbols_BT: UInt16[np.ndarray, "B T"]) -> Int32[np.ndarray, "B T 257"]:
    """The prior's logarithms at every position, in units of 1/128 bit, 0 or below.

    Memory is about 3 KB per symbol: give it few at a time.
    """
    return logits_of(prior.counts(symbols_BT, PRIOR_FORM))


def logits_of(edges: UInt32[np.ndarray, "... 258"]) -> Int32[np.ndarray, "... 257"]:
    """Logarithms of the counts between cumulative edges."""
    return log2_units(np.diff(edges)) - (PRIOR_FORM.precision << FRACTION_BITS)


@final
class PriorReader:
    """The prior's cumulative counts along R rows, read stretch by stretch from their start.

    Args:
        prior: the model that is asked.
        rows: R.
    """

    def __init__(self, prior: AbstractByteLM, rows: int) -> None:
        self._prior, self._reach = prior, _reach(prior)
        self._recent_RT = np.zeros((rows, 0), np.uint16)
        self._session = None if self._reach is not None else prior.start(rows, PRIOR_FORM)

    def read(self, symbols_RT: UInt16[np.ndarray, "R T"]) -> UInt32[np.ndarray, "R T 258"]:
        """The counts at each position of the next stretch, each from the symbols before it."""
        if self._session is not None:
            edges_RTC = np.empty((*symbols_RT.shape, PRIOR_FORM.symbols + 1), np.uint32)
            for step in range(symbols_RT.shape[1]):
                edges_RTC[:, step] = self._session.cumulative()
                self._session.append(symbols_RT[:, step])
            return edges_RTC
        before = self._recent_RT.shape[1]
        known_RT = np.concatenate([self._recent_RT, symbols_RT], axis=1)
        self._recent_RT = known_RT[:, max(0, known_RT.shape[1] - (self._reach or 0)) :].copy()
        return self._prior.counts(known_RT, PRIOR_FORM)[:, before:]


def _reach(prior: AbstractByteLM) -> int | None:
    """How many symbols a model's predictions depend on at most; None where nothing is known."""
    if isinstance(prior, NGramByteLM):
        return MAX_DEPTH
    return 0 if isinstance(prior, UniformByteLM | UnigramByteLM) else None
