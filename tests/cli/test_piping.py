"""Files and pipes: failures are told as what they are, and nothing half-done is left behind."""

import io
import os
import sys
from pathlib import Path

import pytest

from laconic.cli.piping import open_input, open_output, put_back, refuse_terminal
from laconic.errors import LaconicError, OutputError, UsageError


def test_a_file_is_read_and_its_length_known(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"0123456789")
    with open_input(str(tmp_path / "a")) as (source, size):
        assert size == 10 and source.read(4) == b"0123" and source.seekable()
        assert source.seek(0, 2) == 10 and source.seek(2) == 2 and source.read(-1) == b"23456789"


@pytest.mark.parametrize("name, words", [("missing", "No such file"), (".", "directory")])
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(LaconicError, match=words), open_input(str(tmp_path / name)):
        pass


def test_a_file_that_shrinks_while_it_is_read_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "shrinking"
    path.write_bytes(bytes(300_000))
    with open_input(str(path)) as (source, _):
        source.read(1000)
        os.truncate(path, 100_000)
        with pytest.raises(LaconicError, match=r"ended at byte .* of 300000: it was cut while it was read"):
            while source.read(50_000):
                pass


def test_a_disk_that_fails_while_it_is_read_is_told_as_the_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(io.FileIO):
        def readinto(self, buffer: object, /) -> int:
            raise OSError(5, "Input/output error")

    (tmp_path / "a").write_bytes(b"text")
    monkeypatch.setattr("laconic.cli.piping.io.FileIO", Failing)
    with (
        open_input(str(tmp_path / "a")) as (source, _),
        pytest.raises(LaconicError, match=r"cannot go on reading .*Input/output"),
    ):
        source.read(1)


def test_outputs_appear_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt), open_output(str(path), force=False) as sink:
        sink.write(b"half")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
    with open_output(str(path), force=False) as sink:
        sink.write(b"whole")
    assert path.read_bytes() == b"whole" and list(tmp_path.iterdir()) == [path]


def test_an_output_that_exists_is_kept_unless_forced(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"precious")
    with pytest.raises(OutputError, match="--force"), open_output(str(path), force=False):
        pass
    assert path.read_bytes() == b"precious"
    with pytest.raises(ValueError, match="stop"), open_output(str(path), force=True) as sink:
        sink.write(b"half")
        raise ValueError("stop")
    assert path.read_bytes() == b"precious"
    with open_output(str(path), force=True) as sink:
        sink.write(b"new")
    assert path.read_bytes() == b"new"


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="choose a folder"), open_output(str(tmp_path / "no" / "where"), force=False):
        pass


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("laconic.records.files.os.fsync", full)
    with pytest.raises(OutputError, match="No space left"), open_output(str(tmp_path / "out"), force=False) as sink:
        sink.write(b"text")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_device_is_written_to_and_never_replaced() -> None:
    with pytest.raises(OutputError, match="No space left"), open_output("/dev/full", force=True) as sink:
        sink.write(b"text")
    assert Path("/dev/full").is_char_device()


def test_standard_output_and_terminals(capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    with open_output("-", force=False) as sink:
        sink.write(b"\x00\xff")
    assert capfdbinary.readouterr().out == b"\x00\xff"
    refuse_terminal("-")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    refuse_terminal("file")
    with pytest.raises(UsageError, match="terminal"):
        refuse_terminal("-")


def test_what_was_read_ahead_is_put_back() -> None:
    source = put_back(b"0123", io.BytesIO(b"456789"))
    assert source.read(2) == b"01" and source.read(-1) == b"23456789" and source.read(1) == b""
    assert not source.seekable()
