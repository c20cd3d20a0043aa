"""Strict reading: the text, or one sentence that says what is wrong and where."""

import io
import itertools
import random

import pytest

from laconic.archive.frames import End, Frame, parse_frame
from laconic.archive.header import HEADER_BYTES, parse_header, short_check
from laconic.archive.layout import Layout
from laconic.archive.reader import read_stream
from laconic.archive.summary import Summary
from laconic.archive.writer import compress_stream
from laconic.bytelm.base import AbstractByteLM
from laconic.errors import CorruptFileError, FormatVersionError, LaconicError, ModelMismatchError


def unpack(blob: bytes, model: AbstractByteLM | None) -> tuple[bytes, Summary]:
    sink = io.BytesIO()
    summary = read_stream(io.BytesIO(blob), sink, model=model)
    return sink.getvalue(), summary


def frames_of(blob: bytes) -> list[tuple[int, Frame | End, int]]:
    """Offset, frame and offset after the frame, of each."""
    found, offset = [], HEADER_BYTES
    while True:
        frame, after = parse_frame(blob, offset)
        found.append((offset, frame, after))
        if isinstance(frame, End):
            return found
        offset = after + frame.payload_length


def test_all_kinds_of_blocks(mixed_text: bytes, mixed_file: bytes, unigram: AbstractByteLM) -> None:
    text, summary = unpack(mixed_file, unigram)
    assert text == mixed_text and not summary.notes and not summary.losses
    assert (summary.blocks, summary.file_bytes) == (10, len(mixed_file))
    assert {kind: total.blocks for kind, total in summary.kinds.items()} == {"coded": 4, "xz": 3, "raw": 3}


def test_the_wrong_model_is_refused_before_the_first_byte(mixed_file: bytes, uniform: AbstractByteLM) -> None:
    for model in (uniform, None):
        sink = io.BytesIO()
        with pytest.raises(ModelMismatchError):
            read_stream(io.BytesIO(mixed_file), sink, model=model)
        assert sink.getvalue() == b""


def test_a_newer_version_is_refused(mixed_file: bytes, unigram: AbstractByteLM) -> None:
    body = mixed_file[:4] + b"\x02" + mixed_file[5:14]
    with pytest.raises(FormatVersionError, match="version 2"):
        unpack(body + short_check(body) + mixed_file[16:], unigram)


def test_damage_names_block_offset_and_way_out(mixed_file: bytes, mixed_text: bytes, unigram: AbstractByteLM) -> None:
    for number, (offset, _, after) in enumerate(frames_of(mixed_file)[:-1]):
        for place in (offset + 1, after):
            sink = io.BytesIO()
            damaged = bytearray(mixed_file)
            damaged[place] ^= 0x10
            with pytest.raises(CorruptFileError, match=f"block {number} at byte {offset} .*--salvage"):
                read_stream(io.BytesIO(bytes(damaged)), sink, model=unigram)
            assert mixed_text.startswith(sink.getvalue())


def test_every_cut_is_noticed(mixed_file: bytes, mixed_text: bytes, unigram: AbstractByteLM) -> None:
    *_, (_, _, end) = frames_of(mixed_file)
    for length in range(0, len(mixed_file), 3):
        if length < end:
            with pytest.raises(CorruptFileError):
                unpack(mixed_file[:length], unigram)
        else:
            text, summary = unpack(mixed_file[:length], unigram)
            assert text == mixed_text
            assert length == end or "index" in summary.notes[0]


def test_a_cut_single_block_is_noticed(uniform: AbstractByteLM) -> None:
    sink = io.BytesIO()
    compress_stream(io.BytesIO(b"one block only"), sink, model=uniform)
    blob = sink.getvalue()
    assert parse_header(blob).single
    for length in range(len(blob)):
        with pytest.raises(CorruptFileError):
            unpack(blob[:length], uniform)


