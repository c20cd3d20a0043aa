"""What goes in comes out, through every door, for text, for bytes that are no text, and for the ends of documents."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import laconic
from laconic.archive.stream import compress, decompress
from laconic.tokens.registry import build_tokenizer, load_tokenizer

anything = st.one_of(
    st.binary(max_size=300), st.text(max_size=200).map(str.encode), st.binary(max_size=3).map(lambda b: b * 90)
)
symbols = st.lists(st.integers(0, 256), max_size=120).map(lambda values: np.array(values, np.uint16))

WINDOWED = [(16, 16, "exact"), (16, 8, "exact"), (24, 16, "exact"), (64, 8, "exact"), (128, 16, "exact"), (16, 16, "delay")]


@given(anything)
@settings(max_examples=60)
def test_files(data):
    blob = compress(data)
    assert decompress(blob) == data
    assert len(blob) <= len(data) * 1.001 + 64
    assert laconic.decompress(laconic.compress(data, "uniform")) == data


@pytest.mark.parametrize(("bits", "token_bits", "reading"), WINDOWED)
@given(documents=st.lists(symbols, min_size=1, max_size=4))
@settings(max_examples=25)
def test_windows_of_the_shipped_model(bits, token_bits, reading, documents):
    tokenizer = build_tokenizer("equal-info", bits=bits, token_bits=token_bits, reading=reading)
    ids = tokenizer.encode_batch(documents)
    assert all(np.array_equal(a, b) for a, b in zip(tokenizer.decode_batch(ids), documents, strict=True))


@given(st.integers(0, 65535))
@settings(max_examples=200)
def test_each_token_of_the_default_tokenizer_is_one_text(code):
    tokenizer = load_tokenizer("default")
    [text] = tokenizer.decode_batch([np.array([code], np.int32)])
    assert text.size
    [ids] = tokenizer.encode_batch([text])
    assert ids.size == 1
    assert ids[0] <= code


@given(st.lists(anything, min_size=1, max_size=5))
@settings(max_examples=25)
def test_neighbours_in_a_batch_change_nothing(data):
    tokenizer = load_tokenizer("default")
    documents = [np.frombuffer(text, np.uint8).astype(np.uint16) for text in data]
    together = tokenizer.encode_batch(documents)
    assert all(np.array_equal(ids, tokenizer.encode_bytes(text)) for ids, text in zip(together, data, strict=True))
