"""Salvage: whatever happens to a few bytes, the other blocks come back, and the account of the losses is right."""

import io
import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laconic.archive.layout import Layout
from laconic.archive.places import find_index, next_frame
from laconic.archive.salvage import salvage_stream
from laconic.archive.summary import Summary
from laconic.archive.writer import compress_stream
from laconic.bytelm.base import AbstractByteLM
from laconic.bytelm.registry import load_byte_lm
from laconic.errors import CorruptFileError, FormatVersionError, LaconicError, ModelMismatchError

BLOCKS, SIZE = 10, 32


def salvage(blob: bytes, model: AbstractByteLM | None) -> tuple[bytes, Summary]:
    sink = io.BytesIO()
    summary = salvage_stream(io.BytesIO(blob), sink, model=model)
    assert summary.text_bytes == len(sink.getvalue())
    return sink.getvalue(), summary


def edges(blob: bytes) -> tuple[int, ...]:
    """Where each block begins, and where the end frame does."""
    index = find_index(io.BytesIO(blob), len(blob))
    assert index is not None
    return index.file_offsets


def without(text: bytes, *numbers: int) -> bytes:
    return b"".join(text[SIZE * n : SIZE * (n + 1)] for n in range(BLOCKS) if n not in numbers)


def test_an_undamaged_file_comes_back_whole(mixed_file: bytes, mixed_text: bytes, unigram: AbstractByteLM) -> None:
    text, summary = salvage(mixed_file, unigram)
    assert text == mixed_text and not summary.losses and not summary.notes


def test_any_changed_byte_costs_its_block_alone(mixed_file: bytes, mixed_text: bytes, unigram: AbstractByteLM) -> None:
    starts = edges(mixed_file)
    for place in range(starts[0], starts[-1]):
        damaged = bytearray(mixed_file)
        damaged[place] ^= 0x41
        number = max(n for n in range(BLOCKS) if starts[n] <= place)
        text, summary = salvage(bytes(damaged), unigram)
        assert text == without(mixed_text, number)
        assert [(loss.text_start, loss.text_stop) for loss in summary.losses] == [(SIZE * number, SIZE * (number + 1))]
        assert (summary.losses[0].file_start, summary.losses[0].file_stop) == (starts[number], starts[number + 1])


