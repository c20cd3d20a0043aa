import hashlib
import itertools
import os
import re
import subprocess
import sys
from xml.etree import ElementTree

import pytest

from laconic.errors import MissingExtraError
from laconic.report import figures
from laconic.report.figures import Point, _running_mean, bars, curves, histogram, scatter

VALUES = {"laconic": 1.9, "xz & co <9>": 2.3, "gzip": 2.6}
LINES = {
    "bytes": [(float(i), 9.0 / (i + 1) + 2) for i in range(60)],
    "pieces": [(float(i), 5.0 / (i + 1) + 2) for i in range(60)],
}
POINTS = [Point(name="a", x=1e6, y=2.0), Point(name="b", x=1e6, y=2.0), Point(name="c", x=9e7, y=2.5)]


def _all() -> dict[str, str]:
    return {
        "bars": bars("one", "t", VALUES, label="bits", highlighted=lambda name: name == "laconic"),
        "curves": curves("two", "t", LINES, x_label="bytes", y_label="bits", dots={"bytes": [(30.0, 3.0)]}),
        "histogram": histogram("four", "t", [0, 50, 75, 100], [60.0, 0.0, 40.0], x_label="gate", y_label="tokens"),
        "scatter": scatter("three", "t", POINTS, x_label="FLOPs", y_label="bits"),
    }


@pytest.fixture(scope="module")
def drawn() -> dict[str, str]:
    return _all()


def _parse(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg.replace("<svg ", '<svg xmlns:xlink="http://www.w3.org/1999/xlink" ', 1))


def test_the_same_data_gives_the_same_figure(drawn: dict[str, str]) -> None:
    assert _all() == drawn


def test_another_process_gives_the_same_figure(drawn: dict[str, str]) -> None:
    code = (
        "import hashlib; from laconic.report.figures import bars; "
        f"svg = bars('one', 't', {VALUES!r}, label='bits', highlighted=lambda name: name == 'laconic'); "
        "print(hashlib.sha256(svg.encode()).hexdigest())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7", "SOURCE_DATE_EPOCH": "1"}
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment).stdout
    assert told.strip() == hashlib.sha256(drawn["bars"].encode()).hexdigest()


def test_settings_of_the_user_do_not_reach_the_figure(drawn: dict[str, str]) -> None:
    import matplotlib

    with matplotlib.rc_context({"font.size": 30, "lines.linewidth": 9, "svg.fonttype": "path"}):
        assert _all() == drawn
        assert matplotlib.rcParams["font.size"] == 30


@pytest.mark.parametrize("name", ["bars", "curves", "histogram", "scatter"])
def test_figures_are_well_formed_titled_and_without_outside_references(drawn: dict[str, str], name: str) -> None:
    svg = drawn[name]
    root = _parse(svg)
    assert root.attrib["role"] == "img"
    titles = [element.attrib["id"] for element in root if element.tag == "title"]
    assert titles == [root.attrib["aria-labelledby"]]
    assert "http" not in svg
    assert "DejaVu" not in svg
    assert all(reference.startswith("#") for reference in re.findall(r'href="([^"]*)"', svg))


@pytest.mark.parametrize("name", ["bars", "curves", "histogram", "scatter"])
def test_references_of_a_figure_find_their_targets(drawn: dict[str, str], name: str) -> None:
    targets = set(re.findall(r'\sid="([^"]*)"', drawn[name]))
    used = set(re.findall(r'href="#([^"]*)"|url\(#([^)]*)\)', drawn[name]))
    assert {a or b for a, b in used} <= targets


