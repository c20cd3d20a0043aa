"""Packed files are read as what is in them, and damaged ones are refused."""

import bz2
import gzip
import io
import lzma
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from laconic.errors import CorruptFileError, LaconicError, MissingDataError, MissingExtraError
from laconic.text.compressed import open_unpacked, unpacked_name

TEXT = b"".join(b"line %d\n" % number for number in range(50_000))
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "": lambda data: data,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.compress,
}


def unpack(path: Path) -> bytes:
    with open_unpacked(path) as stream:
        return stream.read()


@pytest.mark.parametrize("suffix", PACKERS)
@pytest.mark.parametrize("text", [b"", b"x", TEXT, b"\xff\x00\xfe"], ids=["empty", "one", "long", "binary"])
def test_unpacking(tmp_path: Path, suffix: str, text: bytes) -> None:
    path = tmp_path / f"t.txt{suffix}"
    path.write_bytes(PACKERS[suffix](text))
    assert unpack(path) == text
    with open_unpacked(path) as stream:
        assert b"".join(stream) == text, "line by line"
    assert unpacked_name(path) == "t.txt"


@pytest.mark.parametrize("suffix", PACKERS)
def test_several_packed_parts_in_a_row_are_one(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"t{suffix}"
    path.write_bytes(PACKERS[suffix](TEXT) + PACKERS[suffix](b"") + PACKERS[suffix](b"end"))
    assert unpack(path) == TEXT + b"end"


@pytest.mark.parametrize("suffix", [suffix for suffix in PACKERS if suffix])
@pytest.mark.parametrize("kept", [3, 20, -1, -10])
def test_a_file_that_is_cut_short_is_refused(tmp_path: Path, suffix: str, kept: int) -> None:
    path = tmp_path / f"t{suffix}"
    path.write_bytes(PACKERS[suffix](TEXT)[:kept])
    with pytest.raises(CorruptFileError, match=rf"t{suffix} is not a whole {suffix} file"):
        unpack(path)


@pytest.mark.parametrize("suffix", [suffix for suffix in PACKERS if suffix])
def test_another_format_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"t{suffix}"
    path.write_bytes(b"this is no packed file at all")
    with pytest.raises(CorruptFileError, match="is not a whole"):
        unpack(path)


@pytest.mark.parametrize("suffix", [suffix for suffix in PACKERS if suffix])
def test_damage_never_escapes_as_another_error(tmp_path_factory: pytest.TempPathFactory, suffix: str) -> None:
    packed = PACKERS[suffix](TEXT[:5000])
    path = tmp_path_factory.mktemp("damage") / f"t{suffix}"

    @given(st.integers(0, len(packed) - 1), st.integers(1, 255))
    def flip(at: int, difference: int) -> None:
        damaged = bytearray(packed)
        damaged[at] ^= difference
        path.write_bytes(damaged)
        try:
            unpack(path)
        except LaconicError as error:
            assert str(path) in str(error)

    flip()


def test_a_hostile_zst_file_does_not_fill_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zst"
    path.write_bytes(zstandard.compress(bytes(1 << 30)))
    with open_unpacked(path) as stream:
        assert stream.read(10) == bytes(10)


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match=r"cannot read .*gone\.txt: No such file"):
        unpack(tmp_path / "gone.txt")
    with pytest.raises(MissingDataError, match="Is a directory"):
        unpack(tmp_path)


def test_a_read_that_fails_midway_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Vanishing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "open", lambda *_, **__: Vanishing(b"x"))
    with pytest.raises(MissingDataError, match=r"cannot read .*: Input/output error"):
        unpack(tmp_path / "t.txt")


def test_zst_without_its_package_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "t.zst").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(MissingExtraError, match=r"laconic\[zstd\]"):
        unpack(tmp_path / "t.zst")
