"""Data to inline SVG: bars, curves and scatters that take their colours from the page, so light and dark both work.

Each function is pure: the same data gives the same string, on any machine. Text stays text (readable aloud, selectable).
The figures are drawn 370 points wide with 11-point type: two stand side by side on a desk, one fits a phone.
"""

import io
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from laconic.errors import missing_extra
from laconic.report.markup import escape
from laconic.report.theme import placeholders, series, variable
from laconic.report.wording import fixed, tick

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Annotation

_WIDTH = 370 / 72
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "laconic",
    "svg.fonttype": "none",
    "font.size": 11.0,
    "path.simplify": False,
    "text.parse_math": False,
}
_PAINT = placeholders()
_HAIR = "\u200a"
"""Before a name in a legend: matplotlib would leave out one that is empty or begins with an underscore."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """One labelled point of a scatter.

    Attributes:
        name: the label beside it.
        x: its place on the horizontal axis.
        y: its place on the vertical axis.
    """

    name: str
    x: float
    y: float


def require_matplotlib() -> None:
    """Check that figures can be drawn.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise missing_extra("matplotlib", "report", "drawing a report") from error


def bars(
    identity: str,
    title: str,
    values: Mapping[str, float],
    *,
    label: str,
    highlighted: Callable[[str], bool],
    in_order: bool = False,
) -> str:
    """Horizontal bars from zero, each with its name and its value.

    Args:
        identity: a name that no other figure of the page has.
        title: what a reader who cannot see the figure is told.
        values: bar lengths by name; none negative.
        label: the words on the axis, with the unit.
        highlighted: which names are drawn in the accent colour.
        in_order: whether the bars stay in the order of `values`; otherwise the shortest comes first.

    Returns:
        An `<svg>` element.
    """
    ordered = list(values.items()) if in_order else sorted(values.items(), key=lambda item: (item[1], item[0]))

    def draw(axes: "Axes") -> None:
        places = range(len(ordered))
        paints = [_PAINT["accent" if highlighted(name) else "bar"] for name, _ in ordered]
        axes.barh(places, [value for _, value in ordered], color=paints, height=0.68)
        axes.set_yticks(places, [_cut(name, 28) for name, _ in ordered])
        axes.invert_yaxis()
        axes.set_xlabel(label)
        most = max((value for _, value in ordered), default=1.0) or 1.0
        axes.set_xlim(0, 1.17 * most)
        for place, (_, value) in zip(places, ordered, strict=True):
            axes.text(value + 0.012 * most, place, fixed(value), va="center", fontsize=11, color=_PAINT["ink"])
        axes.tick_params(axis="y", length=0)
        axes.spines["bottom"].set_visible(False)
        axes.grid(axis="x", color=_PAINT["line"], linewidth=0.7)

    return _svg(identity, title, draw, height=0.75 + 0.27 * max(1, len(ordered)))


def histogram(
    identity: str, title: str, edges_N1: Sequence[float], heights_N: Sequence[float], *, x_label: str, y_label: str
) -> str:
    """Upright bars from zero, one over each stretch of a shared axis.

    Args:
        identity: a name that no other figure of the page has.
        title: what a reader who cannot see the figure is told.
        edges_N1: where the stretches begin, in rising order, and where the last one ends.
        heights_N: one bar for each stretch; none negative.
        x_label: the words below, with the unit.
        y_label: the words beside, with the unit.

    Returns:
        An `<svg>` element.
    """

    def draw(axes: "Axes") -> None:
        widths = [0.9 * (end - begin) for begin, end in pairwise(edges_N1)]
        middles = [(begin + end) / 2 for begin, end in pairwise(edges_N1)]
        axes.bar(middles, heights_N, widths, color=_PAINT["accent"])
        axes.set_xlim(edges_N1[0], edges_N1[-1])
        axes.set_ylim(0, 1.06 * max(heights_N) or 1.0)
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        axes.grid(axis="y", color=_PAINT["line"], linewidth=0.7)
        _short_ticks(axes, "x")
        _short_ticks(axes, "y")

    return _svg(identity, title, draw, height=2.4)