@given(lost=st.sets(st.integers(0, BLOCKS - 1), max_size=6), frames=st.booleans(), indexed=st.booleans())
def test_several_damaged_blocks(
    lost: set[int], frames: bool, indexed: bool, mixed_file: bytes, mixed_text: bytes, unigram: AbstractByteLM
) -> None:
    starts, damaged = edges(mixed_file), bytearray(mixed_file)
    for number in lost:
        damaged[starts[number] + 1 if frames else starts[number + 1] - 1] ^= 0x80
    text, summary = salvage(bytes(damaged if indexed else damaged[: starts[-1] + 14]), unigram)
    assert text == without(mixed_text, *lost)
    assert len(summary.losses) == sum(n - 1 not in lost for n in lost)
    if indexed or not frames:
        missing = {n for loss in summary.losses for n in range((loss.text_start or 0) // SIZE, (loss.text_stop or 0) // SIZE)}
        assert missing == lost


@pytest.mark.parametrize("change", ["insert", "delete"])
def test_shifted_bytes_cost_their_block_alone(
    change: str, mixed_file: bytes, mixed_text: bytes, unigram: AbstractByteLM
) -> None:
    starts = edges(mixed_file)
    for number, offset in itertools.product(range(BLOCKS), (3, 12)):
        place = starts[number] + offset
        blob = mixed_file[:place] + (b"!!" + mixed_file[place:] if change == "insert" else mixed_file[place + 1 :])
        text, summary = salvage(blob, unigram)
        assert text == without(mixed_text, number)
        assert [(loss.text_start, loss.text_stop) for loss in summary.losses] == [(SIZE * number, SIZE * (number + 1))]


def test_a_cut_file_gives_what_it_has(mixed_file: bytes, mixed_text: bytes, unigram: AbstractByteLM) -> None:
    starts = edges(mixed_file)
    for length in range(starts[0] + 1, starts[-1], 5):
        whole = sum(stop <= length for stop in starts[1:])
        text, summary = salvage(mixed_file[:length], unigram)
        assert text == mixed_text[: SIZE * whole]
        assert summary.losses[-1].text_start == SIZE * whole and summary.losses[-1].text_stop is None


def test_a_missing_beginning(mixed_file: bytes, mixed_text: bytes, unigram: AbstractByteLM) -> None:
    starts = edges(mixed_file)
    for before in (0, 4, 16, 40):
        text, summary = salvage(mixed_file[starts[4] - before :], unigram)
        assert text == without(mixed_text, *range(4 - (before == 40)))
        assert "guess" in summary.notes[0] and summary.losses


def test_a_damaged_header_is_made_up_for(mixed_file: bytes, mixed_text: bytes, unigram: AbstractByteLM) -> None:
    for place in (0, 3, 5, 8, 15):
        damaged = bytearray(mixed_file)
        damaged[place] ^= 0x80
        text, summary = salvage(bytes(damaged), unigram)
        assert "guess" in summary.notes[0]
        assert text == mixed_text and not summary.losses


def test_a_newer_version_and_the_wrong_model_are_refused(
    mixed_file: bytes, uniform: AbstractByteLM, unigram: AbstractByteLM
) -> None:
    from laconic.archive.header import short_check

    newer = mixed_file[:4] + b"\x09" + mixed_file[5:14]
    with pytest.raises(FormatVersionError):
        salvage(newer + short_check(newer) + mixed_file[16:], unigram)
    with pytest.raises(ModelMismatchError):
        salvage(mixed_file, uniform)
    with pytest.raises(CorruptFileError, match="not a single"):
        salvage(random.Random(1).randbytes(3000), unigram)


def test_missing_and_moved_blocks_show_in_the_account(mixed_file: bytes, unigram: AbstractByteLM) -> None:
    starts = edges(mixed_file)
    gone = mixed_file[: starts[2]] + mixed_file[starts[3] :]
    moved = (
        mixed_file[: starts[1]]
        + mixed_file[starts[2] : starts[3]]
        + mixed_file[starts[1] : starts[2]]
        + mixed_file[starts[3] :]
    )
    for blob in (gone, moved):
        _, summary = salvage(blob, unigram)
        assert len(summary.losses) == 1 and "moved" in summary.notes[0]


def test_what_follows_the_end_is_left_aside(
    mixed_file: bytes, mixed_text: bytes, uniform: AbstractByteLM, unigram: AbstractByteLM
) -> None:
    text, summary = salvage(mixed_file + b"more", unigram)
    assert text == mixed_text and not summary.losses and "left aside" in summary.notes[0]
    sink = io.BytesIO()
    compress_stream(io.BytesIO(b"one block"), sink, model=uniform)
    text, summary = salvage(sink.getvalue() + b"more", uniform)
    assert text == b"one block" and not summary.losses and "4 bytes" in summary.notes[0]


def test_a_lost_single_block_is_a_loss(uniform: AbstractByteLM) -> None:
    sink = io.BytesIO()
    compress_stream(io.BytesIO(b"one block"), sink, model=uniform)
    text, summary = salvage(sink.getvalue()[:-1] + b"?", uniform)
    assert text == b"" and [(loss.text_start, loss.text_stop) for loss in summary.losses] == [(0, 9)]


class Pipe(io.BytesIO):
    def seekable(self) -> bool:
        return False


def test_progress_moves_within_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("laconic.archive.coding._STEPS_PER_REPORT", 10)
    sink, told = io.BytesIO(), list[int]()
    layout = Layout(block_bytes=40, join=False)
    compress_stream(
        io.BytesIO(b"It was the age of wisdom, it was the age of foolishness, and the spring of hope"),
        sink,
        model=load_byte_lm("light"),
        layout=layout,
    )
    salvage_stream(io.BytesIO(sink.getvalue()), io.BytesIO(), model=load_byte_lm("light"), progress=told.append)
    assert told == sorted(told) and len(told) > 3 and told[-1] <= len(sink.getvalue())


def test_pipes_can_be_salvaged(mixed_file: bytes, mixed_text: bytes, unigram: AbstractByteLM) -> None:
    sink, told = io.BytesIO(), list[int]()
    salvage_stream(Pipe(mixed_file), sink, model=unigram, progress=told.append)
    assert sink.getvalue() == mixed_text and told[-1] <= len(mixed_file)


def test_random_damage_never_gives_other_text(mixed_file: bytes, mixed_text: bytes, unigram: AbstractByteLM) -> None:
    dice = random.Random(9)
    pieces = {mixed_text[SIZE * n : SIZE * (n + 1)] for n in range(BLOCKS)}
    for _ in range(150):
        damaged = bytearray(mixed_file)
        for _ in range(dice.randint(1, 6)):
            place = dice.randrange(len(damaged))
            damaged[place : place + dice.randint(0, 9)] = dice.randbytes(dice.randint(0, 9))
        try:
            text, summary = salvage(bytes(damaged), unigram)
        except LaconicError:
            continue
        found = [text[start : start + SIZE] for start in range(0, len(text), SIZE)]
        assert set(found) <= pieces and len(set(found)) == len(found)
        assert len(text) == len(mixed_text) or summary.losses
        assert next_frame(io.BytesIO(damaged), 0, len(damaged)) <= len(damaged)
