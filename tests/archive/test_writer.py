"""Writing: one form for each text, the smallest of three, within the bound, in bounded memory."""

import io
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laconic.archive.frames import Kind
from laconic.archive.header import HEADER_BYTES, parse_header
from laconic.archive.layout import Layout
from laconic.archive.ports import ByteSource
from laconic.archive.reader import read_stream
from laconic.archive.summary import Summary
from laconic.archive.writer import choose_blocks, compress_stream, read_batches
from laconic.bytelm.base import AbstractByteLM

LETTERS = b" etaoinshrdlcumwfgypbvk"


def pack(text: bytes, model: AbstractByteLM, layout: Layout | None = None) -> tuple[bytes, Summary]:
    sink = io.BytesIO()
    summary = compress_stream(io.BytesIO(text), sink, model=model, precision=16, layout=layout)
    assert summary.file_bytes == len(sink.getvalue()) and summary.text_bytes == len(text)
    return sink.getvalue(), summary


@given(text=st.binary(max_size=200), block=st.integers(1, 60), batch=st.integers(1, 90))
def test_round_trip_with_any_layout(text: bytes, block: int, batch: int, unigram: AbstractByteLM) -> None:
    packed, _ = pack(text, unigram, Layout(block_bytes=block, batch_bytes=batch))
    back = io.BytesIO()
    read_stream(io.BytesIO(packed), back, model=unigram)
    assert back.getvalue() == text


@pytest.mark.parametrize("size", [0, 1, 2, 100, 4096, 16384, 16385, 24_000, 32_769, 100_000, 1_000_000])
def test_noise_grows_by_a_thousandth_and_64_bytes_at_most(size: int, unigram: AbstractByteLM) -> None:
    packed, _ = pack(random.Random(size).randbytes(size), unigram)
    assert len(packed) <= size * 1.001 + 64


@pytest.mark.parametrize("size", [20_000, 40_000, 300_000])
def test_text_that_is_nearly_noise_keeps_to_the_same_bound(size: int, unigram: AbstractByteLM) -> None:
    dice = random.Random(size)
    for letters in (20, 60, 200):
        noise = bytearray(dice.randbytes(size))
        for start in range(0, size, 20_000):
            noise[start : start + letters] = b"e" * len(noise[start : start + letters])
        packed, _ = pack(bytes(noise), unigram)
        assert len(packed) <= size * 1.001 + 64


def test_raw_neighbours_share_a_block(unigram: AbstractByteLM) -> None:
    _, summary = pack(random.Random(2).randbytes(300_000), unigram)
    assert summary.kinds["raw"].blocks == summary.blocks <= 7


def test_a_short_text_pays_at_most_thirty_bytes_for_the_container(unigram: AbstractByteLM) -> None:
    text = bytes(random.Random(1).choices(LETTERS, [4000 // (place + 1) for place in range(len(LETTERS))], k=4096))
    packed, summary = pack(text, unigram)
    ((frame, payload),) = choose_blocks([text], unigram, 16, join=True)
    assert frame.kind == Kind.CODED and summary.kinds["coded"].blocks == 1
    assert len(packed) - len(payload) <= 30
    assert parse_header(packed).single


def test_each_block_takes_the_smallest_form(mixed_text: bytes, mixed_file: bytes, unigram: AbstractByteLM) -> None:
    blocks = choose_blocks([mixed_text[start : start + 32] for start in range(0, 320, 32)], unigram, 14, join=False)
    kinds = "".join(frame.kind.label[0] for frame, _ in blocks)
    assert kinds == "cxrccrxcrx"
    for _, payload in blocks:
        assert payload in mixed_file


def test_repetition_across_blocks_is_found(unigram: AbstractByteLM) -> None:
    piece = random.Random(4).randbytes(20_000)
    packed, summary = pack(piece * 10, unigram)
    assert summary.blocks == 1 and summary.kinds["xz"].blocks == 1
    assert len(packed) < 21_000


def test_a_file_of_one_byte_is_next_to_nothing(unigram: AbstractByteLM) -> None:
    packed, _ = pack(b"z" * 1_000_000, unigram)
    assert len(packed) < 300


class Dripping(io.BytesIO):
    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(7, size if size is not None and size >= 0 else 7))


def test_how_bytes_arrive_does_not_matter(mixed_text: bytes, mixed_file: bytes, unigram: AbstractByteLM) -> None:
    sink = io.BytesIO()
    compress_stream(Dripping(mixed_text), sink, model=unigram, precision=14, layout=Layout(block_bytes=32, join=False))
    assert sink.getvalue() == mixed_file


@given(st.binary(max_size=50), st.integers(1, 20))
def test_batches_are_the_text_and_the_last_knows_it(text: bytes, size: int) -> None:
    source: ByteSource = Dripping(text)
    batches = list(read_batches(source, size))
    assert b"".join(batch for batch, _ in batches) == text
    assert [last for _, last in batches] == [False] * (len(batches) - 1) + [True]
    assert all(len(batch) == size for batch, _ in batches[:-1])
    assert len(batches) == max(1, -(-len(text) // size))


def test_progress_is_told_in_bytes_of_text(uniform: AbstractByteLM) -> None:
    told: list[int] = []
    layout = Layout(block_bytes=10, batch_bytes=30)
    compress_stream(io.BytesIO(bytes(100)), io.BytesIO(), model=uniform, layout=layout, progress=told.append)
    assert told == sorted(told) and set(told) == {30, 60, 90, 100}


def test_progress_moves_within_a_batch(uniform: AbstractByteLM, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("laconic.archive.coding._FEWEST_AT_ONCE", 20)
    monkeypatch.setattr("laconic.archive.coding._SECONDS_AT_ONCE", 0.0)
    told: list[int] = []
    layout = Layout(block_bytes=10, batch_bytes=50)
    compress_stream(io.BytesIO(bytes(100)), io.BytesIO(), model=uniform, layout=layout, progress=told.append)
    assert told == [20, 40, 50, 50, 70, 90, 100, 100]


def test_the_header_names_model_and_precision(mixed_file: bytes, unigram: AbstractByteLM) -> None:
    header = parse_header(mixed_file[:HEADER_BYTES])
    assert (header.fingerprint, header.precision, header.single) == (unigram.fingerprint, 14, False)
