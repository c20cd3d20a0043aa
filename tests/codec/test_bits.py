import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laconic.codec import bits
from laconic.errors import CorruptFileError


@given(st.binary(), st.sampled_from([8, 16]))
def test_bytes_come_back_with_at_most_one_zero_byte(data, token_bits):
    tokens = bits.bytes_to_tokens(data, token_bits)
    assert bits.tokens_to_bytes(tokens, token_bits) == data + b"\0" * (-len(data) % (token_bits // 8))


@given(st.integers(16, 128), st.sampled_from([8, 16]), st.data())
def test_codes_come_back_and_stand_in_the_stream_in_order(window_bits, token_bits, data):
    codes = data.draw(st.lists(st.integers(0, 2**window_bits - 1), max_size=20))
    limbs = np.array([[c >> 64, c & (2**64 - 1)] for c in codes], np.uint64).reshape(-1, 2)
    tokens = bits.codes_to_tokens(limbs, window_bits, token_bits)
    stream = "".join(f"{c:0{window_bits}b}" for c in codes)
    stream += "0" * (-len(stream) % token_bits)
    assert tokens.tolist() == [int(stream[i : i + token_bits], 2) for i in range(0, len(stream), token_bits)]
    assert bits.tokens_to_codes(tokens, window_bits, token_bits).tolist() == limbs.tolist()


@given(st.integers(16, 31), st.sampled_from([8, 16]), st.data())
def test_short_codes_are_the_same_tokens(window_bits, token_bits, data):
    codes = data.draw(st.lists(st.integers(0, 2**window_bits - 1), max_size=20))
    tokens = bits.short_codes_to_tokens(np.array(codes, np.int32), window_bits, token_bits)
    limbs = np.array([[0, c] for c in codes], np.uint64).reshape(-1, 2)
    assert tokens.tolist() == bits.codes_to_tokens(limbs, window_bits, token_bits).tolist()
    assert bits.tokens_to_short_codes(tokens, window_bits, token_bits).tolist() == codes


def test_missing_tokens_of_short_codes_are_noticed():
    for window_bits, count in ((16, 3), (24, 2), (24, 4)):
        with pytest.raises(CorruptFileError, match="missing"):
            bits.tokens_to_short_codes(np.ones(count, np.int32), window_bits, 8)


def test_the_papers_example():
    code = np.array([[0, 0b1111000011110011]], np.uint64)
    assert bits.codes_to_tokens(code, 16, 8).tolist() == [240, 243]


@pytest.mark.parametrize(
    ("tokens", "window_bits"), [([256], 16), ([-1], 16), ([1, 2, 3], 16), ([0, 0, 0, 1], 24), ([0, 0, 0, 0], 20)]
)
def test_foreign_tokens_are_refused(tokens, window_bits):
    with pytest.raises(CorruptFileError):
        bits.tokens_to_codes(np.array(tokens, np.int32), window_bits, 8)


def test_other_token_sizes_are_refused():
    with pytest.raises(ValueError, match="8 or 16"):
        bits.bytes_to_tokens(b"", 12)
