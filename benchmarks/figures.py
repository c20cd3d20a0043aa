"""Figures for the docs, drawn from records: nothing is measured here.

    python benchmarks/figures.py                                 # from the newest records in benchmarks/results
    python benchmarks/figures.py --results /tmp/try --out /tmp/try

`bits-by-size.svg` shows bits per byte against the size of the file (a record of `sizes.py`), `speed-and-size.svg` bits per
byte against speed (one of `compressors.py`); `memory-step.svg` what TRIME costs in training (`memory_step.py`), and
`memory-matrix.svg` which training goes with which memory (`memory_matrix.py`); `pruning-tasks.svg` scores of pruned models
against their speed, `pruning-methods.svg` what other methods keep, and `pruning-structures.svg` what is left of layers
(`pruning_tasks.py`). Their colours are those of the report, on its light paper.
"""

import argparse
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from laconic.records.files import open_atomic
from laconic.records.record import Record
from laconic.report.theme import series, stylesheet

PEERS = ("PPMd (variant I) order 8", "brotli 11", "bz2 -9", "xz -9e", "zstd -19", "zstd -19, 4 MB dictionary", "gzip -9")
"""Who is drawn beside laconic, by the names of the records."""

SHORT = {"PPMd (variant I) order 8": "PPMd", "zstd -19, 4 MB dictionary": "zstd -19 with a 4 MB dictionary"}
COLOURS = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", stylesheet().split("@media")[0]))
DASHES = ("--", "-.", ":")
BELOW = ("xz -9e", "brotli 11", "laconic light")
"""Whose name stands below its point, where another one is close."""

STYLE: dict[Any, Any] = {"svg.hashsalt": "laconic", "svg.fonttype": "none", "font.size": 11.0, "text.parse_math": False}


def newest(results: Path, name: str) -> Record:
    """The record of that name that was made last."""
    records = [Record.load(path) for path in results.glob("*.json")]
    named = [record for record in records if record.name == name]
    if not named:
        raise SystemExit(f"there is no record {name!r} in {results}: run the benchmark first, or name another folder")
    return max(named, key=lambda record: record.created)


def is_ours(name: str) -> bool:
    return name.startswith("laconic")


def drawn(rows: Sequence[dict[str, Any]]) -> list[str]:
    """The codecs to draw: ours first, then the peers in their order."""
    names = list(dict.fromkeys(row["codec"] for row in rows))
    return [name for name in names if is_ours(name)] + [name for name in PEERS if name in names]


def look_of(names: Sequence[str], name: str) -> dict[str, Any]:
    """Colour and line, the same in all figures: ours thick and full, the peers with dashes."""
    if is_ours(name):
        return {"color": COLOURS[series(names.index(name))], "linestyle": "-", "linewidth": 2.8}
    number = PEERS.index(name)
    colour = "bar" if name == PEERS[-1] else series(2 + number)
    return {"color": COLOURS[colour], "linestyle": DASHES[number % len(DASHES)], "linewidth": 1.5}


def draw_sizes(axes: Axes, rows: Sequence[dict[str, Any]]) -> None:
    names = drawn(rows)
    points_of = {name: sorted((row["size"], row["bits_per_byte"]) for row in rows if row["codec"] == name) for name in names}
    # The legend has the order in which the lines begin.
    for name, points in sorted(points_of.items(), key=lambda item: -item[1][0][1]):
        axes.plot(*zip(*points, strict=True), label=SHORT.get(name, name), **look_of(names, name))
    sizes = sorted({row["size"] for row in rows})
    axes.set_xscale("log", base=2)
    ticks = [size for size in sizes if size.bit_length() % 2 and not size & (size - 1)]
    axes.set_xticks(ticks, [human(size) for size in ticks])
    axes.set_xlabel("size of the file")
    axes.set_ylabel("bits per byte")
    axes.set_ylim(top=min(axes.get_ylim()[1], 6.0))


def draw_speeds(axes: Axes, rows: Sequence[dict[str, Any]], verb: str) -> None:
    rows = [row for row in rows if row["text"] == "wikipedia-en"]
    names = drawn(rows)
    for row in (row for name in names for row in rows if row["codec"] == name):
        name, look = row["codec"], look_of(names, row["codec"])
        place = row[f"{verb}_mb_per_s"], row["bits_per_byte"]
        axes.plot(*place, "o", color=look["color"], markersize=9 if is_ours(name) else 6)
        offset, side = ((0, -8), "top") if name in BELOW else ((0, 8), "bottom")
        axes.annotate(
            SHORT.get(name, name), place, offset, textcoords="offset points", ha="center", va=side, color=COLOURS["ink"]
        )
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_xlabel({"encode": "compressing", "decode": "decompressing"}[verb] + ", MB of text per second, one thread")
    axes.set_ylabel("bits per byte")
    axes.margins(0.2, 0.15)


