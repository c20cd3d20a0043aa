"""Plain text of any length and any bytes becomes documents that fit into memory."""

import gzip
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laconic.text import plain
from laconic.text.plain import cut_pieces, read_plain, read_plain_part
from laconic.text.splits import SPLITS


@given(st.binary(max_size=200), st.integers(4, 20))
def test_pieces_together_are_the_text(text: bytes, piece_bytes: int) -> None:
    pieces = list(cut_pieces(io.BytesIO(text), piece_bytes=piece_bytes))
    assert b"".join(pieces) == text
    assert all(1 <= len(piece) <= piece_bytes for piece in pieces)


@given(st.binary(max_size=100), st.integers(0, 120), st.integers(4, 20))
def test_a_limit_is_a_prefix(text: bytes, size: int, piece_bytes: int) -> None:
    assert b"".join(cut_pieces(io.BytesIO(text), size, piece_bytes=piece_bytes)) == text[:size]


def test_pieces_end_at_lines() -> None:
    assert list(cut_pieces(io.BytesIO(b"aa\nbb\nccc\nd"), piece_bytes=7)) == [b"aa\nbb\n", b"ccc\nd"]


@given(st.text(alphabet="aé€😀", max_size=60), st.integers(4, 20))
def test_pieces_without_lines_end_at_characters(text: str, piece_bytes: int) -> None:
    for piece in cut_pieces(io.BytesIO(text.encode()), piece_bytes=piece_bytes):
        piece.decode()


def test_a_stream_that_gives_little_at_a_time() -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size or 1, 3))

    assert b"".join(cut_pieces(Slow(b"some text\n" * 9), piece_bytes=16)) == b"some text\n" * 9


def test_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.txt.gz"
    path.write_bytes(gzip.compress(b"\xff\x00\n" * 10))
    assert list(read_plain(path)) == [b"\xff\x00\n" * 10]
    monkeypatch.setattr(plain, "PIECE_BYTES", 8)
    (tmp_path / "empty").write_bytes(b"")
    assert list(read_plain(tmp_path / "empty")) == []


@pytest.mark.parametrize("text", [b"", b"x", b"0123456\n" * 1000, b"no line end" * 50], ids=["empty", "one", "lines", "line"])
def test_parts_of_a_file_are_a_partition(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "t.txt.gz"
    path.write_bytes(gzip.compress(text))
    parts = [b"".join(read_plain_part(path, split)) for split in SPLITS]
    assert b"".join(parts) == text
    assert len(parts[0]) >= 0.9 * len(text)
