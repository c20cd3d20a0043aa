"""`laconic compress`: files, pipes, the choice of the model, and every way it can fail."""

import io
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import laconic
from laconic.archive.choice import LARGE_INPUT
from laconic.bytelm.files import ModelFile
from laconic.bytelm.registry import load_byte_lm
from laconic.cli.main import main
from laconic.errors import MissingExtraError

TEXT = b"It was the best of times, it was the worst of times. " * 40


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "book.txt"
    path.write_bytes(TEXT)
    return path


def test_the_default_output_and_what_is_said(book: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compress", str(book)]) == 0
    packed = book.with_name("book.txt.lac")
    assert laconic.decompress(packed.read_bytes()) == TEXT == book.read_bytes()
    said = capsys.readouterr().out
    assert f"{len(TEXT):,} bytes became {packed.stat().st_size:,}" in said and "bits/byte" in said


def test_json(book: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = book.with_name("out")
    assert main(["compress", str(book), "-o", str(out), "--json", "--precision", "16", "--model", "uniform"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["output"] == str(out) and data["text_bytes"] == len(TEXT) and data["file_bytes"] == out.stat().st_size
    assert data["precision"] == 16 and data["model"] == f"{load_byte_lm('uniform').fingerprint:016x}"


def test_an_empty_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").touch()
    assert main(["compress", str(tmp_path / "empty")]) == 0
    assert laconic.decompress((tmp_path / "empty.lac").read_bytes()) == b""


def test_an_output_that_exists_is_kept(book: Path, capsys: pytest.CaptureFixture[str]) -> None:
    packed = book.with_name("book.txt.lac")
    packed.write_bytes(b"precious")
    assert main(["compress", str(book)]) == 1
    assert "--force" in capsys.readouterr().err and packed.read_bytes() == b"precious"
    assert main(["compress", str(book), "--force"]) == 0
    assert laconic.decompress(packed.read_bytes()) == TEXT


@pytest.mark.parametrize(
    "words, code, said",
    [
        (["missing.txt"], 1, "No such file"),
        (["."], 1, "directory"),
        (["book.txt", "-o", "no/where"], 1, "choose a folder"),
        (["book.txt", "--model", "huge"], 2, "no byte model 'huge'"),
        (["book.txt", "--precision", "30"], 2, "--help"),
        (["book.txt", "--threads", "0"], 2, "threads is 0"),
        (["book.txt", "--threads", "many"], 2, "--help"),
        ([], 2, "--help"),
    ],
)
def test_failures_are_one_sentence(
    words: list[str], code: int, said: str, book: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(book.parent)
    assert main(["compress", *words]) == code
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1 and error.startswith("laconic: ")
    assert [path.name for path in book.parent.iterdir()] == ["book.txt"]


def test_the_number_of_threads_changes_nothing(tmp_path: Path) -> None:
    text, packed = tmp_path / "text", []
    text.write_bytes(b"".join(b"Line %d of a text that is long enough to share out.\n" % n for n in range(3000)))
    for count in ("1", "2"):
        command = [sys.executable, "-m", "laconic", "compress", str(text), "-o", "-", "--model", "light", "--threads", count]
        environment = os.environ | {"NUMBA_NUM_THREADS": "2"}
        packed.append(subprocess.run(command, capture_output=True, check=True, env=environment).stdout)
    assert packed[0] == packed[1] and laconic.decompress(packed[0]) == text.read_bytes()


def test_auto_does_without_a_package_that_is_missing_and_says_so(
    book: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lose_the_default_model(monkeypatch)
    assert main(["compress", str(book), "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["model"] == f"{load_byte_lm('light').fingerprint:016x}"
    assert "light model is used" in captured.err and "laconic[neural]" in captured.err and captured.err.count("\n") == 1
    assert main(["compress", str(book), "--force", "--model", "default"]) == 1
    error = capsys.readouterr().err
    assert "laconic[neural]" in error and error.count("\n") == 1
    with pytest.raises(MissingExtraError):
        laconic.compress(TEXT)


def lose_the_default_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine without torch: the default model is a transformer, and the module that reads it cannot be imported."""
    from laconic.bytelm import registry

    file = ModelFile(kind="transformer", config={}, description="", tensors={})
    monkeypatch.setitem(sys.modules, "laconic.bytelm.transformer", None)
    load = registry._load_shipped
    monkeypatch.setattr(registry, "_load_shipped", lambda name: registry._open(file) if name == "lost" else load(name))
    monkeypatch.setitem(registry.SHIPPED, "lost", registry.ShippedModel(path=Path("lost"), fingerprint=file.fingerprint))
    monkeypatch.setitem(registry.ALIASES, "default", "lost")


def test_bytes_do_not_go_to_a_terminal(book: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main(["compress", str(book), "-o", "-"]) == 2
    assert "terminal" in capsys.readouterr().err


@pytest.mark.parametrize("size, name", [(100, "default"), (LARGE_INPUT, "light")])
def test_a_pipe_is_read_ahead_to_choose_the_model(size: int, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from laconic.cli.compress import _choose

    text = bytes(size)
    model, source, known = _choose("auto", io.BytesIO(text), None, quiet=True)
    assert model.fingerprint == load_byte_lm(name).fingerprint
    assert known == (size if name == "default" else None)
    assert source.read(-1) == text


def run(*words: str, **options: object) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "laconic", *words]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, **options)  # type: ignore[call-overload, no-any-return]


def test_through_pipes_and_back() -> None:
    packed, said = run("compress", "-", stdout=subprocess.PIPE).communicate(TEXT)
    assert said == b"" and laconic.decompress(packed) == TEXT
    text, said = run("decompress", "-", stdout=subprocess.PIPE).communicate(packed)
    assert said == b"" and text == TEXT


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_one_sentence() -> None:
    with Path("/dev/full").open("wb") as full:
        process = run("compress", "-", stdout=full)
        _, said = process.communicate(TEXT)
    assert process.returncode == 1 and said.count(b"\n") == 1 and b"disk is full" in said


def test_a_reader_that_goes_away_is_one_sentence() -> None:
    process = run("compress", "-", "--model", "light", stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    _, said = process.communicate(random.Random(1).randbytes(300_000))
    assert process.returncode == 1 and said.count(b"\n") == 1 and b"went away" in said


def test_an_interrupt_leaves_nothing_behind(tmp_path: Path) -> None:
    out = tmp_path / "out.lac"
    process = run("compress", "-", "-o", str(out))
    assert process.stdin is not None and process.stderr is not None
    process.stdin.write(random.Random(1).randbytes(LARGE_INPUT + 1))
    process.stdin.flush()
    deadline = time.monotonic() + 60
    while not list(tmp_path.iterdir()) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [path.suffix for path in tmp_path.iterdir()] == [".part"]
    os.kill(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1 and said.count(b"\n") == 1 and b"stopped on request" in said
    assert list(tmp_path.iterdir()) == []
