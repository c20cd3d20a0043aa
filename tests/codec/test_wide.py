import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from laconic.codec import wide

MASK = 2**128 - 1
numbers = st.integers(0, MASK)
limbs = st.integers(0, 2**64 - 1)


def split(number):
    return np.uint64(number >> 64), np.uint64(number & (2**64 - 1))


def join(pair):
    return int(pair[0]) << 64 | int(pair[1])


@given(numbers, st.integers(0, 140))
def test_shift_left(number, by):
    assert join(wide.shift_left(*split(number), np.uint64(by))) == (number << by) & MASK


@given(numbers, limbs)
def test_add(number, more):
    assert join(wide.add(*split(number), np.uint64(more))) == (number + more) & MASK


@given(numbers, st.integers(0, 140), st.integers(0, 63))
def test_top_bits(number, start, count):
    aligned = (number << start) & MASK
    assert int(wide.top_bits(*split(number), np.uint64(start), np.uint64(count))) == aligned >> (128 - count)
