import numpy as np
import pytest

from laconic.errors import CorruptFileError
from laconic.tokens.base import split_documents, symbols_of
from laconic.tokens.byte import ByteTokenizer


def test_documents_are_split_at_their_ends():
    symbols = np.array([256, 65, 66, 256, 256, 67], np.uint16)
    assert [part.tolist() for part in split_documents(symbols)] == [[], [65, 66], [], [67]]
    assert [part.tolist() for part in split_documents(symbols_of(b""))] == [[]]


def test_decoding_says_what_an_end_becomes():
    ids = [65, 256, 66, 256]
    assert ByteTokenizer().decode_bytes(ids) == b"AB"
    assert ByteTokenizer().decode_bytes(ids, eos=b"\n") == b"A\nB\n"
    assert ByteTokenizer().decode(ids, skip_special_tokens=False) == "A<eos>B<eos>"


def test_decoding_passes_over_padding():
    assert ByteTokenizer().decode_bytes([257, 65, 257, 257]) == b"A"


def test_text_that_is_not_utf8_decodes_as_asked():
    assert ByteTokenizer().decode([65, 0xFF]) == "A�"
    assert ByteTokenizer().decode([65, 0xFF], errors="ignore") == "A"


@pytest.mark.parametrize(
    "ids",
    [
        np.array([2**32 + 65]),
        np.array([2**64 - 1], np.uint64),
        [2**40],
        [2**70],
        [-(2**40)],
        [65.0],
        [65, 66.7],
        [float("nan")],
        [True],
    ],
)
def test_ids_are_neither_rounded_nor_wrapped_around(ids):
    with pytest.raises(CorruptFileError, match="the ids"):
        ByteTokenizer().decode_bytes(ids)


@pytest.mark.parametrize("ids", [[65], (65,), np.array([65], np.uint64), np.array([65], np.int8), [np.int64(65)]])
def test_ids_of_any_integer_type_decode(ids):
    assert ByteTokenizer().decode_bytes(ids) == b"A"


def test_no_ids_are_no_text():
    assert ByteTokenizer().decode_bytes([]) == b""
