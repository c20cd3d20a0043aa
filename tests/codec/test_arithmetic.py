import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laconic.codec import reference
from laconic.codec.arithmetic import Decoder, Encoder


@st.composite
def streams(draw, max_symbols=60):
    """A precision, tables of cumulative counts with every count at least 1, and one symbol for each table."""
    precision = draw(st.integers(12, 24))
    alphabet = draw(st.sampled_from([1, 2, 3, 7, 256, 257, 512]))
    length = draw(st.integers(0, max_symbols))
    seed = draw(st.integers(0, 2**32 - 1))
    concentration = draw(st.sampled_from([1e-3, 0.1, 1.0, 100.0]))
    rng = np.random.default_rng(seed)
    tables = np.zeros((length, alphabet + 1), np.uint32)
    for t in range(length):
        shares = rng.dirichlet(np.full(alphabet, concentration))
        counts = 1 + np.floor(shares * ((1 << precision) - alphabet)).astype(np.int64)
        counts[rng.integers(alphabet)] += (1 << precision) - counts.sum()
        tables[t, 1:] = np.cumsum(counts)
    rare = draw(st.booleans())
    counts = np.diff(tables.astype(np.int64), axis=1)
    symbols = [int(np.argmin(row)) if rare else int(rng.integers(alphabet)) for row in counts]
    return precision, tables, symbols


def edges(tables, symbols):
    steps = np.arange(len(symbols))
    index = np.array(symbols, np.int64)
    return tables[steps, index][None], tables[steps, index + 1][None]


def encode(precision, tables, symbols):
    coder = Encoder(1, precision)
    coder.push(*edges(tables, symbols), np.array([len(symbols)]))
    return coder.finish()[0]


def decode(precision, tables, code):
    decoder = Decoder([code], precision)
    return [int(decoder.pull(table[None], np.array([True]))[0]) for table in tables]


def as_bits(code, length):
    return "".join(f"{byte:08b}" for byte in code)[:length]


@given(streams())
def test_the_compiled_coder_gives_the_bits_of_the_reference(stream):
    precision, tables, symbols = stream
    code, length = encode(*stream)
    assert as_bits(code, length) == reference.encode(tables.tolist(), symbols, precision)
    assert len(code) == -(-length // 8)


@given(streams(), st.binary(max_size=12))
def test_whatever_follows_a_code_does_not_change_it(stream, tail):
    precision, tables, symbols = stream
    code, length = encode(*stream)
    assert decode(precision, tables, code) == symbols
    kept = as_bits(code, length)
    padded = kept + "".join(f"{byte:08b}" for byte in tail)
    padded += "1" * (-len(padded) % 8)
    other = int(padded, 2).to_bytes(len(padded) // 8, "big") if padded else b""
    assert decode(precision, tables, other) == symbols
    assert list(reference.decode(tables.tolist(), kept, precision)) == symbols


@given(streams())
def test_length_is_within_two_bits_of_the_ideal(stream):
    precision, tables, symbols = stream
    _, length = encode(*stream)
    counts = np.diff(tables.astype(np.int64), axis=1)[np.arange(len(symbols)), symbols]
    ideal = sum(precision - math.log2(count) for count in counts)
    assert length <= ideal + 2 + len(symbols) / 2**30
    assert length >= ideal - 1e-6


@given(streams(), st.integers(1, 7))
def test_pushing_in_pieces_and_in_a_batch_changes_nothing(stream, piece):
    precision, tables, symbols = stream
    starts, stops = edges(tables, symbols)
    coder = Encoder(3, precision)
    for at in range(0, len(symbols), piece):
        part = slice(at, at + piece)
        size = len(symbols[part])
        coder.push(np.repeat(starts[:, part], 3, 0), np.repeat(stops[:, part], 3, 0), np.array([size, 0, size]))
    first, empty, last = coder.finish()
    assert first == last == encode(*stream)
    assert empty == (b"", 0)


@given(st.binary(max_size=40), streams(max_symbols=40))
def test_any_bytes_decode_to_some_symbols_of_the_alphabet(code, stream):
    precision, tables, _ = stream
    symbols = decode(precision, tables, code)
    assert all(0 <= symbol < tables.shape[1] - 1 for symbol in symbols)


def test_a_long_stream_of_near_certain_symbols_costs_next_to_nothing():
    cumulative = np.array([0, (1 << 24) - 1, 1 << 24], np.uint32)
    starts, stops = np.zeros((1, 200_000), np.uint32), np.full((1, 200_000), cumulative[1], np.uint32)
    coder = Encoder(1, 24)
    coder.push(starts, stops, np.array([200_000]))
    _, length = coder.finish()[0]
    assert length <= 2 + -200_000 * math.log2(1 - 2**-24)


def test_carries_run_through_long_rows_of_ones():
    """An interval that hugs a power of two from below, until a late symbol lifts it over: every written bit flips."""
    third = (1 << 12) // 3
    table = [0, third, 2 * third + 1, 1 << 12]
    symbols = [1] * 500 + [2] * 5
    tables = np.array([table] * len(symbols), np.uint32)
    code, length = encode(12, tables, symbols)
    assert as_bits(code, length) == reference.encode(tables.tolist(), symbols, 12)
    assert decode(12, tables, code) == symbols


@pytest.mark.parametrize(("start", "stop"), [(5, 5), (6, 5), (0, 4097)])
def test_edges_that_do_not_rise_are_refused(start, stop):
    coder = Encoder(1, 12)
    with pytest.raises(ValueError, match="do not rise"):
        coder.push(np.array([[start]], np.uint32), np.array([[stop]], np.uint32), np.array([1]))


def test_inactive_streams_are_left_alone():
    table = np.array([[0, 1024, 4096]] * 2, np.uint32)
    decoder = Decoder([b"\x00", b"\xff"], 12)
    assert decoder.pull(table, np.array([False, True])).tolist() == [-1, 1]
    assert decoder.pull(table, np.array([True, False])).tolist() == [0, -1]


@pytest.mark.parametrize("precision", [11, 25])
def test_precision_out_of_range_is_refused(precision):
    with pytest.raises(ValueError, match="between 12 and 24"):
        Encoder(1, precision)
