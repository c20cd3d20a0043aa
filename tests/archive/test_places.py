"""Finding one's way in a file: the next believable frame, and an index that agrees with its file."""

import io
import random

import pytest

from laconic.archive.frames import End, Frame
from laconic.archive.header import HEADER_BYTES
from laconic.archive.index import FOOTER_BYTES, Index, parse_footer
from laconic.archive.places import find_index, frame_at, next_frame, read_at, seekable
from laconic.errors import CorruptFileError


def starts_of(blob: bytes) -> list[int]:
    found, offset = [HEADER_BYTES], HEADER_BYTES
    while isinstance(step := frame_at(io.BytesIO(blob), offset, len(blob))[0], Frame):
        offset = frame_at(io.BytesIO(blob), offset, len(blob))[1] + step.payload_length
        found.append(offset)
    return found


def test_every_frame_is_found_from_anywhere_before_it(mixed_file: bytes) -> None:
    starts, source = starts_of(mixed_file), io.BytesIO(mixed_file)
    for offset in range(len(mixed_file) + 1):
        expected = min((start for start in starts if start >= offset), default=len(mixed_file))
        assert next_frame(source, offset, len(mixed_file)) == expected


def test_a_frame_is_found_across_the_pieces_of_the_search(mixed_file: bytes) -> None:
    block = mixed_file[HEADER_BYTES : starts_of(mixed_file)[1]]
    for before in range((1 << 20) - len(block) - 2, (1 << 20) + 2, 3):
        blob = bytes(before) + block
        assert next_frame(io.BytesIO(blob), 0, len(blob)) == before


def test_blocks_that_reach_beyond_the_file_are_not_believed(mixed_file: bytes) -> None:
    cut = mixed_file[: starts_of(mixed_file)[1] - 1]
    assert next_frame(io.BytesIO(cut), 0, len(cut)) == len(cut)
    with pytest.raises(CorruptFileError, match="inside the block"):
        frame_at(io.BytesIO(cut), HEADER_BYTES, len(cut))


def test_an_end_in_the_midst_of_noise_is_not_believed() -> None:
    noise = bytes(50) + End(blocks=1, text_length=5, checksum=3).pack() + bytes(50)
    assert next_frame(io.BytesIO(noise), 0, len(noise)) == len(noise)


def test_the_index_leads_to_every_block(mixed_file: bytes) -> None:
    index = find_index(io.BytesIO(mixed_file), len(mixed_file))
    assert index is not None and index.stride == 1
    assert list(index.file_offsets) == starts_of(mixed_file)
    assert list(index.text_offsets) == list(range(0, 321, 32))


def test_an_index_that_does_not_fit_its_file_is_not_used(mixed_file: bytes) -> None:
    for changed in (mixed_file[:-1], mixed_file + b"x", mixed_file[:20] + mixed_file[21:], b"", mixed_file[-30:]):
        assert find_index(io.BytesIO(changed), len(changed)) is None
    dice = random.Random(3)
    for place in range(starts_of(mixed_file)[-1], len(mixed_file)):
        changed = bytearray(mixed_file)
        changed[place] ^= dice.randint(1, 255)
        assert find_index(io.BytesIO(bytes(changed)), len(changed)) is None


class Pipe(io.BytesIO):
    def seekable(self) -> bool:
        return False


def test_a_pipe_becomes_a_file() -> None:
    with seekable(Pipe(b"0123456789")) as (source, size):
        assert size == 10 and read_at(source, 3, 4) == b"3456" and read_at(source, 8, 9) == b"89"


@pytest.mark.parametrize("steps", [(2**63 - 1, 1), (2**63 - 1, 2**63 - 1)])
def test_a_forged_index_that_points_beyond_the_file_is_not_used(mixed_file: bytes, steps: tuple[int, int]) -> None:
    length = parse_footer(mixed_file[-FOOTER_BYTES:])
    sound = mixed_file[: len(mixed_file) - FOOTER_BYTES - length]
    forged = sound + Index(stride=1, text_offsets=(0, 1), file_offsets=(steps[0], sum(steps))).pack()
    assert find_index(io.BytesIO(forged), len(forged)) is None