def curves(
    identity: str,
    title: str,
    lines: Mapping[str, Sequence[tuple[float, float]]],
    *,
    x_label: str,
    y_label: str,
    dots: Mapping[str, Sequence[tuple[float, float]]] | None = None,
) -> str:
    """One line per name over a shared axis, named in a legend above; `dots` adds marks in the colour of the same name.

    A long line is drawn as the mean of neighbouring points, with the points themselves faint behind it.
    The vertical axis leaves out the highest tenth of the range where that is only the first few points of a curve.
    """
    marks = dots or {}
    columns = 1 if any(len(name) > 20 for name in lines) else 2

    def draw(axes: "Axes") -> None:
        named = []
        for index, (name, points) in enumerate(lines.items()):
            paint = _PAINT[series(index)]
            style = ("-", "--", "-.", ":")[index % 4]
            smooth = _running_mean(points)
            if smooth != list(points):
                axes.plot([x for x, _ in points], [y for _, y in points], "-", color=paint, linewidth=0.8, alpha=0.25)
            named += axes.plot([x for x, _ in smooth], [y for _, y in smooth], style, color=paint, linewidth=1.7)
            held_out = marks.get(name, ())
            axes.plot([x for x, _ in held_out], [y for _, y in held_out], "o", color=paint, markersize=4.5)
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        _limit_to_most(axes, [y for points in lines.values() for _, y in points])
        axes.grid(color=_PAINT["line"], linewidth=0.7)
        axes.legend(
            named,
            [_HAIR + _cut(name, 34) for name in lines],
            loc="lower left",
            bbox_to_anchor=(0.0, 1.0),
            ncols=columns,
            frameon=False,
            labelcolor=_PAINT["ink"],
            fontsize=11,
            borderaxespad=0.2,
        )
        _short_ticks(axes, "x")

    return _svg(identity, title, draw, height=2.7 + 0.22 * math.ceil(len(lines) / columns))


def _running_mean(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Each height replaced by the mean over a twelfth of the points around it; short lines stay as they are."""
    reach = len(points) // 24
    if not reach:
        return list(points)
    heights = [y for _, y in points]
    around = [heights[max(0, i - reach) : i + reach + 1] for i in range(len(points))]
    return [(x, sum(near) / len(near)) for (x, _), near in zip(points, around, strict=True)]


def scatter(identity: str, title: str, points: Sequence[Point], *, x_label: str, y_label: str) -> str:
    """Labelled points; the horizontal axis is logarithmic where the largest is more than 20 times the smallest."""

    def draw(axes: "Axes") -> None:
        xs = [point.x for point in points]
        if xs and min(xs) > 0 and max(xs) > 20 * min(xs):
            axes.set_xscale("log")
        axes.margins(0.2, 0.18)
        for index, point in enumerate(points):
            axes.plot([point.x], [point.y], "o", color=_PAINT[series(index)], markersize=8)
        axes.set_xlabel(x_label)
        axes.set_ylabel(_cut(y_label, 40))
        axes.grid(color=_PAINT["line"], linewidth=0.7)
        _short_ticks(axes, "x")
        _place_labels(axes, points)

    return _svg(identity, title, draw, height=3.2)


def _svg(identity: str, title: str, draw: Callable[["Axes"], None], *, height: float) -> str:
    require_matplotlib()
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        figure = Figure(figsize=(_WIDTH, height), layout="constrained")
        FigureCanvasAgg(figure)  # It can measure text; saving brings its own canvas.
        axes = figure.add_subplot()
        _plain_axes(axes)
        draw(axes)
        return _inline(_rendered(figure), identity, title)


def _rendered(figure: "Figure") -> str:
    target = io.StringIO()
    figure.savefig(target, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return target.getvalue()


def _plain_axes(axes: "Axes") -> None:
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(_PAINT["line"])
    axes.tick_params(which="both", color=_PAINT["line"], labelcolor=_PAINT["quiet"], labelsize=11)
    axes.tick_params(axis="y", which="both", length=0)
    axes.xaxis.label.set_color(_PAINT["quiet"])
    axes.yaxis.label.set_color(_PAINT["quiet"])
    axes.set_axisbelow(True)


def _inline(svg: str, identity: str, title: str) -> str:
    """What matplotlib wrote, as an element for the page: its own identifiers, the page's colours and type, a title."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(\sid=")', rf"\1{identity}-", svg)
    svg = re.sub(r'(href="#|url\(#)', rf"\1{identity}-", svg)
    for name, paint in _PAINT.items():
        svg = svg.replace(paint, variable(name))
    svg = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font: \1px var(--font)", svg)
    svg = re.sub(r"font-family: [^;\"]*", "font-family: var(--font)", svg)
    view = re.search(r'viewBox="[^"]*"', svg)
    assert view is not None, "matplotlib always writes a viewBox"
    opening = f'<svg role="img" aria-labelledby="{identity}-title" {view.group()}>\n'
    return f'{opening} <title id="{identity}-title">{escape(title)}</title>' + svg[svg.index(">") + 1 :].rstrip()