def test_figures_share_no_identifier(drawn: dict[str, str]) -> None:
    names = [name for svg in drawn.values() for name in re.findall(r'\sid="([^"]*)"', svg)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", ["bars", "curves", "histogram", "scatter"])
def test_all_colours_are_the_page_s(drawn: dict[str, str], name: str) -> None:
    assert re.findall("#[0-9a-fA-F]{6}", drawn[name]) == []
    assert "var(--" in drawn[name]


def test_bars_are_sorted_labelled_and_escaped(drawn: dict[str, str]) -> None:
    texts = [element.text or "" for element in _parse(drawn["bars"]).iter() if element.tag == "text"]
    names = [text for text in texts if text in VALUES]
    assert names == ["laconic", "xz & co <9>", "gzip"]
    assert {"1.900", "2.300", "2.600"} <= set(texts)
    assert "&lt;9&gt;" in drawn["bars"]


def test_bars_stay_in_order_where_they_are_told_to() -> None:
    svg = bars("one", "t", {"b": 2.0, "c": 3.0, "a": 1.0}, label="bits", highlighted=lambda _: False, in_order=True)
    assert re.findall(r">([abc])</text>", svg) == ["b", "c", "a"]


def test_a_histogram_has_a_bar_for_each_stretch(drawn: dict[str, str]) -> None:
    heights, sides = [], []
    for shape in re.findall(r'<path d="([^"]*)"[^>]*style="fill: var\(--accent\)', drawn["histogram"]):
        corners = [(float(x), float(y)) for x, y in re.findall(r"[ML] ([\d.]+) ([\d.]+)", shape)]
        xs, ys = zip(*corners, strict=True)
        heights.append(max(ys) - min(ys))
        sides.append((min(xs), max(xs)))
    assert len(heights) == 3
    assert heights[1] == 0
    assert heights[0] == pytest.approx(1.5 * heights[2], rel=1e-3)
    widths = [right - left for left, right in sides]
    assert widths == pytest.approx([widths[0], widths[0] / 2, widths[0] / 2], rel=1e-3)
    gaps = [right[0] - left[1] for left, right in itertools.pairwise(sides)]
    assert all(0 < gap < 0.2 * widths[0] for gap in gaps)


def test_bars_highlight_only_what_they_are_told(drawn: dict[str, str]) -> None:
    assert drawn["bars"].count("fill: var(--accent)") == 1
    assert drawn["bars"].count("fill: var(--bar)") == 2


def test_scatter_labels_do_not_cover_each_other(drawn: dict[str, str]) -> None:
    places = re.findall(
        r'<text [^>]*?(?:x="([\d.]+)" y="([\d.]+)"|translate\(([\d.]+) ([\d.]+)\))[^>]*>([abc])</text>', drawn["scatter"]
    )
    found = {match[4]: tuple(float(v) for v in match[:4] if v) for match in places}
    assert set(found) == {"a", "b", "c"}
    assert abs(found["a"][0] - found["b"][0]) > 8 or abs(found["a"][1] - found["b"][1]) > 8


@pytest.mark.parametrize("poison", ["$\\frac{1$", "</text><script>alert(1)</script>", "\x00\x1b", "\ud800", "x" * 500, ""])
def test_names_can_be_anything(poison: str) -> None:
    svg = bars("i", poison, {poison: 1.0}, label="bits", highlighted=lambda _: False)
    svg += curves("j", poison, {poison: [(0, 1), (1, 2)]}, x_label="x", y_label="y")
    svg += histogram("l", poison, [0, 1], [1.0], x_label="x", y_label="y")
    svg += scatter("k", poison, [Point(name=poison, x=1, y=1)], x_label="x", y_label="y")
    svg.encode("utf-8")
    assert "<script" not in svg


def test_a_legend_names_every_line() -> None:
    svg = curves("j", "t", {"_hidden": [(0, 1), (1, 2)], "shown": [(0, 1), (1, 2)]}, x_label="x", y_label="y")
    assert "_hidden</text>" in svg and "shown</text>" in svg


def test_odd_data_draws_something() -> None:
    assert "<svg" in bars("i", "t", {"zero": 0.0}, label="bits", highlighted=lambda _: True)
    assert "<svg" in bars("i", "t", {}, label="bits", highlighted=lambda _: True)
    assert "<svg" in histogram("i", "t", [0.0, 1.0], [0.0], x_label="x", y_label="y")
    assert "<svg" in histogram("i", "t", [0.0, 1e-300, 1.0], [1.0, 2.0], x_label="x", y_label="y")
    assert "<svg" in curves("i", "t", {"flat": [(1.0, 2.0)] * 30}, x_label="x", y_label="y")
    assert "<svg" in scatter("i", "t", [], x_label="x", y_label="y")
    assert "<svg" in scatter(
        "i", "t", [Point(name="n", x=-1.0, y=0.0), Point(name="m", x=1e9, y=0.0)], x_label="x", y_label="y"
    )


def test_without_matplotlib_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'laconic\[report\]'"):
        figures.require_matplotlib()


def test_a_long_noisy_line_is_drawn_as_the_mean_of_its_neighbours():
    noisy = [(float(x), 3.0 + (-1) ** x) for x in range(100)]
    smooth = _running_mean(noisy)
    assert [x for x, _ in smooth] == [x for x, _ in noisy]
    assert all(abs(y - 3.0) <= 0.25 for _, y in smooth)
    assert _running_mean(noisy[:20]) == noisy[:20]