STEPS = {
    "cross-entropy": "cross-entropy on all logits",
    "lm": "plain, in pieces",
    "trime": "TRIME",
    "trime, plain": "TRIME, N x N",
}


def draw_steps(axes: Axes, rows: Sequence[dict[str, Any]]) -> None:
    """Time of a step against that with cross-entropy, over slots."""
    for number, (kind, name) in enumerate(STEPS.items()):
        points = sorted((row["slots"], row["of_cross-entropy"]) for row in rows if row["kind"] == kind)
        look = {"color": COLOURS[series(number)], "linewidth": 2.8 if kind == "trime" else 1.5}
        axes.plot(*zip(*points, strict=True), "o-", label=name, **look)
    slots_axis(axes, rows)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("time of a step, cross-entropy is 1")


def draw_peaks(axes: Axes, rows: Sequence[dict[str, Any]]) -> None:
    """Extra memory of the machine, over slots."""
    for number, (kind, name) in enumerate(STEPS.items()):
        points = sorted((row["slots"], row["peak_bytes"] / 2**20) for row in rows if row["kind"] == kind and row["peak_bytes"])
        if points:
            look = {"color": COLOURS[series(number)], "linewidth": 2.8 if kind == "trime" else 1.5}
            axes.plot(*zip(*points, strict=True), "o-", label=name, **look)
    slots_axis(axes, rows)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set_ylabel("memory that the loss adds, MiB")


def slots_axis(axes: Axes, rows: Sequence[dict[str, Any]]) -> None:
    slots = sorted({row["slots"] for row in rows})
    axes.set_xscale("log", base=2)
    axes.set_xticks(slots, [f"{one:,}" for one in slots])
    axes.set_xlabel("tokens in the batch, all of them slots")


READINGS = ("none", "cache local", "cache long", "recurrence", "local", "long")
METHODS = {"lm": "plain", "recurrence": "recurrence", "trime": "TrimeLM", "trime-long": "TrimeLMlong"}


def draw_matrix(axes: Axes, rows: Sequence[dict[str, Any]], context: int) -> None:
    """Bars of perplexity: methods, and within each what it is read with."""
    chosen = [row for row in rows if (row["corpus"], row["context"]) == ("wikitext-2", context) and is_drawn(row)]
    chosen.sort(key=lambda row: (list(METHODS).index(row["method"]), READINGS.index(row["memory"])))
    for place, row in enumerate(chosen):
        colour = COLOURS[series(READINGS.index(row["memory"]))]
        axes.barh(place, row["perplexity"], xerr=row["deviation"], color=colour, error_kw={"ecolor": COLOURS["quiet"]})
        axes.annotate(f"{row['perplexity']:.0f}", (2, place), va="center", color=COLOURS["paper"])
    axes.set_yticks(range(len(chosen)), [reading_name(row) for row in chosen])
    axes.invert_yaxis()
    axes.set_xlabel(f"perplexity per word, segments of {context}")


def is_drawn(row: dict[str, Any]) -> bool:
    """The recipes' methods; caches beside the plain model alone."""
    cached = row["memory"].startswith("cache")
    return row["method"] in METHODS and row["memory"] in READINGS and (row["method"] == "lm" or not cached)


def reading_name(row: dict[str, Any]) -> str:
    method, memory = METHODS[row["method"]], row["memory"]
    return method if memory == row["method"] else f"{method}, {'no memory' if memory == 'none' else memory}"


def draw_task(axes: Axes, run: dict[str, Any]) -> None:
    """What is left of the teacher's score against speed, one sparsity after another."""
    points = [(row["latency"]["onnx"]["times_faster"], share_of_teacher(run, row)) for row in run["models"][1:]]
    axes.plot(*zip((1.0, 100.0), *points, strict=True), color=COLOURS[series(0)], linewidth=2.8, marker="o")
    axes.set_xscale("log")
    axes.set_xticks([1, 2, 5, 10, 20], ["1", "2", "5", "10", "20"])
    axes.minorticks_off()
    axes.set_title(TASK_NAMES[run["task"]], color=COLOURS["ink"], fontsize=11)
    axes.set_xlabel("times faster (ONNX Runtime)")


