"""Files appear whole or not at all."""

import errno
import os
import stat
from pathlib import Path

import pytest

from laconic.errors import MissingDataError, OutputError
from laconic.records.files import open_atomic


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_was_written_is_there_at_the_end_and_not_before(tmp_path: Path) -> None:
    path = tmp_path / "out.bin"
    with open_atomic(path) as stream:
        stream.write(b"abc")
        assert not path.exists()
    assert path.read_bytes() == b"abc"
    assert names(tmp_path) == ["out.bin"]


def test_text_is_utf8_with_line_ends_as_written(tmp_path: Path) -> None:
    with open_atomic(tmp_path / "t", "w") as stream:
        stream.write("é\r\n\n")
    assert (tmp_path / "t").read_bytes() == "é\r\n\n".encode()


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("x"), OSError(errno.ENOSPC, "No space left on device")])
def test_an_interruption_leaves_what_was_there_before(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "out.bin"
    path.write_bytes(b"before")
    expected = OutputError if isinstance(error, OSError) else type(error)
    with pytest.raises(expected), open_atomic(path) as stream:
        stream.write(b"half")
        raise error
    assert path.read_bytes() == b"before"
    assert names(tmp_path) == ["out.bin"]


def test_a_full_disk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    sentence = r"cannot write .*out\.bin: No space left on device; nothing was left behind"
    with pytest.raises(OutputError, match=sentence), open_atomic(tmp_path / "out.bin") as stream:
        stream.write(b"abc")
    assert names(tmp_path) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, which is always a full disk")
def test_a_device_that_is_really_full() -> None:
    with pytest.raises(OutputError, match="No space left"), open_atomic("/dev/full") as stream:
        stream.write(b"abc")
    assert not Path("/dev/full").is_file()


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="needs /dev/null")
def test_special_files_are_written_to_and_not_replaced() -> None:
    with open_atomic("/dev/null") as stream:
        stream.write(b"abc")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


@pytest.mark.parametrize("name", ["missing/out", "file/out", "folder", "bad\0name"])
def test_places_that_cannot_be_written(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match="cannot write"), open_atomic(tmp_path / name):
        raise AssertionError("must not get here")
    assert names(tmp_path) == ["file", "folder"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="Permission denied"), open_atomic(tmp_path / "out"):
        pass


def test_errors_of_other_files_and_our_own_pass_through(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), open_atomic(tmp_path / "out"):
        (tmp_path / "input").read_bytes()
    with pytest.raises(MissingDataError), open_atomic(tmp_path / "out"):
        raise MissingDataError("the input vanished")
    assert names(tmp_path) == []


def test_links_stay_and_permissions_are_kept(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"before")
    (tmp_path / "real").chmod(0o640)
    (tmp_path / "link").symlink_to("real")
    with open_atomic(tmp_path / "link") as stream:
        stream.write(b"after")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"after"
    assert stat.S_IMODE((tmp_path / "real").stat().st_mode) == 0o640


def test_new_files_have_the_usual_permissions(tmp_path: Path) -> None:
    with open_atomic(tmp_path / "a"):
        pass
    (tmp_path / "b").write_bytes(b"")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


def test_the_longest_name_is_possible(tmp_path: Path) -> None:
    with open_atomic(tmp_path / ("n" * 255)):
        pass
    assert names(tmp_path) == ["n" * 255]
