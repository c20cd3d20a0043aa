import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from laconic.tokens.expand import expand
from laconic.tokens.segment import NEVER, WindowFormat, segment


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=12)
def test_windows_decode_to_what_was_cut(byte_model, batches, data):
    form = WindowFormat(
        bits=data.draw(st.sampled_from([16, 17, 24, 64, 100, 128])),
        reading=data.draw(st.sampled_from(["exact", "delay"])),
        windows_per_context=data.draw(st.sampled_from([NEVER, 1, 2, 3])),
    )
    documents = data.draw(batches)
    windows = segment(documents, byte_model, form)
    expanded = expand([document.codes for document in windows], byte_model, form, rows=data.draw(st.sampled_from([1, 5, 512])))
    for symbols, document, (again, lengths) in zip(documents, windows, expanded, strict=True):
        np.testing.assert_array_equal(again, symbols)
        np.testing.assert_array_equal(lengths, document.lengths)


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=12)
def test_every_code_of_an_exact_window_decodes_alone(byte_model, batches, data):
    form = WindowFormat(bits=data.draw(st.sampled_from([16, 24, 128])))
    for symbols, windows in zip(documents := data.draw(batches), segment(documents, byte_model, form), strict=True):
        parts = [expand([code[None]], byte_model, form)[0][0] for code in windows.codes]
        np.testing.assert_array_equal(np.concatenate([*parts, np.zeros(0, np.uint16)]), symbols)


@given(st.lists(st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1)), max_size=2), st.sampled_from([1, 2, NEVER]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=6)
def test_any_codes_decode_to_some_text_that_has_windows(byte_model, codes, per_context):
    form = WindowFormat(bits=128, windows_per_context=per_context)
    symbols, lengths = expand([np.array(codes, np.uint64).reshape(-1, 2)], byte_model, form)[0]
    assert symbols.size == lengths.sum()
    assert (lengths > 0).all()


def test_equal_codes_are_decoded_to_equal_text(unigram):
    form = WindowFormat()
    windows = segment([np.array([*b"the the the the "] * 50, np.uint16)], unigram, form)[0]
    symbols, lengths = expand([np.repeat(windows.codes[:1], 1000, axis=0)], unigram, form)[0]
    assert symbols.size == 1000 * windows.lengths[0] and set(lengths.tolist()) == {windows.lengths[0]}


def test_paper_windows_often_decode_too_long(unigram):
    """The flaw of the published rule, counted: the decoder cannot know that the next symbol did not fit."""
    symbols = np.random.default_rng(4).choice(np.array([*b"the cat sat on a mat"], np.uint16), 20_000)
    form = WindowFormat(reading="paper")
    windows = segment([symbols], unigram, form)[0]
    _, lengths = expand([windows.codes], unigram, form)[0]
    wrong = lengths != windows.lengths
    assert 0.02 < wrong.mean() < 0.6
    assert (lengths[wrong] > windows.lengths[wrong]).mean() > 0.95
