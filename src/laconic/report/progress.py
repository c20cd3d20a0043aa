"""A pruning run that is still going on, as a page that reads itself again: what is left of each layer, and how that came."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from laconic.records.files import open_atomic
from laconic.report.markup import escape
from laconic.report.parts import side_by_side
from laconic.report.structure import WIDTH, structure_chart, svg
from laconic.report.theme import stylesheet, variable
from laconic.report.wording import DASH, count, fixed, percent

SECONDS = 10
"""Between two readings of the page."""

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_LEFT, _HEIGHT, _TOP = 44, 110, 24
Curve = tuple[str, str, Sequence[float | None]]
"""Name, colour and heights of a line, None where it has none."""


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A student that was judged while a run went on.

    Attributes:
        stage: what is trained.
        step: the update before it.
        steps: updates of the stage.
        score: the main one; in stages that prune, of what would be left if the student were cut now to what is wanted in
            the end.
        sparsity: the share of parameters (or of the parts' time) that is really gone now.
        target: the share that is wanted at this update; None in stages that do not prune.
        expected: the share that gates expect to be gone; None where there are none.
        heads: of each layer.
        units: of each layer.
    """

    stage: str
    step: int
    steps: int
    score: float
    sparsity: float
    target: float | None
    expected: float | None
    heads: tuple[int, ...]
    units: tuple[int, ...]


def write_progress(
    moments: Sequence[Moment],
    path: Path | str,
    *,
    task: str,
    whole: tuple[int, int],
    counted: str = "parameters",
    live: bool = True,
) -> None:
    """Write the page; it appears whole or not at all.

    Args:
        moments: of one run, in order; at least one.
        path: the HTML file.
        task: what the run is called.
        whole: heads and units of a layer of the dense model.
        counted: what shares are shares of, `parameters` or `time`.
        live: whether the page is to be read again every few seconds.

    Raises:
        OutputError: the file cannot be written.
    """
    with open_atomic(path, "w") as stream:
        stream.write(render_progress(moments, task=task, whole=whole, counted=counted, live=live))


def render_progress(
    moments: Sequence[Moment], *, task: str, whole: tuple[int, int], counted: str = "parameters", live: bool = True
) -> str:
    """The page as HTML text; arguments as for `write_progress`."""
    now, again = moments[-1], f'<meta http-equiv="refresh" content="{SECONDS}">\n' if live else ""
    left = f"Heads and feed-forward units of each layer; the dense model has {count(whole[0])} and {count(whole[1])}."
    told = f"{left} Left now: {', '.join(f'{h}|{u}' for h, u in zip(now.heads, now.units, strict=True))}"
    pictures = [
        (structure_chart("left", told, now.heads, now.units, whole=whole), left),
        (_history(moments), "Each time that a student was judged. Where a line stands upright, a new stage begins."),
    ]
    title = escape(f"Pruning for {task}")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n{again}<title>{title}</title>\n'
        f'<link rel="icon" href="data:,">\n<style>\n{stylesheet()}</style>\n</head>\n<body>\n'
        f"<header>\n<h1>{title}</h1>\n{_tiles(now, counted, live)}</header>\n"
        f"<main>\n{side_by_side(pictures)}</main>\n</body>\n</html>\n"
    )


def _tiles(now: Moment, counted: str, live: bool) -> str:
    target, expected = (DASH if share is None else percent(round(share, 4)) for share in (now.target, now.expected))
    judged = "on the valid split" if now.target is None else "on the valid split, if cut now to what is wanted in the end"
    found = [
        ("stage" if live else "last stage", now.stage, f"step {count(now.step)} of {count(now.steps)}"),
        (f"{counted} gone", percent(round(now.sparsity, 4)), "of attention and feed-forward parts, now"),
        ("wanted now", target, f"expected of the gates: {expected}"),
        ("score", fixed(now.score, 4), judged),
    ]
    tiles = "".join(
        f'<div><dt>{escape(name)}</dt><dd class="value">{escape(value)}</dd><dd class="note">{escape(note)}</dd></div>\n'
        for name, value, note in found
    )
    return f'<dl class="tiles">\n{tiles}</dl>\n'


def _history(moments: Sequence[Moment]) -> str:
    scores = [moment.score for moment in moments]
    gone: list[Curve] = [
        ("gone", "accent", [moment.sparsity for moment in moments]),
        ("wanted", "series-2", [moment.target for moment in moments]),
        ("expected", "series-3", [moment.expected for moment in moments]),
    ]
    low, high = min(scores), max(scores)
    if low == high:
        low, high = low - 0.5, high + 0.5
    starts = [place for place in range(1, len(moments)) if moments[place].stage != moments[place - 1].stage]
    body = _panel(_TOP, [("score", "series-4", scores)], (low, high), starts, lambda value: fixed(value, 3))
    body += _panel(2 * _TOP + _HEIGHT + 12, gone, (0.0, 1.0), starts, percent)
    told = f"Scores from {fixed(scores[0])} to {fixed(scores[-1])}; {percent(round(moments[-1].sparsity, 4))} gone"
    return svg("history", told, 2 * (_TOP + _HEIGHT) + 24, body)


def _panel(
    top: float, curves: Sequence[Curve], ends: tuple[float, float], starts: Sequence[int], form: Callable[[object], str]
) -> str:
    """Lines over the number of the judgement, named above."""
    size = max(len(values) for _, _, values in curves)

    def across(place: float) -> float:
        return _LEFT + (WIDTH - _LEFT - 6) * (place / (size - 1) if size > 1 else 0.5)

    def along(value: float) -> float:
        return top + _HEIGHT * (1 - (value - ends[0]) / (ends[1] - ends[0]))

    parts = [_line([(_LEFT, along(end)), (WIDTH - 6, along(end))], "line") for end in ends]
    parts += [_words(_LEFT - 6, along(end) + 4, form(end), "quiet", "end") for end in ends]
    parts += [_line([(x := across(start - 0.5), top), (x, top + _HEIGHT)], "bar") for start in starts]
    for number, (name, colour, values) in enumerate(curves):
        parts.append(_words(_LEFT + 70 * number, top - 9, name, colour, "start"))
        points = [(across(place), along(value)) for place, value in enumerate(values) if value is not None]
        parts += [_line(run, colour, 1.7) for run in _runs(values, across, along)]
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" style="fill: {variable(colour)}"/>\n' for x, y in points]
    return "".join(parts)


def _runs(
    values: Sequence[float | None], across: Callable[[float], float], along: Callable[[float], float]
) -> list[list[tuple[float, float]]]:
    """The stretches of a line without gaps."""
    runs: list[list[tuple[float, float]]] = [[]]
    for place, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((across(place), along(value)))
    return [run for run in runs if len(run) > 1]


def _line(points: Sequence[tuple[float, float]], colour: str, width: float = 0.7) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" style="fill: none; stroke: {variable(colour)}; stroke-width: {width:g}"/>\n'


def _words(x: float, y: float, words: str, colour: str, anchor: str) -> str:
    style = f"font: 11px var(--font); fill: {variable(colour)}; text-anchor: {anchor}"
    return f'<text x="{x:.1f}" y="{y:.1f}" style="{style}">{escape(words)}</text>\n'
