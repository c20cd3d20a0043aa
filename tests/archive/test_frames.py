"""Frames: they come back, their damage shows, and no claim is believed that the format does not allow."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laconic.archive.frames import (
    BLOCK_KINDS,
    MAX_END_BYTES,
    MAX_FRAME_BYTES,
    MAX_TEXT,
    End,
    Frame,
    Kind,
    most_symbols,
    parse_frame,
)
from laconic.archive.header import Header, parse_header, short_check
from laconic.archive.varint import MAX_NUMBER, write_number
from laconic.codec.arithmetic import Encoder
from laconic.errors import CorruptFileError, LaconicError


@st.composite
def frames(draw: st.DrawFn) -> Frame:
    kind = draw(st.sampled_from(BLOCK_KINDS))
    text = draw(st.integers(1, MAX_TEXT[kind.label]))
    payload = text if kind == Kind.RAW else draw(st.integers(text // 1000, text - 1))
    return Frame(kind=kind, text_length=text, payload_length=payload, checksum=draw(st.integers(0, 2**32 - 1)))


ends = st.builds(
    End, blocks=st.integers(0, MAX_NUMBER), text_length=st.integers(0, MAX_NUMBER), checksum=st.integers(0, 2**64 - 1)
)


@given(frames() | ends, st.binary(max_size=4), st.binary(max_size=40))
def test_round_trip_at_any_offset(frame: Frame | End, before: bytes, after: bytes) -> None:
    packed = frame.pack()
    assert len(packed) <= (MAX_END_BYTES if isinstance(frame, End) else MAX_FRAME_BYTES)
    assert parse_frame(before + packed + after, len(before)) == (frame, len(before) + len(packed))


@given(frames() | ends, st.data())
def test_every_cut_is_noticed(frame: Frame | End, data: st.DataObject) -> None:
    packed = frame.pack()
    with pytest.raises(CorruptFileError):
        parse_frame(packed[: data.draw(st.integers(0, len(packed) - 1))])


def claim(kind: int, text: int, payload: int) -> bytes:
    body = bytes([kind]) + write_number(text) + write_number(payload) + bytes(4)
    return body + short_check(body)


@pytest.mark.parametrize(
    "kind, text, payload",
    [
        (Kind.CODED, 0, 0),
        (Kind.CODED, (1 << 18) + 1, 1 << 17),
        (Kind.CODED, 100, 100),
        (Kind.XZ, (1 << 22) + 1, 100),
        (Kind.XZ, 10, 11),
        (Kind.RAW, (1 << 22) + 1, (1 << 22) + 1),
        (Kind.RAW, 10, 9),
        (Kind.RAW, 1 << 62, 1 << 62),
    ],
)
def test_claims_beyond_the_format_are_refused_though_their_check_is_right(kind: int, text: int, payload: int) -> None:
    with pytest.raises(CorruptFileError, match="claims"):
        parse_frame(claim(kind, text, payload))


@pytest.mark.parametrize("precision", [12, 16, 20, 24])
def test_a_code_of_the_likeliest_symbols_is_never_longer_than_believed(precision: int) -> None:

    symbols = 200_000
    starts_BT, stops_BT = np.zeros((1, symbols), np.uint32), np.full((1, symbols), (1 << precision) - 255, np.uint32)
    encoder = Encoder(1, precision)
    encoder.push(starts_BT, stops_BT, np.array([symbols]))
    ((code, _),) = encoder.finish()
    assert symbols <= most_symbols(len(code), precision)


def mutate(data: bytes, dice: random.Random) -> bytes:
    """Change, insert, drop, double or cut, one to four times."""
    changed = bytearray(data)
    for _ in range(dice.randint(1, 4)):
        place = dice.randrange(len(changed) + 1)
        match dice.randrange(5):
            case 0:
                changed[place : place + 1] = bytes([dice.randrange(256)])
            case 1:
                changed[place:place] = dice.randbytes(dice.randint(1, 3))
            case 2:
                del changed[place : place + dice.randint(1, 3)]
            case 3:
                changed[place:place] = changed[place : place + 4]
            case _:
                del changed[place:]
    return bytes(changed)


def repair(data: bytes) -> bytes:
    """Give mutated bytes the right check, so that what lies behind the check is reached."""
    return data[:-2] + short_check(data[:-2])


def test_a_hundred_thousand_mutated_headers_and_frames_parse_or_raise_our_error() -> None:
    dice = random.Random(20)
    header = Header(fingerprint=0x0123456789ABCDEF, precision=20, single=False).pack()
    seeds = [claim(kind, text, payload) for kind in BLOCK_KINDS for text, payload in ((5, 4), (65536, 20000), (300, 300))]
    seeds += [End(blocks=3, text_length=99, checksum=7).pack()]
    parsed = 0
    for turn in range(50_000):
        mutated = mutate(dice.choice(seeds), dice)
        mutated = repair(mutated) if turn % 2 else mutated
        try:
            frame, after = parse_frame(mutated)
        except LaconicError:
            continue
        parsed += 1
        assert frame.pack() == mutated[:after]
        if isinstance(frame, Frame):
            assert frame.payload_length <= frame.text_length <= MAX_TEXT[frame.kind.label]
    for turn in range(50_000):
        mutated = mutate(header, dice)
        mutated = repair(mutated[:16]) if turn % 2 else mutated
        try:
            found = parse_header(mutated)
        except LaconicError:
            continue
        parsed += 1
        assert found.pack() == mutated[:16]
    assert parsed > 5000, "the mutations never get past the checks, so that they test nothing"
