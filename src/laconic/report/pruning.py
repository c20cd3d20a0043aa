"""What pruning left of a model, what that is worth, and what it costs."""

from collections.abc import Mapping, Sequence

from laconic.records.record import Record
from laconic.report import figures, schema
from laconic.report.markup import escape
from laconic.report.parts import heading, notes, rest, side_by_side
from laconic.report.structure import structure_chart
from laconic.report.tables import Column, table
from laconic.report.wording import count, fixed, number, percent, plain, short

Row = dict[str, object]


def _columns(metric: str) -> tuple[Column, ...]:
    return (
        Column(key="model", title="model", numeric=False),
        Column(key="score", title=metric, form=lambda value: fixed(value, 4)),
        Column(key="gone", title="really gone", form=percent),
        Column(key="all", title="parameters", form=short),
        Column(key="without_embeddings", title="without embeddings", form=short),
        Column(key="megabytes", title="file, MB", form=short),
        Column(key="milliseconds", title="ms/batch", form=short),
        Column(key="throughput", title="texts/s", form=short),
        Column(key="faster", title="times faster", form=lambda value: fixed(value, 2)),
        Column(key="by_table", title="times faster, by the table", form=lambda value: fixed(value, 2)),
        Column(key="as_asked", title="times faster, timed like the table", form=lambda value: fixed(value, 2)),
        Column(key="memory", title="peak memory, MB", form=short),
    )


def _delivered_columns(metric: str) -> tuple[Column, ...]:
    return (
        Column(key="model", title="model", numeric=False),
        Column(key="delivered", title="as", numeric=False),
        Column(key="vocabulary", title="vocabulary", form=count),
        Column(key="score", title=metric, form=lambda value: fixed(value, 4)),
        Column(key="difference", title="largest difference", form=short),
        *_columns(metric)[5:],
    )


_EXPLAINED = (
    '<p class="quiet">Gone is a share of the parameters of attention and feed-forward parts: embeddings and norms stay. '
    "A model is compared in speed with the dense one of its kind, timed in the same rounds. Peak memory is what a process of "
    "its own took to load the model and read one batch, beyond its libraries.</p>\n"
)


def pruned_models(records: Sequence[Record]) -> str:
    """For each run its models side by side, score against speed, and what is left of each layer."""
    body = "".join(_run(record, index, len(records)) for index, record in enumerate(records))
    return f"{_EXPLAINED}{body}" if body else ""


def outcome(record: Record) -> str:
    """What the sparsest model of a run is worth, as a sentence; empty where the record does not say."""
    rows = schema.numbered(_rows(record), "score")
    if len(rows) < 2:
        return ""
    dense, last, metric = rows[0], rows[-1], _metric(record)
    faster = f", and a batch is read {fixed(last['faster'], 1)} times as fast" if number(last.get("faster")) is not None else ""
    return (
        f"Pruned for {_task(record)}, with {percent(last['gone'])} of attention and feed-forward parts gone, the {metric} is "
        f"{fixed(last['score'], 4)} (dense: {fixed(dense['score'], 4)}){faster}."
    )


def sparsest(record: Record) -> tuple[str, str] | None:
    """The main numbers of the sparsest model of a run, and of the dense one; None where the record does not say."""
    rows = schema.numbered(_rows(record), "score")
    return (fixed(rows[-1]["score"], 4), fixed(rows[0]["score"], 4)) if len(rows) > 1 else None


def _run(record: Record, index: int, among: int) -> str:
    rows, metric = _rows(record), _metric(record)
    told = outcome(record) if among > 1 else ""  # One alone is told at the head of the page.
    return "".join(
        (
            heading(_label(record), among),
            f"<p>{escape(told)}</p>\n" if told else "",
            table(f"Models for {_task(record)}{_how(record)}", _columns(metric), rows),
            table("Delivered besides", _delivered_columns(metric), _delivered(record)),
            side_by_side([*_costs(record, rows, index), *_structures(record, index)]),
            notes(record),
            rest(record),
        )
    )


def _task(record: Record) -> str:
    return plain(record.results.get("task") or record.name)


def _metric(record: Record) -> str:
    return plain(record.results.get("metric") or "score")


def _label(record: Record) -> str:
    """Task and, where the run says it, method."""
    method = record.config.get("method")
    return f"{_task(record)}, {plain(method)}" if method else _task(record)


def _name(row: Mapping[str, object]) -> str:
    faster, asked = number(schema.inner(row, "speedup").get("wanted")), number(row.get("sparsity"))
    if faster is not None:
        return f"{fixed(faster, 1)} times faster asked for"
    return "dense" if asked == 0 else f"{percent(asked)} asked for"


