"""The bits of a byte model are the sum of what its counts say."""

import math

import numpy as np
import pytest

from laconic.bytelm.base import CountFormat
from laconic.bytelm.uniform import UniformByteLM
from laconic.bytelm.unigram import UnigramByteLM
from laconic.evaluation.byte_models import byte_model_bits
from laconic.text.examples import document_symbols


def test_uniform_bytes_cost_eight_bits() -> None:
    text = np.frombuffer(b"any text", dtype=np.uint8).astype(np.uint16)
    assert byte_model_bits(UniformByteLM(), [text, text[:3]], CountFormat(eos=False)) == pytest.approx(8.0)


def test_it_is_the_sum_over_all_symbols_ends_included() -> None:
    model, form = UnigramByteLM.train([b"abracadabra", b"banana"]), CountFormat(precision=20)
    text = document_symbols(b"drab")
    edges = model.counts(text[None], form)[0].astype(np.int64)
    bits = sum(20 - math.log2(edges[t, symbol + 1] - edges[t, symbol]) for t, symbol in enumerate(text.tolist()))
    assert byte_model_bits(model, [text], form) == pytest.approx(bits / 4)


def test_nothing_to_measure_is_named() -> None:
    with pytest.raises(ValueError, match="0 texts hold no bytes"):
        byte_model_bits(UniformByteLM(), [], CountFormat())
