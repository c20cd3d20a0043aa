"""Bars are as long as what is left, within outlines of the dense model."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laconic.report.structure import MOST, structure_chart

COUNTS = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 3072)), min_size=1, max_size=30)


def bars(svg: str) -> list[tuple[str, float, float]]:
    """Colour, left edge and width of each bar, and of each outline."""
    found = re.findall(r'<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)" height="12" style="fill: ([^;"]+)', svg)
    return [(paint, float(left), float(width)) for left, width, paint in found]


@given(COUNTS)
def test_bars_are_shares_of_their_outlines(layers: list[tuple[int, int]]) -> None:
    heads, units = zip(*layers, strict=True)
    drawn = bars(structure_chart("one", "a title", heads, units, whole=(12, 3072)))
    outlines = [width for paint, _, width in drawn if paint == "none"]
    assert len(outlines) == 2 * len(layers) and len(set(outlines)) == 1
    for paint, most, counts in (("var(--accent)", 12, heads), ("var(--series-3)", 3072, units)):
        widths = [width for found, _, width in drawn if found == paint]
        wanted = [max(1.5, outlines[0] * count / most) for count in counts if count]
        assert widths == pytest.approx(wanted, abs=0.06)


def test_numbers_and_title_are_text() -> None:
    svg = structure_chart("two", "<left>", [3, 0], [1200, 7], whole=(12, 3072))
    assert '<title id="two-title">&lt;left&gt;</title>' in svg and 'aria-labelledby="two-title"' in svg
    assert re.findall(r">([^<>]+)</text>", svg) == ["heads", "units", "layer", "1", "3", "1,200", "2", "0", "7"]


def test_what_a_record_cannot_mean_is_drawn_within_the_figure() -> None:
    svg = structure_chart("three", "t", [50, -1], [1, 1], whole=(12, 0))
    outline = next(width for paint, _, width in bars(svg) if paint == "none")
    assert max(width for _, _, width in bars(svg)) == outline
    assert len(bars(structure_chart("four", "t", [0] * 999, [0] * 999, whole=(1, 1)))) == 2 * MOST
