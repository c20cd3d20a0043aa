"""Single blocks: each comes out alone, with the index or without it."""

import io
from pathlib import Path

import pytest

from laconic.archive.access import open_block
from laconic.archive.index import MAX_PLACES
from laconic.archive.layout import Layout
from laconic.archive.writer import compress_stream
from laconic.bytelm.base import AbstractByteLM
from laconic.errors import CorruptFileError, ModelMismatchError, UsageError


@pytest.mark.parametrize("index", ["there", "damaged", "cut away"])
def test_each_block_by_itself(index: str, mixed_file: bytes, mixed_text: bytes, unigram: AbstractByteLM) -> None:
    blob = {"there": mixed_file, "damaged": mixed_file[:-9] + bytes(9), "cut away": mixed_file[:-30]}[index]
    for number in range(10):
        assert open_block(io.BytesIO(blob), number, model=unigram) == mixed_text[32 * number : 32 * (number + 1)]
    for number in (-1, 10, 11, 1 << 40):
        with pytest.raises(UsageError, match="no block"):
            open_block(io.BytesIO(blob), number, model=unigram)


def test_damage_elsewhere_does_not_matter(mixed_file: bytes, mixed_text: bytes, unigram: AbstractByteLM) -> None:
    damaged = mixed_file[:20] + b"????" + mixed_file[24:]
    assert open_block(io.BytesIO(damaged), 9, model=unigram) == mixed_text[-32:]
    with pytest.raises(CorruptFileError, match="block 0"):
        open_block(io.BytesIO(damaged), 0, model=unigram)


def test_the_model_is_checked(mixed_file: bytes, uniform: AbstractByteLM) -> None:
    with pytest.raises(ModelMismatchError):
        open_block(io.BytesIO(mixed_file), 0, model=uniform)


def test_a_file_of_one_block_and_of_none(uniform: AbstractByteLM) -> None:
    for text in (b"alone", b""):
        sink = io.BytesIO()
        compress_stream(io.BytesIO(text), sink, model=uniform)
        if text:
            assert open_block(sink, 0, model=uniform) == text
        with pytest.raises(UsageError):
            open_block(sink, len(text), model=uniform)


def test_an_index_with_gaps_leads_near_enough(tmp_path: Path, uniform: AbstractByteLM) -> None:
    blocks = MAX_PLACES + 100
    text = b"".join(number.to_bytes(2, "big") for number in range(blocks))
    with (tmp_path / "many.lac").open("w+b") as file:
        compress_stream(io.BytesIO(text), file, model=uniform, layout=Layout(block_bytes=2, join=False))
        for number in (0, 1, 2, 3, MAX_PLACES - 1, MAX_PLACES, blocks - 1):
            assert open_block(file, number, model=uniform) == number.to_bytes(2, "big")
        with pytest.raises(UsageError):
            open_block(file, blocks, model=uniform)
