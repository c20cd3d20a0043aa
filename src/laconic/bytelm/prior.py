"""Another byte model's predictions as logits, to be added to those of a transformer.

The transformer then learns what the other model does not know, from the first step on, instead of what it does. The sum of
logits is a product of the two predictions, renormalised.
"""

import numpy as np
from jaxtyping import Int32, UInt16, UInt32

from laconic.bytelm.base import AbstractByteLM, CountFormat
from laconic.bytelm.fixedpoint import FRACTION_BITS, log2_units

PRIOR_FORM = CountFormat(precision=22, eos=True)
"""How the prior is asked, whatever the coder's precision is."""


def prior_logits(prior: AbstractByteLM, symbols_BT: UInt16[np.ndarray, "B T"]) -> Int32[np.ndarray, "B T 257"]:
    """The prior's logarithms at every position, in units of 1/128 bit, 0 or below.

    Memory is about 3 KB per symbol: give it few at a time.
    """
    return logits_of(prior.counts(symbols_BT, PRIOR_FORM))


def logits_of(edges: UInt32[np.ndarray, "... 258"]) -> Int32[np.ndarray, "... 257"]:
    """Logarithms of the counts between cumulative edges."""
    return log2_units(np.diff(edges)) - (PRIOR_FORM.precision << FRACTION_BITS)
