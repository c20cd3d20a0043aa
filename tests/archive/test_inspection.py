"""Looking at a file without decoding it."""

import io

import pytest

from laconic.archive.inspection import inspect_stream
from laconic.archive.places import find_index
from laconic.archive.writer import compress_stream
from laconic.bytelm.base import AbstractByteLM
from laconic.errors import CorruptFileError


def test_what_the_writer_said_is_what_is_seen(mixed_file: bytes, mixed_text: bytes, unigram: AbstractByteLM) -> None:
    summary = inspect_stream(io.BytesIO(mixed_file))
    assert summary.model == f"{unigram.fingerprint:016x}" and summary.precision == 14
    assert (summary.blocks, summary.text_bytes, summary.file_bytes) == (10, len(mixed_text), len(mixed_file))
    assert {kind: total.blocks for kind, total in summary.kinds.items()} == {"coded": 4, "xz": 3, "raw": 3}
    assert not summary.notes and not summary.losses


@pytest.mark.parametrize("text", [b"", b"a", b"one block only"])
def test_empty_and_single_files(text: bytes, uniform: AbstractByteLM) -> None:
    sink = io.BytesIO()
    written = compress_stream(io.BytesIO(text), sink, model=uniform)
    assert inspect_stream(sink) == written


def test_damage_that_shows_is_passed_over_and_told(mixed_file: bytes) -> None:
    index = find_index(io.BytesIO(mixed_file), len(mixed_file))
    assert index is not None
    damaged = bytearray(mixed_file)
    damaged[0] = 0
    damaged[index.file_offsets[4] + 1] ^= 1
    summary = inspect_stream(io.BytesIO(bytes(damaged)))
    assert summary.blocks == 9 and summary.model == ""
    assert [(loss.text_start, loss.text_stop) for loss in summary.losses] == [(128, 160)]
    assert "not a file that laconic compressed" in summary.notes[0]


def test_cut_and_extended_files(mixed_file: bytes) -> None:
    assert inspect_stream(io.BytesIO(mixed_file[:100])).losses[-1].text_stop is None
    assert "follow the end" in inspect_stream(io.BytesIO(mixed_file + b"more")).notes[0]


def test_other_files_are_refused() -> None:
    for blob in (b"", b"plain text", bytes(1000)):
        with pytest.raises(CorruptFileError, match="not a file that laconic compressed"):
            inspect_stream(io.BytesIO(blob))
