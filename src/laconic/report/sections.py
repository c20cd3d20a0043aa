"""One section of the page per kind of record: its words, tables and figures."""

from collections.abc import Callable, Mapping, Sequence

from laconic.records.record import Record
from laconic.report import figures, schema
from laconic.report.markup import escape, slug
from laconic.report.memory import memories
from laconic.report.parts import heading, notes, rest, side_by_side
from laconic.report.pruning import pruned_models
from laconic.report.tables import Column, table
from laconic.report.tokenview import LEGEND, token_view
from laconic.report.wording import count, fixed, number, plain, short, yes_no

_CODECS = (
    Column(key="name", title="codec", numeric=False),
    Column(key="compressed_bytes", title="bytes", form=count, best="low"),
    Column(key="bits_per_byte", title="bits/byte", form=fixed, best="low"),
    Column(key="ratio", title="ratio", form=lambda value: fixed(value, 2), best="high"),
    Column(key="encode_mb_per_s", title="encode MB/s", form=short),
    Column(key="decode_mb_per_s", title="decode MB/s", form=short),
    Column(key="verified", title="round trip verified", form=yes_no, numeric=False),
)
_TOKENIZERS = (
    Column(key="name", title="tokenizer", numeric=False),
    Column(key="vocab_size", title="vocabulary", form=count),
    Column(key="bytes_per_token", title="bytes/token", form=fixed, best="high"),
    Column(key="bit_compression", title="bit compression", form=fixed, best="high"),
    Column(key="encode_mb_per_s", title="encode MB/s", form=short),
)
_MODELS = (
    Column(key="label", title="model", numeric=False),
    Column(key="bits_per_byte", title="bits/byte", form=fixed, best="low"),
    Column(key="bytes_per_step", title="bytes/step", form=fixed, best="high"),
    Column(key="bit_compression", title="bit compression", form=fixed),
    Column(key="flops_per_byte", title="FLOPs/byte (paper)", form=short, best="low"),
    Column(key="flops_per_byte_full", title="FLOPs/byte (all)", form=short, best="low"),
    Column(key="parameters", title="parameters", form=short),
    Column(key="parameters_without_embeddings", title="without embeddings", form=short),
    Column(key="training_bytes", title="bytes read", form=short),
    Column(key="held_out_bytes", title="held-out bytes", form=count),
)


def compression(records: Sequence[Record]) -> str:
    """Codecs side by side on each file: a table, and bars of bits per byte."""
    parts = []
    for index, record in enumerate(records):
        size = number(record.results.get("bytes"))
        rows = [{**row, "ratio": _ratio(size, row)} for row in schema.rows(record.results, "codecs")]
        named = str(record.results.get("file") or record.name)
        told = f"{named}, {count(size)} bytes" if size is not None else named
        drawn = {plain(row.get("name")): float(row["bits_per_byte"]) for row in schema.numbered(rows, "bits_per_byte")}  # type: ignore[arg-type]
        title = f"Bits per byte on {named}: " + ", ".join(f"{name} {fixed(value)}" for name, value in drawn.items())
        parts += [heading(named, len(records)), table(f"{told}; lossless codecs, smallest is best", _CODECS, rows)]
        if drawn:
            picture = figures.bars(f"codecs-{index}", title, drawn, label="bits per byte (less is better)", highlighted=ours)
            parts.append(side_by_side([(picture, "Bits per byte; ours are in colour.")]))
        parts += [notes(record), rest(record)]
    return "".join(parts)


def tokenizers(records: Sequence[Record]) -> str:
    """Tokenizers side by side on each text."""
    parts = []
    for record in records:
        named = str(record.results.get("file") or record.name)
        size = number(record.results.get("bytes"))
        told = f"{named}, {count(size)} bytes" if size is not None else named
        rows = schema.rows(record.results, "tokenizers")
        shown = [{key: value for key, value in row.items() if key != "tokens_shown"} for row in rows]
        parts += [
            heading(named, len(records)),
            table(told, _TOKENIZERS, shown),
            '<p class="quiet">Bit compression is the bits of the text divided by the bits of its tokens, '
            "8 &times; bytes/token &divide; log<sub>2</sub>(vocabulary): above 1 the tokens are smaller than the text.</p>\n",
            notes(record),
            rest(record),
        ]
    return "".join(parts)


def language_models(records: Sequence[Record]) -> str:
    """Models side by side, measured in bits per byte of the text; curves of their training; what a byte costs."""
    rows = [{**record.results, "label": label} for label, record in labelled(records).items()]
    rows = [{"bytes_per_step": row.get("bytes_per_token"), **row} for row in rows]
    told, common = _common(rows)
    parts = [table(told, [column for column in _MODELS if column.key not in common], rows)]
    if any(number(row.get("flops_per_byte")) is not None for row in rows):
        parts.append(_FLOPS)
    if len({number(row.get("held_out_bytes")) for row in rows}) > 1:
        parts.append(
            '<ul class="notes"><li>These models were not measured on the same number of bytes: compare with care.</li></ul>\n'
        )
    parts.append(side_by_side(_training(records) + _costs(rows)))
    parts += [notes(record) for record in records]
    parts += [rest(record) for record in records]
    return "".join(parts)


