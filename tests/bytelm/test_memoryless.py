import numpy as np
import pytest

from laconic.bytelm.memoryless import MemorylessSession, check_alphabet, look_up_ranges, repeat_edges

EDGES_C = np.array([0, 3, 4, 16], dtype=np.uint32)


def test_the_session_says_the_same_whatever_it_reads() -> None:
    session = MemorylessSession(EDGES_C, 2)
    before = session.cumulative().copy()
    session.append(np.array([1, -1]))
    session.truncate(np.array([0, 5]))
    assert (session.cumulative() == before).all()
    assert before.tolist() == [EDGES_C.tolist()] * 2


def test_ranges_are_zero_beyond_the_lengths_whatever_the_padding() -> None:
    symbols_BT = np.array([[0, 2, 65535], [1, 65535, 65535]], dtype=np.uint16)
    starts_BT, stops_BT = look_up_ranges(EDGES_C, symbols_BT, np.array([2, 1]))
    assert starts_BT.tolist() == [[0, 4, 0], [3, 0, 0]]
    assert stops_BT.tolist() == [[3, 16, 0], [4, 0, 0]]


def test_edges_are_repeated_at_every_position() -> None:
    edges_BTC = repeat_edges(EDGES_C, np.zeros((2, 3), dtype=np.uint16))
    assert edges_BTC.shape == (2, 3, 4)
    assert (edges_BTC == EDGES_C).all()


def test_the_alphabet_ends_where_the_format_says() -> None:
    check_alphabet(np.array([0, 255]), 256)
    check_alphabet(np.zeros(0, dtype=np.int64), 256)
    with pytest.raises(ValueError, match="symbol 256 is not among the 256 symbols"):
        check_alphabet(np.array([256]), 256)
