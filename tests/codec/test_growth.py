"""All windows of a model, grown, against the windows that the reference cuts one by one."""

import functools

import numpy as np
import pytest

from laconic.codec import reference_codebook, reference_windows
from laconic.codec.growth import Grower
from laconic.codec.windows import MAX_WINDOW_SYMBOLS

S = 257


def _table(counts):
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.uint32)


def _uniform(symbols, precision):
    share, rest = divmod(1 << precision, S)
    return _table([share + (s < rest) for s in range(S)])


def _peaked(symbols, precision):
    counts = np.ones(S, np.int64)
    counts[97] += (1 << precision) - S
    return _table(counts)


def _halving(symbols, precision):
    counts = np.array([max(1, (1 << precision) >> (s + 1)) for s in range(S)])
    counts[0] -= counts.sum() - (1 << precision)
    return _table(counts)


def _erratic(symbols, precision):
    rng = np.random.default_rng([len(symbols) % 3, *symbols[-1:]])
    counts = 1 + np.floor(rng.dirichlet(np.full(S, 0.03)) * ((1 << precision) - S)).astype(np.int64)
    counts[rng.integers(S)] += (1 << precision) - counts.sum()
    return _table(counts)


MODELS = {"uniform": _uniform, "peaked": _peaked, "halving": _halving, "erratic": _erratic}


def _grow(model, *, bits, precision, rows, room=1 << 20):
    grower = Grower(bits=bits, precision=precision, room=room)
    while grower.wanted:
        batch = min(rows, grower.wanted)
        grower.seat(batch)
        contexts = [[] for _ in range(batch)]
        while batch // 4 < min(rows, grower.wanted) <= 2 * batch:
            while (symbols := grower.next_symbols()).max() >= 0:
                for context, symbol in zip(contexts, symbols.tolist(), strict=True):
                    context += [symbol] if symbol >= 0 else []
            keep = grower.grow(np.stack([model(tuple(context)) for context in contexts]))
            contexts = [context[:size] for context, size in zip(contexts, keep.tolist(), strict=True)]
    assert grower.settled == 1 << bits
    return grower.finish()


def _model(name, precision):
    @functools.cache
    def answer(length, last):
        return MODELS[name]((0,) * (length - len(last)) + last, precision)

    return lambda symbols: answer(len(symbols) % 3 + 3 * (len(symbols) > 2), tuple(symbols[-1:]))


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("precision", [12, 16])
def test_the_book_is_that_of_the_windows(name, precision):
    model = _model(name, precision)
    book = _grow(model, bits=16, precision=precision, rows=64)
    strings = reference_codebook.strings_of(book)
    plain = functools.cache(lambda symbols: model(symbols).tolist())
    rng = np.random.default_rng(1)
    codes = [0, 1, (1 << 16) - 1, *rng.integers(0, 1 << 16, 6).tolist()]
    for code in [code for code in codes if len(strings[book.owners_K[code]]) < 25]:  # the reference takes its time
        decoded = reference_windows.decode_window(
            code, lambda symbols: plain(tuple(symbols)), bits=16, precision=precision, reading="exact"
        )
        assert strings[book.owners_K[code]] == tuple(decoded)
    stream = rng.choice([97, 0, 1, 2, 256, 32], 20).tolist() + [97] * 10
    expected = reference_windows.encode(
        stream, lambda symbols: plain(tuple(symbols)), bits=16, precision=precision, reading="exact"
    )
    assert book.encode(np.array(stream, np.uint16)).tolist() == expected


def test_rows_change_nothing():
    model = _model("erratic", 14)
    books = [_grow(model, bits=16, precision=14, rows=rows) for rows in (3, 500)]
    for name in ("symbols_N", "children_N", "owners_K"):
        np.testing.assert_array_equal(getattr(books[0], name), getattr(books[1], name))


def test_windows_end_at_their_limit():
    """With 20 bits of precision the likeliest symbol costs so little that 4,096 of them fit, and then a window ends."""
    model = _model("peaked", 20)
    book = _grow(model, bits=20, precision=20, rows=300)
    codes = book.encode(np.full(MAX_WINDOW_SYMBOLS + 9, 97, np.uint16))
    assert book.lengths(codes).tolist() == [MAX_WINDOW_SYMBOLS, 9]


def test_too_many_strings_are_noticed():
    with pytest.raises(MemoryError, match="more than 1,000 strings"):
        _grow(_model("erratic", 16), bits=16, precision=16, rows=64, room=1000)