def _short_ticks(axes: "Axes", which: str) -> None:
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_formatter(FuncFormatter(lambda value, _: tick(round(value, 12))))
    axis.set_minor_formatter(NullFormatter())


def _limit_to_most(axes: "Axes", values: Sequence[float]) -> None:
    """Cut the start of a loss curve off the top, so that the part that is read fills the figure."""
    if len(values) < 20:
        return
    ordered = sorted(values)
    low, most, high = ordered[0], ordered[int(0.95 * (len(ordered) - 1))], ordered[-1]
    if high - low > 1.5 * (most - low) > 0:
        axes.set_ylim(low - 0.06 * (most - low), most + 0.35 * (most - low))


def _place_labels(axes: "Axes", points: Sequence[Point]) -> None:
    """Write each name where it hides neither a point nor another name, as far as eight places allow."""
    figure = axes.get_figure(root=True)
    assert figure is not None, "an axes belongs to a figure"
    figure.draw_without_rendering()
    frame = _corners(axes.get_window_extent().extents)
    taken = [_around(*axes.transData.transform((point.x, point.y)).tolist()) for point in points]
    for index, point in enumerate(points):
        others = taken[:index] + taken[index + 1 :]
        texts = [_label(axes, point, *place) for place in _PLACES]
        boxes = [_corners(text.get_window_extent().extents) for text in texts]
        costs = [_overlap(box, box) - _overlap(box, frame) + sum(_overlap(box, other) for other in others) for box in boxes]
        best = min(range(len(texts)), key=lambda place: (round(costs[place], 3), place))
        taken.append(boxes[best])
        for place, text in enumerate(texts):
            if place != best:
                text.remove()


_PLACES = (
    (9, 0, "left", "center"),
    (0, 9, "center", "bottom"),
    (0, -9, "center", "top"),
    (-9, 0, "right", "center"),
    (6, 6, "left", "bottom"),
    (6, -6, "left", "top"),
    (-6, 6, "right", "bottom"),
    (-6, -6, "right", "top"),
)


def _label(axes: "Axes", point: Point, dx: int, dy: int, across: str, along: str) -> "Annotation":
    return axes.annotate(
        _cut(point.name, 26),
        (point.x, point.y),
        (dx, dy),
        textcoords="offset points",
        ha=across,
        va=along,
        fontsize=11,
        color=_PAINT["ink"],
    )


def _corners(extents: Any) -> tuple[float, float, float, float]:
    left, bottom, right, top = (float(value) for value in extents)
    return left, bottom, right, top


def _around(x: float, y: float, radius: float = 5.0) -> tuple[float, float, float, float]:
    return (x - radius, y - radius, x + radius, y + radius)


def _overlap(a: Sequence[float], b: Sequence[float]) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    return float(max(0.0, width) * max(0.0, height))


def _cut(name: str, most: int = 22) -> str:
    clean = "".join(character if character.isprintable() else "\ufffd" for character in name)
    return clean if len(clean) <= most else clean[: most - 1] + "\u2026"
