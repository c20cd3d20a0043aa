import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laconic.report.memoryview import BOUNDS, LEGEND, memory_view, strength, told
from laconic.report.tokenview import SCRIPT

ANYTHING = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3))


def test_the_text_stays_in_order_and_can_be_read_without_a_script(memory_results: dict[str, Any]) -> None:
    shown = memory_view("a text", memory_results["view"])
    inside = shown[shown.index(">", shown.index("tokens memory")) + 1 : shown.index("</div>")]
    assert re.sub("<[^>]*>", "", inside) == " the cat saw the dog and the dog saw the cat"
    assert 'aria-label="Tokens of a text, and what memory gave them"' in shown
    assert "hidden" not in shown


@pytest.mark.parametrize(
    ("share", "level"),
    [(0.0, 0), (0.0499, 0), (0.05, 1), (0.25, 2), (0.5, 3), (0.75, 4), (1.0, 4), (-1, 0), (7, 4), (None, None), ("1", None)],
)
def test_the_colour_grows_with_the_share(share: object, level: int | None) -> None:
    assert strength(share) == level
    colour = "" if level is None else f' class="m{level}"'
    assert f"<span{colour} title=" in memory_view("a", [{"text": "a", "from_memory": share}])


def test_the_legend_explains_every_colour_and_mark() -> None:
    assert re.findall(r'<span class="m(\d)">([^<]*)</span>', LEGEND) == [
        ("0", "under 5 %"),
        ("1", "5 % to 25 %"),
        ("2", "25 % to 50 %"),
        ("3", "50 % to 75 %"),
        ("4", "75 % or more"),
    ]
    assert len(BOUNDS) == 4
    assert 'class="chosen"' in LEGEND and 'class="source"' in LEGEND


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"probability": 0.12}, "probability 12 %"),
        ({"probability": 0.12, "from_memory": 0.7}, "probability 12 %, of which 70 % from memory"),
        ({"from_memory": 0.7, "gate": 0.4}, "70 % of its probability from memory; gate 40 %"),
        ({"gate": 0, "sources": [[1, 0.5]]}, "gate 0 %; sources: 1 token back (50 %)"),
        ({"sources": [[17, 0.5], [10_300, 0.2]]}, "sources: 17 tokens back (50 %), 10,300 tokens back (20 %)"),
        ({"gate": "<b>", "sources": "ab"}, "nothing is recorded"),
        ({}, "nothing is recorded"),
    ],
)
def test_what_is_known_is_told_in_words(row: dict[str, Any], words: str) -> None:
    assert told(row) == words
    assert f'title="{words}"' in memory_view("a", [row])


def test_only_sources_within_the_view_are_counted_back_to() -> None:
    rows = [{"text": letter, "sources": [[2, 0.4], [1, 0.3], [3, 0.2]]} for letter in "abcd"]
    assert re.findall(r'(?: data-from="([^"]*)")?>([abcd])</span>', memory_view("a", rows)) == [
        ("", "a"),
        ("1", "b"),
        ("2 1", "c"),
        ("2 1 3", "d"),
    ]


def test_spaces_before_a_word_take_no_colour() -> None:
    shown = memory_view("a", [{"text": "  the"}, {"text": "  "}, {"text": " \n"}, {"text": ""}, {"text": None}, {}])
    assert ">  <span" in shown and ">the</span>" in shown
    assert ">  </span>" in shown
    assert ' <span title="nothing is recorded">\u21b5\n</span>' in shown
    assert shown.count(">\u00b7</span>") == 3


def test_everything_is_escaped() -> None:
    shown = memory_view('"><b>', [{"text": "<script>", "probability": '"><i>', "sources": [['"><u>', 1]]}])
    assert not re.search("<(script|b|i|u)>", shown)


def test_no_tokens_no_view() -> None:
    assert memory_view("a", []) == ""


@given(st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(("text", "probability", "from_memory", "gate"), ANYTHING))))
def test_any_tokens_give_as_many_spans(rows: list[dict[str, object]]) -> None:
    shown = memory_view("a", rows)
    assert shown.count("<span") == shown.count("</span>") == len(rows)
    shown.encode("utf-8")


@pytest.mark.browser
def test_a_token_that_is_pointed_at_marks_its_sources(tmp_path: Path, browse: Callable[..., tuple[str, list[str]]]) -> None:
    page = tmp_path / "page.html"
    rows: list[dict[str, Any]] = [{"text": f" {letter}"} for letter in "abcde"]
    rows[2]["sources"] = [[2, 0.5]]
    rows[4]["sources"] = [[1, 0.5], [3, 0.25], [90, 0.1]]
    steps = """
      for (const place of [2, 4]) {
        const token = document.querySelectorAll(".tokens span")[place];
        token.dispatchEvent(new PointerEvent("pointermove", { bubbles: true }));
      }
    """
    view = memory_view("a", rows)
    page.write_text(f'<meta charset="utf-8"><body>{view}<script>{SCRIPT}</script><script>{steps}</script>', encoding="utf-8")
    elements, console = browse(page, "--dump-dom")
    assert console == []
    assert re.findall(r'class="source"[^>]*>(\w)</span>', elements) == ["b", "d"]
    assert re.findall(r'class="chosen"[^>]*>(\w)</span>', elements) == ["e"]
    assert "token 5 of 5, “e”: sources: 1 token back (50 %), 3 tokens back (25 %), 90 tokens back (10 %)" in elements
