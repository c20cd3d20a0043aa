"""Codebooks of any strings: the walk and the look-up against plain Python, and every way to be no book."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laconic.codec import reference_codebook
from laconic.codec.codebook import Codebook
from laconic.codec.reference_codebook import book_of, codes_of
from laconic.errors import CorruptFileError

SYMBOLS = st.sampled_from([0, 1, 97, 98, 255, 256])
STRINGS = st.lists(SYMBOLS, min_size=2, max_size=20).map(tuple)


@st.composite
def code_maps(draw):
    """Any codes of all single symbols and a few longer strings."""
    longer = draw(st.lists(STRINGS, max_size=12, unique=True))
    strings = [(symbol,) for symbol in range(257)] + longer
    first, stride = draw(st.integers(0, (1 << 16) - 1)), 2 * draw(st.integers(0, 1 << 14)) + 1
    chosen = [(first + stride * place) % (1 << 16) for place in range(len(strings))]
    return dict(zip(strings, chosen, strict=True))


@pytest.fixture(scope="module")
def book():
    codes = {(symbol,): 65_535 - symbol for symbol in range(257)}
    return book_of(codes | {(97, 98): 7, (97, 98, 97, 98, 97): 8, tuple([97] * 100): 9, (256, 97): 10}, 16)


@given(code_maps(), st.lists(st.lists(SYMBOLS, max_size=60), max_size=4))
@settings(max_examples=100)
def test_encoding_is_that_of_the_reference_and_comes_back(codes, documents):
    book = book_of(codes, 16)
    written = [book.encode(np.array(document, np.uint16)) for document in documents]
    assert [ids.tolist() for ids in written] == [reference_codebook.encode(document, codes) for document in documents]
    for document, ids in zip(documents, written, strict=True):
        assert ids.dtype == np.int32
        assert book.decode(ids).tolist() == document
        assert book.lengths(ids).sum() == len(document)


@given(code_maps(), st.data())
def test_every_code_stands_for_its_string(codes, data):
    book = book_of(codes, 16)
    owned = np.flatnonzero(book.owners_K)
    codes = np.array(data.draw(st.lists(st.sampled_from(owned.tolist()), max_size=30)), np.int64)
    assert book.decode(codes).tolist() == reference_codebook.decode(codes.tolist(), book)


def test_nothing_has_no_codes(book):
    assert book.encode(np.zeros(0, np.uint16)).size == book.decode(np.zeros(0, np.int32)).size == 0


def test_long_strings_and_steps_back(book):
    """A hundred letters are one string; with one missing, the walk goes back to the first letter each time."""
    assert book.encode(np.full(200, 97, np.uint16)).tolist() == [9, 9]
    assert book.encode(np.full(99, 97, np.uint16)).tolist() == [65438] * 99
    assert book.decode(np.array([9, 8, 9])).tolist() == [97] * 100 + [97, 98, 97, 98, 97] + [97] * 100


def test_arrays_with_gaps_are_read_right(book):
    symbols = np.array([97, 0, 98, 0, 97, 0], np.uint16)[::2]
    assert book.encode(symbols).tolist() == [7, 65438]
    assert book.decode(np.array([7, 0, 8, 0])[::2]).tolist() == [97, 98, 97, 98, 97, 98, 97]


@pytest.mark.parametrize("code", [0, 11, -1, 1 << 16, 1 << 40])
def test_codes_that_stand_for_nothing_are_refused(book, code):
    for answer in (book.decode, book.lengths):
        with pytest.raises(CorruptFileError, match=f"code {code} stands for no text"):
            answer(np.array([7, code, 8]))


def test_pickles_hold_the_book_and_no_tables(book):
    book.encode(np.full(9, 97, np.uint16))
    content = pickle.dumps(book)
    assert len(content) < book.owners_K.nbytes + 10_000
    again = pickle.loads(content)
    assert (codes_of(again), again.strings) == (codes_of(book), book.strings) == (codes_of(book), 261)


def _parts(book):
    return {"bits": 16} | {name: getattr(book, name).copy() for name in ("symbols_N", "children_N", "owners_K")}


def _spoil(parts, name, place, value):
    parts[name][place] = value


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda p: p.update(owners_K=p["owners_K"][:-1]), "not all numbers"),
        (lambda p: p.update(bits=17), "not all numbers"),
        (lambda p: p.update(bits=25, owners_K=np.zeros(1 << 25, np.uint32)), "not all numbers"),
        (lambda p: p.update(symbols_N=p["symbols_N"][:0], children_N=p["children_N"][:0]), "empty string"),
        (lambda p: _spoil(p, "symbols_N", 0, 1), "empty string"),
        (lambda p: _spoil(p, "symbols_N", -1, 257), "symbol 257"),
        (lambda p: _spoil(p, "children_N", -1, 1), "do not match"),
        (lambda p: _spoil(p, "children_N", 0, 256), "do not match"),
        (lambda p: p["children_N"].__setitem__(slice(None), np.roll(p["children_N"], 1)), "before its beginning"),
        (lambda p: _spoil(p, "symbols_N", 2, 0), "out of order"),
        (lambda p: _spoil(p, "owners_K", 5, 10_000), "not there"),
        (lambda p: _spoil(p, "owners_K", 65_530, 0), "single symbol"),
    ],
)  # fmt: skip
def test_what_is_no_book_is_refused_in_a_sentence(book, spoil, words):
    parts = _parts(book)
    spoil(parts)
    with pytest.raises(ValueError, match=words):
        Codebook(**parts)


def test_strings_beyond_the_limit_are_refused():
    singles = {(symbol,): symbol for symbol in range(257)}
    assert book_of(singles | {(97,) * 4096: 300}, 16).decode(np.array([300])).size == 4096
    with pytest.raises(ValueError, match="more than 4096 symbols"):
        book_of(singles | {(97,) * 4097: 300}, 16)
