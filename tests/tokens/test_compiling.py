"""Compiled windows say what the byte model says, under models that mean harm."""

from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from laconic.bytelm.registry import load_byte_lm
from laconic.codec import codebook
from laconic.errors import LaconicError
from laconic.text.stdlib import open_stdlib
from laconic.tokens.compiling import compile_windows, refuse_to_compile
from laconic.tokens.expand import expand
from laconic.tokens.segment import NEVER, WindowFormat, segment

FORM = WindowFormat()
compiled = cache(lambda model: compile_windows(model, FORM))


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
def test_codes_are_those_of_the_model(byte_model, batches, data):
    book, documents = compiled(byte_model), data.draw(batches)
    for symbols, windows in zip(documents, segment(documents, byte_model, FORM), strict=True):
        codes = book.encode(symbols)
        assert codes.tolist() == windows.codes[:, 1].tolist()
        assert book.lengths(codes).tolist() == windows.lengths.tolist()
        np.testing.assert_array_equal(book.decode(codes), symbols)


def test_every_code_stands_for_what_the_model_decodes(byte_model):
    book = compiled(byte_model)
    codes = np.random.default_rng(3).permutation(1 << 16)[:60]
    symbols, lengths = expand([np.stack([np.zeros(60), codes], axis=1).astype(np.uint64)], byte_model, FORM)[0]
    np.testing.assert_array_equal(book.lengths(codes), lengths)
    np.testing.assert_array_equal(book.decode(codes), symbols)


def test_the_shipped_model_on_text_code_and_noise():
    model = load_byte_lm("light")
    book = compile_windows(model, FORM)
    every = np.arange(1 << 16)
    symbols, lengths = expand([np.stack([np.zeros_like(every), every], axis=1).astype(np.uint64)], model, FORM)[0]
    np.testing.assert_array_equal(book.lengths(every), lengths)
    np.testing.assert_array_equal(book.decode(every), symbols)
    rng = np.random.default_rng(4)
    texts = [b" " * 3000, b"\n" * 700 + b"=" * 900, bytes(range(256)) * 4, rng.bytes(20_000), "Ça va – 日本語 ".encode() * 99]
    texts += [next(iter(open_stdlib("test").documents()))[:30_000]]
    documents = [np.append(np.frombuffer(text, np.uint8), 256).astype(np.uint16) for text in texts]
    for symbols, windows in zip(documents, segment(documents, model, FORM), strict=True):
        assert book.encode(symbols).tolist() == windows.codes[:, 1].tolist()


@pytest.mark.parametrize("bits", [17, 18])
def test_wider_windows(unigram, bits):
    form = WindowFormat(bits=bits, precision=17)
    settled = []
    book = compile_windows(unigram, form, progress=settled.append)
    assert settled == sorted(settled) and settled[-1] == 1 << bits
    symbols = np.random.default_rng(5).choice([*b"the cat sat on the mat", 256, 7], 3000).astype(np.uint16)
    windows = segment([symbols], unigram, form)[0]
    assert book.encode(symbols).tolist() == windows.codes[:, 1].tolist()


def test_rows_change_nothing(unigram):
    book, other = compiled(unigram), compile_windows(unigram, FORM, rows=5)
    for name in ("symbols_N", "children_N", "owners_K"):
        np.testing.assert_array_equal(getattr(book, name), getattr(other, name))


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (WindowFormat(reading="paper"), "reading exact"),
        (WindowFormat(reading="delay"), "reading exact"),
        (WindowFormat(windows_per_context=2), "context of its own"),
        (WindowFormat(windows_per_context=NEVER), "context of its own"),
        (WindowFormat(bits=32), "193 GB"),
        (WindowFormat(bits=128), "24 bits are the most"),
    ],
)
def test_what_cannot_be_compiled_says_why(unigram, form, words):
    assert words in str(refuse_to_compile(form))
    with pytest.raises(ValueError, match=words):
        compile_windows(unigram, form)


def test_strings_that_are_too_long_are_refused_in_a_sentence(unigram, monkeypatch):
    monkeypatch.setattr(codebook, "MAX_SPELLED", 1000)
    with pytest.raises(LaconicError, match=r"cannot be compiled \(.*too long\): use them uncompiled"):
        compile_windows(unigram, FORM)


@pytest.mark.slow
@pytest.mark.data
def test_megabytes_of_mixed_text(data_root):
    from laconic.text.corpora import open_corpus

    model = load_byte_lm("light")
    book = compile_windows(model, FORM)
    parts = [b"".join(open_corpus("wikipedia-en", "valid", data_root=data_root).documents())[:1_500_000]]
    parts += list(open_stdlib("test").documents())[:20]
    parts += [np.random.default_rng(6).bytes(200_000)]
    documents = [np.frombuffer(part, np.uint8).astype(np.uint16) for part in parts]
    for symbols, windows in zip(documents, segment(documents, model, FORM), strict=True):
        np.testing.assert_array_equal(book.encode(symbols), windows.codes[:, 1])
