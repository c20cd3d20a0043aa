"""The help of `laconic evaluate`; that it measures is tested with `laconic train`."""

import pytest

from laconic.cli.main import main


def test_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--help"]) == 0
    said = capsys.readouterr().out
    assert "$ laconic evaluate runs/small --corpus book.txt" in said
    assert "Bits per byte of the text, never per token" in said


@pytest.mark.parametrize(
    "words",
    [
        ["--stride", "0"],
        ["--limit-mb", "inf"],
        ["--limit-mb", "nan"],
        ["--limit-mb", "0"],
        ["--temperature", "2"],
        ["--memory-size", "0", "--memory", "long"],
        ["--memory", "far"],
        ["--tune"],
    ],
)
def test_numbers_out_of_range_are_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "nowhere", *words]) == 2
    assert words[0] in capsys.readouterr().err


def test_a_temperature_of_nothing_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "nowhere", "--memory", "local", "--temperature", "0"]) == 2
    assert "temperature is 0.0, but must be positive" in capsys.readouterr().err
