"""What is left of each layer of a pruned model, as bars within the outlines of the dense one: SVG written by hand."""

from collections.abc import Sequence

from laconic.report.markup import escape
from laconic.report.theme import variable

WIDTH = 370
"""Points; as wide as other figures."""

_ROW, _BAR, _TOP, _LEFT, _GAP = 18, 12, 22, 42, 46
_COLUMN = (WIDTH - _LEFT - 2 * _GAP) / 2
MOST = 200
"""Layers that are drawn."""


def structure_chart(
    identity: str, title: str, heads_L: Sequence[float], units_L: Sequence[float], *, whole: tuple[float, float]
) -> str:
    """Two bars for each layer, heads and units, each within an outline as long as the dense model's.

    Args:
        identity: a name that no other figure of the page has.
        title: what a reader who cannot see the figure is told.
        heads_L: heads of each layer; 0 where attention is gone.
        units_L: feed-forward units of each layer.
        whole: heads and units of a layer of the dense model.

    Returns:
        An `<svg>` element.
    """
    layers = min(len(heads_L), len(units_L), MOST)
    height = _TOP + _ROW * layers + 4
    heads_at, units_at = _LEFT, _LEFT + _COLUMN + _GAP
    body = [_text(heads_at, 13, "heads", "ink"), _text(units_at, 13, "units", "ink"), _text(0, 13, "layer", "quiet")]
    for number in range(layers):
        top = _TOP + _ROW * number
        body.append(_text(26, top + 10, str(number + 1), "quiet", end=True))
        for left, count, most, colour in (
            (heads_at, heads_L[number], whole[0], "accent"),
            (units_at, units_L[number], whole[1], "series-3"),
        ):
            body.append(_bar(left, top, count / most if most else 0.0, colour))
            body.append(_text(left + _COLUMN + 5, top + 10, f"{count:,.0f}", "ink" if count else "quiet"))
    return svg(identity, title, height, "".join(body))


def svg(identity: str, title: str, height: float, body: str) -> str:
    """An element of the usual width, with its title."""
    return (
        f'<svg role="img" aria-labelledby="{identity}-title" viewBox="0 0 {WIDTH} {height:g}">\n'
        f'<title id="{identity}-title">{escape(title)}</title>\n{body}</svg>'
    )


def _bar(left: float, top: float, share: float, colour: str) -> str:
    width = _COLUMN * min(1.0, max(0.0, share))
    outline = _rectangle(left, top, _COLUMN, f"fill: none; stroke: {variable('line')}")
    # What is left of a layer is seen, however little.
    filled = _rectangle(left, top, max(width, 1.5), f"fill: {variable(colour)}") if share > 0 else ""
    return filled + outline


def _rectangle(left: float, top: float, width: float, style: str) -> str:
    return f'<rect x="{left:.1f}" y="{top:g}" width="{width:.1f}" height="{_BAR}" style="{style}"/>\n'


def _text(x: float, y: float, words: str, colour: str, *, end: bool = False) -> str:
    anchor = "; text-anchor: end" if end else ""
    style = f"font: 11px var(--font); fill: {variable(colour)}{anchor}"
    return f'<text x="{x:.1f}" y="{y:g}" style="{style}">{escape(words)}</text>\n'
