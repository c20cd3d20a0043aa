import itertools
import re

from laconic.report.tokenview import COLOURS, SCRIPT, token_view


def test_neighbours_have_different_colours_and_text_stays_in_order() -> None:
    shown = token_view("bytes", [(letter, str(ord(letter))) for letter in "abcdefgh"])
    classes = re.findall(r'<span class="t(\d)"', shown)
    assert all(a != b for a, b in itertools.pairwise(classes))
    assert len(set(classes)) == COLOURS
    assert "".join(re.findall(r">(\w)</span>", shown)) == "abcdefgh"
    assert 'title="id 97"' in shown


def test_a_token_without_text_stays_visible() -> None:
    shown = token_view("windows", [("", "7"), ("ab", "8")])
    assert '<span class="t0 silent" title="id 7">\u00b7</span>' in shown


def test_everything_is_escaped() -> None:
    shown = token_view('"><b>', [("<script>", '"><i>')])
    assert "<script" not in shown
    assert "<b>" not in shown
    assert "<i>" not in shown


def test_no_tokens_no_view() -> None:
    assert token_view("bytes", []) == ""


def test_the_script_cannot_end_early_and_never_writes_markup() -> None:
    assert "</" not in SCRIPT
    assert "innerHTML" not in SCRIPT
