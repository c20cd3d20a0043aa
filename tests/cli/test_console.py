"""Results go to standard output, all else to standard error."""

import io
import json
import logging

import pytest
from rich.console import Console

from laconic.cli import console


def test_results_for_people_and_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    console.print_result({"bytes": 3}, False, "three bytes")
    assert capsys.readouterr().out == "three bytes\n"
    console.print_result({"bytes": 3, "name": "é"}, True, "three bytes")
    assert json.loads(capsys.readouterr().out) == {"bytes": 3, "name": "é"}
    console.print_result({}, False, "aside", to_stderr=True)
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "aside\n")


@pytest.mark.parametrize("total", [None, 10])
def test_the_bar_can_always_be_told(total: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    with console.progress_bytes("working", total) as tell:
        tell(5)
    screen = io.StringIO()
    monkeypatch.setattr(console, "err", Console(file=screen, force_terminal=True, width=80))
    with console.progress_bytes("working", total) as tell:
        tell(5)
        tell(10)
    assert "working" in screen.getvalue()
    with console.progress_bytes("hidden", total, quiet=True) as tell:
        tell(5)
    assert "hidden" not in screen.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
def test_remarks_of_the_library_are_shown_to_people_only(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    remarks = logging.getLogger("laconic")
    monkeypatch.setattr(remarks, "handlers", [])
    monkeypatch.setattr(remarks, "level", remarks.level)
    screen = io.StringIO()
    monkeypatch.setattr(console, "err", Console(file=screen, force_terminal=terminal, width=80))
    console.show_remarks()
    console.show_remarks()
    logging.getLogger("laconic.anything").info("a remark")
    assert screen.getvalue().strip() == ("laconic: a remark" if terminal else "")
