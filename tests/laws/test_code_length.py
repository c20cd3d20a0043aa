"""Whatever the model and the text, a code is hardly longer than the model says it must be."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laconic.bytelm.base import CountFormat
from laconic.bytelm.registry import load_byte_lm
from laconic.codec.arithmetic import Decoder, Encoder

texts = st.one_of(st.binary(max_size=200), st.text(max_size=120).map(str.encode), st.just(b"the quick brown fox " * 8))


@pytest.mark.parametrize("name", ["uniform", "default"])
@given(data=st.lists(texts, min_size=1, max_size=4), precision=st.integers(12, 24), eos=st.booleans())
@settings(max_examples=40)
def test_streams_of_a_byte_model(name, data, precision, eos):
    model, form = load_byte_lm(name), CountFormat(precision=precision, eos=eos)
    lengths = np.array([len(text) for text in data])
    symbols = np.zeros((len(data), int(lengths.max())), np.uint16)
    for row, text in zip(symbols, data, strict=True):
        row[: len(text)] = np.frombuffer(text, np.uint8)
    starts, stops = model.ranges(symbols, lengths, form)
    coder = Encoder(len(data), precision)
    coder.push(starts, stops, lengths)
    codes = coder.finish()
    for b, (_, bits) in enumerate(codes):
        counts = (stops[b, : lengths[b]] - starts[b, : lengths[b]]).astype(float)
        ideal = float(np.sum(precision - np.log2(counts)))
        assert math.floor(ideal) <= bits <= ideal + 2 + lengths[b] / 2**30 + 1e-6

    decoder, session = Decoder([code for code, _ in codes], precision), model.start(len(data), form)
    for t in range(symbols.shape[1]):
        found = decoder.pull(session.cumulative(), lengths > t)
        assert all(found[b] == symbols[b, t] for b in range(len(data)) if lengths[b] > t)
        session.append(found)