def tokens(records: Sequence[Record]) -> str:
    """The beginning of the held-out text in the tokens of each tokenizer."""
    parts = []
    for record in records:
        for row in schema.rows(record.results, "tokenizers"):
            view = token_view(plain(row.get("name")), schema.tokens_shown(row))
            if view:
                parts.append(f"<h3>{escape(plain(row.get('name')))}</h3>\n{view}")
    return f'<p class="quiet">{LEGEND}</p>\n{"".join(parts)}' if parts else ""


def other(records: Sequence[Record]) -> str:
    """Records of kinds without a section of their own, as plain tables."""
    return "".join(
        f"<h3>{escape(record.kind)}: {escape(record.name)}</h3>\n{notes(record)}{rest(record)}" for record in records
    )


def ours(name: str) -> bool:
    """Whether a codec is one of laconic's."""
    return name.lower().startswith("laconic")


def labelled(records: Sequence[Record]) -> dict[str, Record]:
    """A short name for each language model: its tokenizer, with the run's name or a number where that is not enough."""
    names = [str(record.results.get("tokenizer") or record.name) for record in records]
    labels: dict[str, Record] = {}
    for name, record in zip(names, records, strict=True):
        label = name if names.count(name) == 1 else f"{name}, {record.name}"
        unique = label
        for again in range(2, len(records) + 2):
            if unique not in labels:
                break
            unique = f"{label} ({again})"
        labels[unique] = record
    return labels


def _common(rows: Sequence[Mapping[str, object]]) -> tuple[str, set[str]]:
    """The caption of the models' table: it says once what is the same for all of them; and those keys."""
    told, common = ["Bits per byte of the text, never per token"], set()
    for key, words in (("held_out_bytes", "{} held-out bytes"), ("training_bytes", "{} bytes of text read in training")):
        values = {number(row.get(key)) for row in rows}
        if len(values) == 1 and None not in values:
            told.append(words.format(count(values.pop())))
            common.add(key)
    return "; ".join(told), common


_FLOPS = (
    '<p class="quiet">FLOPs/byte (paper): 2 &times; parameters without embeddings, divided by bytes/step, '
    "and the byte model’s where tokens are made by one. FLOPs/byte (all) adds attention and the output layer.</p>\n"
)


def _training(records: Sequence[Record]) -> list[tuple[str, str]]:
    drawn = []
    for axis, label, words in (
        ("bytes", "bytes of text read", "Training loss against text read"),
        ("seconds", "seconds of training", "Training loss against time"),
    ):
        lines = {
            name: schema.curve(record.results, "curve", axis, "bits_per_byte") for name, record in labelled(records).items()
        }
        lines = {name: points for name, points in lines.items() if len(points) > 1}
        dots = {
            name: schema.curve(record.results, "held_out_curve", axis, "bits_per_byte")
            for name, record in labelled(records).items()
        }
        if not lines:
            continue
        ends = ", ".join(f"{name} ends at {fixed(points[-1][1])}" for name, points in lines.items())
        picture = figures.curves(
            f"training-{axis}", f"{words}: {ends}", lines, x_label=label, y_label="bits per byte", dots=dots
        )
        told = "; dots: held-out text." if any(dots.values()) else "."
        drawn.append((picture, f"{words}, in bits per byte of the text{told}"))
    return drawn


def _costs(rows: Sequence[Mapping[str, object]]) -> list[tuple[str, str]]:
    full = all(number(row.get("flops_per_byte_full")) is not None for row in rows)
    flops = "flops_per_byte_full" if full else "flops_per_byte"
    how = "everything counted" if full else "counted the paper's way"
    drawn = []
    for key, label, words in (
        (flops, f"FLOPs per byte, {how}", "Bits per byte against FLOPs per byte"),
        ("bytes_per_token", "bytes per token", "Bits per byte against bytes per token"),
    ):
        known = schema.numbered(schema.numbered(rows, key), "bits_per_byte")
        points = [figures.Point(name=str(row["label"]), x=float(row[key]), y=float(row["bits_per_byte"])) for row in known]  # type: ignore[arg-type]
        if len(points) < 2:
            continue
        told = "; ".join(f"{point.name} {fixed(point.y)} at {short(point.x)}" for point in points)
        picture = figures.scatter(f"cost-{slug(key)}", f"{words}: {told}", points, x_label=label, y_label="bits per byte")
        better = "left" if key == flops else "right"
        drawn.append((picture, f"{words}: better is down and to the {better}."))
    return drawn


def _ratio(size: float | None, row: Mapping[str, object]) -> float | None:
    packed = number(row.get("compressed_bytes"))
    return size / packed if size is not None and packed else None


SECTIONS: tuple[tuple[str, str, str, Callable[[Sequence[Record]], str]], ...] = (
    ("compression", "Compression", schema.COMPRESSION, compression),
    ("tokenizers", "Tokenizers", schema.TOKENIZERS, tokenizers),
    ("models", "Language models", schema.LANGUAGE_MODEL, language_models),
    ("memory", "What the memory contributes", schema.MEMORY, memories),
    ("pruning", "Pruned models", schema.PRUNE, pruned_models),
    ("tokens", "The text in tokens", schema.TOKENIZERS, tokens),
)
"""Identity, title, kind of record and writer of each section, in the order of the page."""
