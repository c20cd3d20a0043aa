import numpy as np
import pytest

from laconic.errors import CorruptFileError
from laconic.tokens.pieces import PieceTable

_TABLE = PieceTable([b"ab", [256], b"", b"cde"])


def test_pieces_are_joined_in_order():
    assert _TABLE.join(np.array([3, 2, 0, 1], np.int32)).tolist() == [*b"cdeab", 256]
    assert _TABLE.join(np.zeros(0, np.int32)).tolist() == []
    assert _TABLE.lengths(np.array([0, 1, 2, 3], np.int32)).tolist() == [2, 1, 0, 3]


@pytest.mark.parametrize("wrong", [-1, 4])
def test_ids_out_of_range_are_refused(wrong):
    with pytest.raises(CorruptFileError, match=f"id {wrong} "):
        _TABLE.join(np.array([0, wrong], np.int32))
