import pytest

from laconic.codec import reference
from laconic.codec.reference import Interval

HALVES = [0, 2048, 4096]


def test_nothing_costs_nothing():
    assert reference.encode([], [], 12) == ""
    assert Interval().shortest_code() == ""


def test_a_fair_coin_costs_one_bit_and_the_pin():
    assert reference.encode([HALVES] * 3, [1, 0, 1], 12) == "1010"


def test_decode_inverts_encode():
    tables = [[0, 1, 4095, 4096]] * 6
    symbols = [1, 0, 2, 2, 1, 0]
    assert list(reference.decode(tables, reference.encode(tables, symbols, 12), 12)) == symbols


def test_every_node_but_the_root_keeps_one_unit():
    first, second = (Interval().child(HALVES, s, 12) for s in (0, 1))
    assert (first.low, first.width, second.stop >> second.shift) == (0, 2**62, 2**63)
    grandchild = second.child(HALVES, 1, 12)
    assert grandchild.stop < second.stop << (grandchild.shift - second.shift)


def test_as_many_tables_as_symbols():
    with pytest.raises(ValueError, match="zip"):
        reference.encode([HALVES], [0, 1], 12)
