import itertools
import re
from collections.abc import Callable
from pathlib import Path

import pytest

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


def test_the_script_is_one_for_all_views() -> None:
    assert "dataset.from" in SCRIPT and '"source"' in SCRIPT
    assert "http" not in SCRIPT and "eval" not in SCRIPT


@pytest.mark.browser
def test_pointing_and_arrow_keys_choose_a_token(tmp_path: Path, browse: Callable[..., tuple[str, list[str]]]) -> None:
    page = tmp_path / "page.html"
    steps = """
      const box = document.querySelector(".tokens");
      const press = (key, more) => box.dispatchEvent(new KeyboardEvent("keydown", { key, ...more }));
      box.children[1].dispatchEvent(new PointerEvent("pointermove", { bubbles: true }));
      for (let i = 0; i < 9; i++) press("ArrowRight");
      press("ArrowLeft");
      press("ArrowLeft", { altKey: true });
      press("Home");
    """
    view = token_view("bytes", [(letter, str(ord(letter))) for letter in "abcd"])
    page.write_text(f'<meta charset="utf-8"><body>{view}<script>{SCRIPT}</script><script>{steps}</script>', encoding="utf-8")
    elements, console = browse(page, "--dump-dom")
    assert console == []
    assert re.findall(r'class="[^"]*chosen[^"]*"[^>]*>(\w)</span>', elements) == ["c"]
    assert '<p class="readout" aria-live="polite">token 3 of 4, \u201cc\u201d: id 99</p>' in elements