def share_of_teacher(run: dict[str, Any], row: dict[str, Any]) -> float:
    """A score as % of that of the model which was pruned."""
    score, whole = (float(of["scores"][run["metric"]]) for of in (row, run["models"][0]))
    return 100 * score / whole


def draw_methods(axes: Axes, runs: Sequence[dict[str, Any]]) -> None:
    """What each method keeps of the teacher's score at its last sparsity, a point for each run, the best on top, and how much
    faster it is.
    """
    alike: dict[str, list[dict[str, Any]]] = {}
    for run in runs:
        alike.setdefault(method_name(run), []).append(run)
    kept = {name: [share_of_teacher(run, run["models"][-1]) for run in same] for name, same in alike.items()}
    names = sorted(kept, key=lambda name: -sum(kept[name]) / len(kept[name]))
    for place, name in enumerate(names):
        run = alike[name][0]
        ours = run["method"] == "direct"
        colour = COLOURS[series(0)] if ours else COLOURS["quiet"]
        axes.plot(kept[name], [place] * len(kept[name]), "o", color=colour, markersize=9 if ours else 6)
        speed = f"{run['models'][-1]['latency']['onnx']['times_faster']:.1f}x"
        axes.annotate(
            speed, (1, place), (4, 0), ("axes fraction", "data"), "offset points", va="center", color=colour, fontsize=8
        )
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set_title(TASK_NAMES[runs[0]["task"]], color=COLOURS["ink"], fontsize=11)
    axes.set_xlabel("% of the teacher's score; times faster")


def method_name(run: dict[str, Any]) -> str:
    """As `pruning_tasks.py` calls a method, with what is gone where that is not 95 %."""
    name, gone = "CoFi" if run["method"] == "direct" else run["method"], run["models"][-1]["sparsity"]
    return name if gone == 0.95 else f"{name}, {100 * gone:.3g} %"


TASK_NAMES = {"sst2": "SST-2", "mrpc": "MRPC", "rte": "RTE", "cola": "CoLA", "stsb": "STS-B", "squad": "SQuAD"}


def draw_structure(axes: Axes, row: dict[str, Any], whole: dict[str, int]) -> None:
    """Heads and units of each layer, as shares of those of the dense model."""
    for shift, part, colour in ((-0.2, "heads", series(0)), (0.2, "units", series(1))):
        shares = [100 * layer[part] / whole[part] for layer in row["structure"]]
        places = [place + 1 + shift for place in range(len(shares))]
        axes.bar(places, shares, width=0.38, color=COLOURS[colour], label=part)
    axes.set_ylim(0, 100)
    axes.set_xticks(range(1, len(row["structure"]) + 1))


