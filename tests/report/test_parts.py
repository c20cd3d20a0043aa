from collections.abc import Callable

from laconic.records.record import Record
from laconic.report.parts import heading, notes, rest, side_by_side


def test_a_heading_stands_only_among_several() -> None:
    assert heading("<a>", 1) == ""
    assert heading("<a>", 2) == "<h3>&lt;a&gt;</h3>\n"


def test_figures_stand_side_by_side_with_captions() -> None:
    assert side_by_side([]) == ""
    shown = side_by_side([("<svg></svg>", "<one>"), ("<svg></svg>", "two")])
    assert shown.count("<figure>") == shown.count("<svg>") == 2
    assert "<figcaption>&lt;one&gt;</figcaption>" in shown


def test_notes_are_escaped_and_none_are_no_list(make_record: Callable[..., Record]) -> None:
    assert notes(make_record("memory", "m", {})) == ""
    assert "<li>&lt;b&gt;</li>" in notes(make_record("memory", "m", {"notes": ["<b>"]}))


def test_the_rest_is_what_no_section_draws(make_record: Callable[..., Record]) -> None:
    assert rest(make_record("memory", "m", {"perplexity": 3.0, "notes": ["n"]})) == ""
    assert "Also recorded by m" in rest(make_record("memory", "m", {"perplexity": 3.0, "surprise_factor": 7}))
    assert "Results" in rest(make_record("evaluate", "m", {"perplexity": 3.0}))
