"""The readable windows against the definition itself, tried on every cell."""

import pytest

from laconic.codec import reference_windows as windows
from laconic.codec.reference import Interval


def model(symbols):
    """Three symbols, of which the one that came last is likely to come again."""
    counts = [500, 1000, 500]
    if symbols:
        counts[symbols[-1]] += 2096
    else:
        counts[1] += 2096
    return [0, counts[0], counts[0] + counts[1], sum(counts)]


def interval_of(text):
    interval = Interval()
    for i, symbol in enumerate(text):
        interval = interval.child(model(text[:i]), symbol, 12)
    return interval


def cells_of(text):
    return set(windows._cells_inside(interval_of(text), 16))


@pytest.mark.parametrize("code", [0, 1, 2, 1000, 12345, 40000, 65534, 65535])
def test_a_code_belongs_to_the_one_text_that_owns_its_cell(code):
    text = windows.decode_window(code, model, bits=16, precision=12, reading="exact")
    assert code in cells_of(text)
    assert all(code not in cells_of([*text, symbol]) for symbol in range(3))


def test_a_text_gets_the_smallest_cell_it_owns_and_the_longest_text_that_owns_one_is_taken():
    text = [1, 1, 2, 0, 1, 1, 1, 1, 1, 0, 0, 2, 2, 1, 0, 0, 0, 1, 2]
    code, taken = windows.first_window(text, model, bits=16, precision=12, reading="exact")
    owned = {n: cells_of(text[:n]) - set().union(*(cells_of([*text[:n], s]) for s in range(3))) for n in range(1, 20)}
    assert taken == max(n for n, cells in owned.items() if cells)
    assert code == min(owned[taken])


def test_delay_leaves_out_symbols_that_add_only_zeros():
    text = [0] * 60
    paper = windows.encode(text, model, bits=16, precision=12, reading="paper")
    delay = windows.encode(text, model, bits=16, precision=12, reading="delay")
    assert len(delay) >= len(paper)
    decoded = [windows.decode_window(c, model, bits=16, precision=12, reading="delay") for c in delay]
    assert [s for part in decoded for s in part] == text
