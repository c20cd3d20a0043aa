import os

from laconic.cli.tokenview import comparison_table, make_visible, print_runs
from laconic.tokens.measure import Measurement
from laconic.tokens.view import Run

RUNS = [Run(ids=(5,), text="The ", size=4), Run(ids=(6, 7), text="c\n", size=2)]


def _printed(monkeypatch, capsys, runs=RUNS, bits=None, limit=64, **environment):
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    # Some libraries put another os.environ in place of the one that rich has seen.
    monkeypatch.setattr("rich.console.Console._environ", os.environ)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    print_runs("x[8]", runs, bits, limit)
    return capsys.readouterr().out


def test_bars_stand_where_there_are_no_colours(monkeypatch, capsys):
    for environment in ({}, {"NO_COLOR": "1"}, {"NO_COLOR": "1", "FORCE_COLOR": "1"}):
        said = _printed(monkeypatch, capsys, **environment)
        assert said.startswith("The │c↵\n")
        assert "\x1b[48" not in said and "\x1b[38" not in said


def test_colours_alternate_where_there_are_some(monkeypatch, capsys):
    said = _printed(monkeypatch, capsys, FORCE_COLOR="1", COLORTERM="truecolor", TERM="xterm")
    assert "│" not in said and said.count("\x1b[30;48;2;") >= 2
    assert "158;203;255" in said and "255;213;138" in said


def test_ids_and_bits_are_listed(monkeypatch, capsys):
    said = _printed(monkeypatch, capsys, bits=8)
    assert "x[8]: 6 symbols, 3 ids, 2.00 per id" in said
    assert "6 7  00000110 00000111  c↵" in said
    assert "and 1 more" in _printed(monkeypatch, capsys, limit=1)


def test_no_text_steers_the_terminal():
    assert make_visible("a\tb\x1b[31m\r\n") == "a⇥b<U+001B>[31m<U+000D>↵\n"


def test_a_table_has_a_line_for_each():
    row = Measurement(
        name="bytes", vocab_size=257, text_bytes=10, tokens=10, encode_seconds=1, decode_seconds=1, lossless=False
    )
    lines = comparison_table([row, row]).splitlines()
    assert len(lines) == 4 and len(set(map(len, lines))) == 1
    assert lines[2].split() == ["bytes", "257", "1.000", "0.999", "0.00", "0.00", "no"]