def test_what_follows_the_end_is_refused_with_its_place(
    mixed_file: bytes, uniform: AbstractByteLM, unigram: AbstractByteLM
) -> None:
    with pytest.raises(CorruptFileError, match=f"complete after {len(mixed_file)} bytes, but something else follows"):
        unpack(mixed_file + b"\n", unigram)
    with pytest.raises(CorruptFileError, match=f"complete after {len(mixed_file)} bytes, but another compressed file follows"):
        unpack(mixed_file * 2, unigram)
    sink = io.BytesIO()
    compress_stream(io.BytesIO(b"one block only"), sink, model=uniform)
    with pytest.raises(CorruptFileError, match="another compressed file"):
        unpack(sink.getvalue() * 2, uniform)


def test_a_damaged_index_costs_a_remark_only(mixed_file: bytes, mixed_text: bytes, unigram: AbstractByteLM) -> None:
    text, summary = unpack(mixed_file[:-10] + b"0123456789", unigram)
    assert text == mixed_text and "the index" in summary.notes[0]


def test_missing_doubled_and_moved_blocks_are_noticed(mixed_file: bytes, unigram: AbstractByteLM) -> None:
    frames = frames_of(mixed_file)
    pieces = [mixed_file[start:stop] for (start, *_), (stop, *_) in itertools.pairwise(frames)]
    head, tail = mixed_file[:HEADER_BYTES], mixed_file[frames[-1][0] :]
    for changed in (pieces[1:], pieces[:1] + pieces, [pieces[3], *pieces[1:3], pieces[0], *pieces[4:]]):
        with pytest.raises(CorruptFileError, match="announced"):
            unpack(head + b"".join(changed) + tail, unigram)


def test_progress_is_told_in_bytes_of_the_file(mixed_file: bytes, unigram: AbstractByteLM) -> None:
    told: list[int] = []
    read_stream(io.BytesIO(mixed_file), io.BytesIO(), model=unigram, progress=told.append)
    assert told == sorted(told) and told[-1] <= len(mixed_file)


def mutate(blob: bytes, dice: random.Random) -> bytes:
    """A few changed, inserted or lost bytes; half of the time a frame is changed and given the right check again."""
    changed = bytearray(blob)
    if dice.random() < 0.5:
        offset, _, after = dice.choice(frames_of(blob) if not parse_header(blob).single else [(16, *parse_frame(blob, 16))])
        changed[dice.randrange(offset, after - 2)] = dice.randrange(256)
        changed[after - 2 : after] = short_check(bytes(changed[offset : after - 2]))
    for _ in range(dice.randint(0, 2)):
        place = dice.randrange(len(changed))
        match dice.randrange(4):
            case 0 | 1:
                changed[place] ^= 1 << dice.randrange(8)
            case 2:
                del changed[place : place + dice.randint(1, 40)]
            case _:
                changed[place:place] = dice.randbytes(dice.randint(1, 4))
    return bytes(changed)


def test_five_thousand_mutated_files_give_the_text_or_our_error(
    mixed_file: bytes, mixed_text: bytes, uniform: AbstractByteLM, unigram: AbstractByteLM
) -> None:
    dice = random.Random(11)
    samples = [(mixed_file, mixed_text, unigram)]
    for text in (b"a single short block", b"", dice.randbytes(90)):
        sink = io.BytesIO()
        compress_stream(io.BytesIO(text), sink, model=uniform, precision=12, layout=Layout(block_bytes=50))
        samples.append((sink.getvalue(), text, uniform))
    outcomes = {"same": 0, "refused": 0}
    for _ in range(5000):
        blob, text, model = dice.choice(samples)
        try:
            found, _ = unpack(mutate(blob, dice) if blob[16] != 0xFE else mutate_plain(blob, dice), model)
        except LaconicError:
            outcomes["refused"] += 1
            continue
        assert found == text
        outcomes["same"] += 1
    assert outcomes["refused"] > 3000 and outcomes["same"] > 100


def mutate_plain(blob: bytes, dice: random.Random) -> bytes:
    changed = bytearray(blob)
    changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
    return bytes(changed)