def _rows(record: Record) -> list[Row]:
    """The rows of the first table."""
    metric = _metric(record)
    return [
        {
            "model": _name(row),
            "score": schema.inner(row, "scores").get(metric),
            "gone": row.get("real_sparsity", 0.0 if number(row.get("sparsity")) == 0 else None),
            **{key: schema.inner(row, "parameters").get(key) for key in ("all", "without_embeddings")},
            **_costs_of(row, "model", "torch"),
            "by_table": schema.inner(row, "speedup").get("by_table"),
            "as_asked": schema.inner(row, "speedup").get("measured"),
        }
        for row in schema.rows(record.results, "models")
    ]


def _delivered(record: Record) -> list[Row]:
    """The rows of the second table: of each model its folder and its ONNX files."""
    metric, found = _metric(record), list[Row]()
    for row in schema.rows(record.results, "models"):
        delivery, name = schema.inner(row, "delivery"), _name(row)
        for kind, words in (("delivery", "folder"), ("onnx", "ONNX"), ("int8", "ONNX, 8 bits")):
            costs = _costs_of(row, kind, kind)
            if costs["megabytes"] is None:
                continue
            scores = schema.inner(delivery, {"delivery": "scores"}.get(kind, kind))
            difference = delivery.get("onnx") if kind == "onnx" else None
            told: Row = {"delivered": words, "vocabulary": delivery.get("vocabulary"), "score": scores.get(metric)}
            found.append({"model": name, **told, "difference": difference, **costs})
    return found


def _costs_of(row: Mapping[str, object], file: str, kind: str) -> Row:
    """Bytes of a file, and what one kind of it takes to run."""
    size = number(schema.inner(row, "file_bytes").get(file))
    seconds = number(schema.inner(schema.inner(row, "latency"), kind).get("median"))
    memory = number(schema.inner(row, "peak_memory").get(kind))
    return {
        "megabytes": None if size is None else size / 1e6,
        "milliseconds": None if seconds is None else 1e3 * seconds,
        "throughput": schema.inner(row, "throughput").get(kind),
        "faster": schema.inner(row, "times_faster").get(kind),
        "memory": None if memory is None else memory / 1e6,
    }


def _how(record: Record) -> str:
    """On what models were timed, in words."""
    how = schema.inner(record.results, "measured")
    known = [f"{plain(how[key])} {words}" for key, words in _SHAPE if number(how.get(key)) is not None]
    device = f", PyTorch on {plain(how['device'])}" if how.get("device") else ""
    return f"; timed with {', '.join(known)}{device}" if known else ""


_SHAPE = (("batch", "rows"), ("length", "tokens in each"), ("threads", "thread(s)"), ("rounds", "rounds in turn"))


def _costs(record: Record, rows: Sequence[Row], index: int) -> list[tuple[str, str]]:
    """Score against speed; against size where nothing was timed."""
    metric, better = _metric(record), "down" if record.results.get("lower_is_better") is True else "up"
    timed = any(number(row["faster"]) is not None for row in rows)
    key, label = ("faster", "times faster") if timed else ("without_embeddings", "parameters without embeddings")
    points = [
        figures.Point(name=plain(row["model"]), x=x, y=y)
        for row in rows
        if (x := number(row[key])) is not None and (y := number(row["score"])) is not None
    ]
    if len(points) < 2:
        return []
    told = "; ".join(f"{point.name} {fixed(point.y, 4)} at {short(point.x)}" for point in points)
    words = f"{metric} against {'speed' if timed else 'size'}"
    picture = figures.scatter(f"pruned-{index}", f"{words}: {told}", points, x_label=label, y_label=metric)
    return [(picture, f"{words}: better is {better} and to the {'right' if timed else 'left'}.")]


def _structures(record: Record, index: int) -> list[tuple[str, str]]:
    """Heads and units of each layer of each pruned model."""
    drawn, whole = [], _whole(record)
    for place, row in enumerate(schema.rows(record.results, "models")):
        layers = _layers(row)
        if not layers:
            continue
        width = number(row.get("width"))
        words = f"{_name(row)}: heads and units left of each layer, of {count(whole[0])} and {count(whole[1])}"
        words += "" if width is None else f"; {count(width)} entries of the width"
        told = f"{words}: {', '.join(f'{count(heads)}|{count(units)}' for heads, units in layers)}"
        heads_L, units_L = zip(*layers, strict=True)
        drawn.append((structure_chart(f"structure-{index}-{place}", told, heads_L, units_L, whole=whole), f"{words}."))
    return drawn


def _layers(row: Mapping[str, object]) -> list[tuple[float, float]]:
    return [(number(layer.get("heads")) or 0.0, number(layer.get("units")) or 0.0) for layer in schema.rows(row, "structure")]


def _whole(record: Record) -> tuple[float, float]:
    """Heads and units of a dense layer; where the record does not say, of the largest one that is left."""
    said = schema.inner(record.results, "whole")
    layers = [layer for row in schema.rows(record.results, "models") for layer in _layers(row)]
    heads = number(said.get("heads")) or max((heads for heads, _ in layers), default=0.0)
    return heads, number(said.get("units")) or max((units for _, units in layers), default=0.0)
