import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laconic.training.chunks import Chunks


@given(tokens=st.integers(0, 60), length=st.integers(2, 20), size=st.integers(0, 300))
def test_every_token_and_every_byte_is_in_one_chunk(tokens: int, length: int, size: int) -> None:
    ids_N = np.arange(tokens, dtype=np.int32)
    chunks = Chunks(ids_N, size if tokens else 0, length=length, start_id=99)
    rows = [list(chunk.columns["input_ids"]) for chunk in chunks]
    assert [token for row in rows for token in row[1:]] == ids_N.tolist()
    assert all(row[0] == 99 and 2 <= len(row) <= length for row in rows) and len(rows) == len(chunks)
    assert all(len(row) == length for row in rows[:-1])
    assert sum(chunk.bytes for chunk in chunks) == (size if tokens else 0)
    assert all(list(chunk.columns["attention_mask"]) == [1] * len(row) for chunk, row in zip(chunks, rows, strict=True))


def test_a_chunk_is_found_from_both_ends_and_stretches_of_them_are_lists() -> None:
    chunks = Chunks(np.arange(7, dtype=np.int32), 14, length=4, start_id=9)
    assert chunks[-1] == chunks[2] and chunks[-1].columns["input_ids"] == [9, 6]
    assert chunks[1:] == [chunks[1], chunks[2]]
    with pytest.raises(IndexError):
        chunks[3]


def test_a_chunk_of_one_token_is_refused() -> None:
    with pytest.raises(ValueError, match="length is 1"):
        Chunks(np.zeros(3, np.int32), 3, length=1, start_id=0)