def scores_of(runs: Sequence[dict[str, Any]], *, at_most: int = 3) -> Figure:
    """A picture for each task, some in a row."""
    ours = [run for run in runs if run["method"] == "cofi"]
    columns, rows = min(at_most, len(ours)), -(-len(ours) // at_most)
    figure, axes = new_figure(3.6 * columns, 3.8 * rows, columns, rows=rows)
    for number, here in enumerate(axes):
        if number >= len(ours):
            here.set_axis_off()
            continue
        draw_task(here, ours[number])
        if number % columns == 0:
            here.set_ylabel("% of the teacher's score")
    return figure


def methods_of(runs: Sequence[dict[str, Any]]) -> Figure:
    """A picture for each task on which methods were compared, all trained alike long."""
    compared = [run for run in runs if run["method"] != "cofi"]
    tasks = list(dict.fromkeys(run["task"] for run in compared))
    found = [[run for run in compared if run["task"] == task] for task in tasks]
    lines = max(len({method_name(run) for run in alike}) for alike in found)
    figure, axes = new_figure(4.2 * len(tasks), 1.2 + 0.28 * lines, len(tasks), apart=0.15)
    for here, alike in zip(axes, found, strict=True):
        draw_methods(here, alike)
    return figure


def structures_of(runs: Sequence[dict[str, Any]]) -> Figure:
    """A row for each task, a column for each sparsity."""
    ours = [run for run in runs if run["method"] == "cofi"]
    sparsities = sorted({row["sparsity"] for run in ours for row in run["models"][1:]})
    figure, axes = new_figure(2.6 * len(sparsities), 1.7 * len(ours), len(sparsities), rows=len(ours))
    for number, run in enumerate(ours):
        found = {row["sparsity"]: row for row in run["models"][1:]}
        for column, sparsity in enumerate(sparsities):
            here = axes[number * len(sparsities) + column]
            if sparsity not in found:
                here.set_axis_off()
                continue
            draw_structure(here, found[sparsity], run["whole"])
            here.set_title(f"{TASK_NAMES[run['task']]}, {100 * sparsity:g} % gone", color=COLOURS["ink"], fontsize=9)
    axes[0].set_ylabel("% left")
    axes[0].legend(frameon=False, labelcolor=COLOURS["ink"], fontsize=8)
    return figure


def human(size: int) -> str:
    """A power of two as people write it.

    >>> human(4096), human(1 << 22)
    ('4 KiB', '4 MiB')
    """
    return f"{size >> 20} MiB" if size >= 1 << 20 else f"{size >> 10} KiB"


def svg_of(figure: Figure) -> str:
    """The figure as text, the same each time."""
    target = io.StringIO()
    figure.savefig(target, format="svg", facecolor=COLOURS["paper"], metadata={"Date": None, "Creator": None})
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", target.getvalue(), flags=re.DOTALL)
    svg = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font: \1px system-ui, sans-serif", svg)
    return re.sub(r"font-family: [^;\"]*", "font-family: system-ui, sans-serif", svg)


def new_figure(
    width: float, height: float, columns: int, *, rows: int = 1, apart: float | None = None
) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(width, height))
    figure.set_layout_engine("constrained", w_pad=apart)
    FigureCanvasAgg(figure)
    found = [figure.add_subplot(rows, columns, place + 1) for place in range(rows * columns)]
    for axes in found:
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
        axes.spines["bottom"].set_color(COLOURS["line"])
        axes.tick_params(which="both", color=COLOURS["line"], labelcolor=COLOURS["quiet"])
        axes.xaxis.label.set_color(COLOURS["quiet"])
        axes.yaxis.label.set_color(COLOURS["quiet"])
        axes.grid(color=COLOURS["line"], linewidth=0.7)
        axes.set_axisbelow(True)
    return figure, found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    here = Path(__file__).parent
    parser.add_argument("--results", type=Path, default=here / "results", help="folder of the records")
    parser.add_argument("--out", type=Path, default=here.parent / "docs" / "figures", help="folder of the figures")
    parser.add_argument("--png", action="store_true", help="write PNG files beside the SVG, to look at")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    matplotlib.rcParams.update(STYLE)
    by_size, (axes,) = new_figure(8.4, 4.2, 1)
    draw_sizes(axes, newest(arguments.results, "bits-by-size").results["rows"])
    by_size.legend(loc="outside right center", frameon=False, labelcolor=COLOURS["ink"])
    by_speed, both = new_figure(10.0, 4.2, 2)
    for axes, verb in zip(both, ("encode", "decode"), strict=True):
        draw_speeds(axes, newest(arguments.results, "compressors").results["rows"], verb)
    steps = newest(arguments.results, "memory-step").results["rows"]
    costs, (left, right) = new_figure(10.0, 4.2, 2)
    draw_steps(left, steps)
    draw_peaks(right, steps)
    left.legend(frameon=False, labelcolor=COLOURS["ink"])
    matrix = newest(arguments.results, "memory-matrix").results["rows"]
    contexts = sorted({row["context"] for row in matrix if row["corpus"] == "wikitext-2"}, reverse=True)
    readings, columns = new_figure(5.6 * len(contexts), 4.6, len(contexts))
    for axes, context in zip(columns, contexts, strict=True):
        draw_matrix(axes, matrix, context)
    pruned = [run for run in newest(arguments.results, "pruning-tasks").results["runs"] if run["task"] in TASK_NAMES]
    figures = {
        "bits-by-size": by_size,
        "speed-and-size": by_speed,
        "memory-step": costs,
        "memory-matrix": readings,
        "pruning-tasks": scores_of(pruned),
        "pruning-methods": methods_of(pruned),
        "pruning-structures": structures_of(pruned),
    }
    for name, figure in figures.items():
        with open_atomic(arguments.out / f"{name}.svg", "w") as stream:
            stream.write(svg_of(figure))
        if arguments.png:
            figure.savefig(arguments.out / f"{name}.png", dpi=110, facecolor=COLOURS["paper"])
        print(arguments.out / f"{name}.svg")


if __name__ == "__main__":
    main()
