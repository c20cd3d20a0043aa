"""Static arithmetic coding: one distribution over bytes for all contexts (arXiv 2404.03626, section 3.3).

The weakest of the coders: what a language model gains on its tokens shows what a model of context takes away.
"""

from collections.abc import Iterable
from dataclasses import replace

from laconic.bytelm.unigram import UnigramByteLM
from laconic.tokens.arithmetic import ArithmeticConfig, ArithmeticTokenizer


def train_static_ac(documents: Iterable[bytes], config: ArithmeticConfig) -> ArithmeticTokenizer:
    """Count the bytes of the documents, and their ends, and code with these counts alone."""
    return ArithmeticTokenizer(UnigramByteLM.train(documents), replace(config, label="static-ac"))
