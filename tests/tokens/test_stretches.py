import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from laconic.tokens.stretches import ESCAPED, find_stretches

_OUTSIDERS = re.compile(f"[{ESCAPED}▁]+")


@given(st.lists(st.integers(0, 256), max_size=80))
def test_stretches_joined_are_the_symbols(symbols):
    joined = []
    for stretch in find_stretches(np.array(symbols, np.uint16), _OUTSIDERS):
        assert stretch is None or stretch
        joined += [256] if stretch is None else list(stretch.encode() if isinstance(stretch, str) else stretch)
    assert joined == symbols


def test_text_goes_one_way_and_the_rest_another():
    symbols = np.array([*"a▁b".encode(), 256, 0xE2, 0x96, *"é".encode(), 256], np.uint16)
    assert list(find_stretches(symbols, _OUTSIDERS)) == ["a", "▁".encode(), "b", None, b"\xe2\x96", "é", None]
