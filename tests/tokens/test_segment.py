import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from laconic.bytelm.base import CountFormat
from laconic.codec.windows import WindowEncoder
from laconic.tokens.segment import NEVER, WindowFormat, segment


def _one_by_one(symbols, model, form):
    """The readable twin: one stream, one window after the other."""
    codes, lengths, begin, context = [], [], 0, 0
    while begin < symbols.size:
        session = model.start(1, CountFormat(precision=form.precision))
        if form.windows_per_context != NEVER and len(lengths) % form.windows_per_context == 0:
            context = begin
        for symbol in symbols[context:begin]:
            session.append(np.array([symbol], np.int64))
        encoder = WindowEncoder(1, bits=form.bits, precision=form.precision, reading=form.reading)
        position, taken = begin, 0
        while not taken:
            symbol = np.array([symbols[position] if position < symbols.size else -1], np.int64)
            taken = int(encoder.advance(session.cumulative(), symbol)[0])
            session.append(symbol)
            position += 1
        codes.append(encoder.codes_BL[0].copy())
        lengths.append(taken)
        begin += taken
    return codes, lengths


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
def test_working_on_many_places_changes_nothing(byte_model, batches, data):
    form = WindowFormat(
        bits=data.draw(st.sampled_from([16, 17, 24, 64, 128])),
        reading=data.draw(st.sampled_from(["exact", "paper", "delay"])),
        windows_per_context=data.draw(st.sampled_from([NEVER, 1, 2, 3])),
    )
    documents = data.draw(batches)
    for symbols, windows in zip(documents, segment(documents, byte_model, form, rows=3), strict=True):
        codes, lengths = _one_by_one(symbols, byte_model, form)
        assert windows.lengths.tolist() == lengths
        assert windows.codes.tolist() == [code.tolist() for code in codes]


@pytest.mark.parametrize("bits", [16, 40])
def test_a_long_document_is_entered_at_many_places_and_cut_as_if_at_one(unigram, bits):
    form = WindowFormat(bits=bits)
    symbols = np.random.default_rng(1).choice([101, 32, 97, 116, 256], 13 * bits**2).astype(np.uint16)
    alone = segment([symbols], unigram, form, rows=1)[0]
    for rows in (3, 16):
        together = segment([symbols], unigram, form, rows=rows)[0]
        np.testing.assert_array_equal(together.lengths, alone.lengths)
        np.testing.assert_array_equal(together.codes, alone.codes)


def test_chains_that_never_meet_are_dropped(unigram):
    """In a document of one symbol, windows from different places need not meet."""
    form = WindowFormat(bits=32)
    symbols = np.full(13_011, 101, np.uint16)
    alone = segment([symbols], unigram, form, rows=1)[0]
    together = segment([symbols], unigram, form, rows=16)[0]
    assert alone.lengths.sum() == together.lengths.sum() == symbols.size
    np.testing.assert_array_equal(together.codes, alone.codes)


def test_groups_of_documents_change_nothing(unigram):
    rng = np.random.default_rng(2)
    documents = [rng.integers(90, 110, size).astype(np.uint16) for size in (0, 5, 700, 0, 300, 1)]
    once = segment(documents, unigram, WindowFormat())
    for small in (1, 600):
        again = segment(documents, unigram, WindowFormat(), batch_symbols=small)
        assert [windows.lengths.tolist() for windows in again] == [windows.lengths.tolist() for windows in once]


def test_nothing_has_no_windows(unigram):
    assert segment([], unigram, WindowFormat()) == []
    assert segment([np.zeros(0, np.uint16)], unigram, WindowFormat())[0].lengths.size == 0


@pytest.mark.parametrize(
    ("field", "value"), [("bits", 15), ("bits", 129), ("precision", 17), ("reading", "vague"), ("windows_per_context", -1)]
)
def test_formats_are_checked(field, value):
    with pytest.raises((ValueError, TypeError), match=field):
        WindowFormat(**{field: value})
