"""Progress goes to standard error, and only where somebody looks."""

import sys

import pytest
from rich.console import Console

from laconic.cli import bars


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with bars.training_bar("work", quiet=True) as tell:
        tell(1, 2, "words")
    assert capsys.readouterr() == ("", "")


def test_without_a_terminal_there_is_a_line_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bars, "_SECONDS_BETWEEN_LINES", 0.0)
    with bars.training_bar("work") as tell:
        tell(1_500_000, 3_000_000, "step 1/2")
    out, err = capsys.readouterr()
    assert out == ""
    assert "work: 1.5 of 3.0 MB, step 1/2" in err


def test_counts_are_shown_on_a_terminal_alone(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with bars.counting_bar("compiling", 7) as tell:
        tell(3)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(bars, "err", Console(file=sys.stderr, force_terminal=True, width=80))
    with bars.counting_bar("compiling", 7, quiet=True) as tell:
        tell(3)
    assert capsys.readouterr() == ("", "")
    with bars.counting_bar("compiling", 7) as tell:
        tell(7)
    out, said = capsys.readouterr()
    assert out == "" and "compiling" in said and "7/7" in said
