"""The frame of the command line: help, usage errors, failures as one sentence, exit codes."""

import errno
import os
import subprocess
import sys
from typing import Any

import pytest
import typer

from laconic import errors
from laconic.cli import main as frame

ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "LACONIC_DEBUG"}


def laconic(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "laconic", *words], capture_output=True, text=True, env=ENVIRONMENT, check=False
    )


def run_verb(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> int:
    """Run a command whose only verb fails with `error`."""
    app = typer.Typer()

    @app.callback()
    def nothing() -> None:
        """A group of one."""

    @app.command()
    def fail() -> None:
        raise error

    monkeypatch.delenv("LACONIC_DEBUG", raising=False)
    monkeypatch.setattr(frame, "build_app", lambda: app)
    return frame.main(["fail"])


def test_version_and_help() -> None:
    version = laconic("--version")
    assert (version.returncode, version.stdout) == (0, "laconic 0.1.0\n")
    shown = laconic("--help")
    assert shown.returncode == 0
    assert all(verb in shown.stdout for verb in frame.VERBS)
    assert "$ laconic compress book.txt\n" in shown.stdout


@pytest.mark.parametrize("verb", frame.VERBS)
def test_every_verb_has_a_worked_example(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert frame.main([verb, "--help"]) == 0
    text = capsys.readouterr().out
    assert "Example" in text
    assert f"$ laconic {verb}" in text
    assert "Args:" not in text


@pytest.mark.parametrize(
    ("words", "seen"),
    [(["squash"], "'squash'"), (["compress", "--colour", "a"], "--colour"), (["report"], "DIR"), (["tokenizer"], "--help")],
)
def test_misuse_is_one_sentence_and_exit_code_two(words: list[str], seen: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert frame.main(words) == frame.MISUSED
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("laconic: ") and said.err.count("\n") == 1
    assert seen in said.err and "--help" in said.err


def test_no_words_show_the_help_and_count_as_misuse(capsys: pytest.CaptureFixture[str]) -> None:
    assert frame.main([]) == frame.MISUSED
    assert "Example" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (errors.CorruptFileError("it ends too early; get it again"), 1, "it ends too early; get it again"),
        (errors.UsageError("no codec 'zap'; take one of a, b"), 2, "no codec 'zap'"),
        (errors.missing_extra("torch", "train", "training a model"), 1, "laconic[train]"),
        (KeyboardInterrupt(), 1, "stopped on request"),
        (MemoryError(), 1, "memory"),
        (OSError(errno.ENOSPC, "No space left on device", "out.bin"), 1, "the disk is full and out.bin"),
        (PermissionError(errno.EACCES, "Permission denied", "in.txt"), 1, "in.txt: Permission denied"),
        (ModuleNotFoundError("No module named 'matplotlib'", name="matplotlib"), 1, "laconic[report]"),
        (ZeroDivisionError("division by zero"), 1, "ZeroDivisionError: division by zero; please report it"),
    ],
)
def test_failures_are_one_sentence(
    error: BaseException, code: int, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_verb(monkeypatch, error) == code
    said = capsys.readouterr().err
    assert said.startswith("laconic: ") and said.count("\n") == 1
    assert words in said


def test_debugging_shows_where_it_happened(monkeypatch: pytest.MonkeyPatch) -> None:
    def build() -> Any:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(frame, "build_app", build)
    monkeypatch.setenv("LACONIC_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        frame.main([])


def test_a_reader_that_leaves_early_is_no_traceback() -> None:
    script = f"{sys.executable} -m laconic --help | true; echo ${{PIPESTATUS[0]}}"
    result = subprocess.run(["bash", "-c", script], capture_output=True, text=True, env=ENVIRONMENT, check=False)
    assert "Traceback" not in result.stderr
    assert result.stdout.strip() in {"0", "1"}


def test_help_text_keeps_examples_and_drops_arguments() -> None:
    def verb() -> None:
        """Do it.

        Long story.

        Example: do it now:

            $ laconic do it

        Args:
            none: at all.
        """

    assert frame.help_text(verb) == "Do it.\n\nLong story.\n\nExample: do it now:\n\n\b\n    $ laconic do it"
