"""What a memory of earlier text contributes to a language model's predictions: to which tokens, how much, and what it knows."""

from collections.abc import Mapping, Sequence
from itertools import accumulate

from laconic.records.record import Record
from laconic.report import figures, schema
from laconic.report.markup import escape
from laconic.report.memoryview import LEGEND, memory_view
from laconic.report.parts import heading, notes, rest, side_by_side
from laconic.report.tables import Column, table
from laconic.report.wording import count, fixed, number, percent, plain

_PERPLEXITIES = (
    Column(key="tokens", title="tokens", form=count),
    Column(key="vocabulary_perplexity", title="vocabulary alone", form=lambda value: fixed(value, 2), best="low"),
    Column(key="perplexity", title="with memory", form=lambda value: fixed(value, 2), best="low"),
    Column(key="ratio", title="ratio", form=fixed),
)
_BUCKETS = (Column(key="bucket", title="times in the training text", numeric=False), *_PERPLEXITIES)
_MEMORIES = (
    Column(key="model", title="model", numeric=False),
    Column(key="text", title="text", numeric=False),
    Column(key="read", title="reads", numeric=False),
    Column(key="size", title="slots", form=count),
    Column(key="temperature", title="temperature", form=plain),
    Column(key="cache_weight", title="fixed weight", form=percent),
    *_PERPLEXITIES,
)

_EXPLAINED = (
    "<p>A memory keeps earlier places of the text, each with the token that stood there. Before each token the model "
    "compares where it is with those places: what followed the most similar ones becomes more probable. "
    "Nothing is learned for it while the text is read.</p>\n"
    '<p class="quiet">Perplexity is per token: so many tokens, all equally probable, would be as hard to guess; less is '
    "better. Vocabulary alone is the same model, asked without its memory. The gate of a prediction is the share "
    "of it that lies in memory.</p>\n"
)

_READS = {"local": "a local memory", "long": "a long-term memory"}


def memories(records: Sequence[Record]) -> str:
    """What each memory is and changes: perplexity by frequency, a histogram of the gates, and the text token by token."""
    compared = ""
    if len(records) > 1:
        rows = [{**_asked(record), **_measured(record.results)} for record in records]
        compared = table("Every memory on this page; perplexity per token", _MEMORIES, rows, across=True)
    body = "".join(_memory(record, index, len(records)) for index, record in enumerate(records))
    return f"{_EXPLAINED}{compared}{body}" if body else ""


def contribution(record: Record) -> str:
    """How a memory changes the perplexity, as a sentence; empty where a record holds neither number."""
    without, given = (number(record.results.get(key)) for key in ("vocabulary_perplexity", "perplexity"))
    found = ((without, "with the vocabulary alone"), (given, f"with {kind(record)}"))
    known = [f"{fixed(value, 2)} {words}" for value, words in found if value is not None]
    if not known:
        return ""
    ratio = _ratio(record.results)
    change = "" if ratio is None else f", {percent(abs(1 - ratio))} {'less' if ratio <= 1 else 'more'}"
    whose = f" of {plain(record.results['run'])}" if record.results.get("run") else ""
    return f"On {_text(record)} the perplexity{whose} is {' and '.join(known)}{change}."


def kind(record: Record) -> str:
    """What the memory of a record is called: `a local memory`, `a long-term memory`, or only `memory`."""
    return _READS.get(plain(schema.inner(record.results, "memory").get("read")), "memory")


def _memory(record: Record, index: int, among: int) -> str:
    results = record.results
    name = _text(record)
    told = " ".join(part for part in (contribution(record), _settings(results)) if part)
    view = memory_view(name, schema.view(results))
    rows = _buckets(results)
    return "".join(
        (
            heading(_label(record), among),
            f"<p>{escape(told)}</p>\n" if told else "",
            table("Perplexity by how often a token occurs in the training text", _BUCKETS, rows, across=True),
            side_by_side([*_ratios(rows, index), *_gates(results, index)]),
            _by_itself(results),
            f"{LEGEND}{view}" if view else "",
            notes(record),
            rest(record),
        )
    )


def _text(record: Record) -> str:
    return str(record.results.get("text") or record.name)


def _asked(record: Record) -> dict[str, object]:
    """Which model reads which text with what memory; the slots of a local one are those of its segment."""
    memory = schema.inner(record.results, "memory")
    size = memory.get("size") if memory.get("read") == "long" else None
    return {**memory, "size": size, "model": record.results.get("run") or record.name, "text": _text(record)}


def _label(record: Record) -> str:
    """The same in one line."""
    asked = _asked(record)
    size, weight = number(asked["size"]), number(asked.get("cache_weight"))
    known = [plain(asked["text"]), plain(asked["model"]), kind(record)]
    known += [f"{count(size)} slots"] if size is not None else []
    known += [f"fixed weight {percent(weight)}"] if weight is not None else []
    return "; ".join(known)


def _measured(results: Mapping[str, object]) -> dict[str, object]:
    """The numbers of the columns about perplexity."""
    kept = {key: results.get(key) for key in ("tokens", "perplexity", "vocabulary_perplexity")}
    return {**kept, "ratio": _ratio(results)}


def _ratio(results: Mapping[str, object]) -> float | None:
    """Perplexity with memory divided by that without; None where it cannot be told, or is beyond any comparison."""
    without, given = number(results.get("vocabulary_perplexity")), number(results.get("perplexity"))
    if without is None or given is None or without <= 0 or given < 0:
        return None
    return given / without if given / without < 1e9 else None


def _settings(results: Mapping[str, object]) -> str:
    """How long the text is, and what the memory is, in sentences."""
    memory = schema.inner(results, "memory")
    read, size, weight = plain(memory.get("read")), number(memory.get("size")), number(memory.get("cache_weight"))
    size_of_text = number(results.get("tokens"))
    told = [] if size_of_text is None else [f"The text has {count(size_of_text)} tokens."]
    if read == "local":
        told.append("The memory is local: it holds the earlier tokens of the segment that the model is reading.")
    elif read == "long":
        reach = "" if size is None else f", the last {count(size)} of them"
        told.append(f"The memory is long-term: it holds the earlier tokens of the segment, and those before it{reach}.")
    elif memory.get("read"):
        told.append(f"The memory is read as “{read}”.")
    if number(memory.get("temperature")) is not None:
        told.append(f"Similarities are divided by a temperature of {plain(memory['temperature'])}.")
    if weight is not None:
        told.append(f"It has a fixed weight of {percent(weight)} in every prediction, as in a continuous cache.")
    elif memory and memory.get("cache_weight") is None:
        told.append("Vocabulary and memory are added up in one sum, so each prediction has a gate of its own.")
    return " ".join(told)


def _buckets(results: Mapping[str, object]) -> list[dict[str, object]]:
    """The rows of the table by frequency, and one for all tokens."""
    rows = [{"bucket": row.get("bucket"), **_measured(row)} for row in schema.rows(results, "frequency_buckets")]
    return [*rows, {"bucket": "all tokens", **_measured(results)}] if rows else []


def _ratios(rows: Sequence[Mapping[str, object]], index: int) -> list[tuple[str, str]]:
    drawn = {plain(row.get("bucket")): ratio for row in rows if (ratio := number(row.get("ratio"))) is not None}
    if not drawn:
        return []
    told = ", ".join(f"{name} {fixed(value)}" for name, value in drawn.items())
    picture = figures.bars(
        f"memory-ratio-{index}",
        f"Perplexity with memory divided by that of the vocabulary alone: {told}",
        drawn,
        label="perplexity ratio (less is better)",
        highlighted=lambda name: drawn[name] < 1,
        in_order=True,
    )
    words = "Perplexity with memory divided by that of the vocabulary alone, by how often a token occurs in the training text"
    return [(picture, f"{words}. Below 1, in colour, memory helps.")]


def _gates(results: Mapping[str, object], index: int) -> list[tuple[str, str]]:
    found = schema.histogram(results, "gates")
    if found is None:
        return []
    edges, counts = found
    total = sum(counts)
    half = next(edge for edge, so_far in zip(edges[1:], accumulate(counts), strict=True) if so_far >= total / 2)
    told = f"Half of the tokens have a gate of at most {percent(half)}."
    picture = figures.histogram(
        f"memory-gates-{index}",
        f"How much of a prediction lies in memory. {told}",
        [100 * edge for edge in edges],
        [100 * (value / total) for value in counts],
        x_label="gate, % of the prediction in memory",
        y_label="% of the tokens",
    )
    return [(picture, f"How much of a prediction lies in memory, over all tokens. {told}")]


def _by_itself(results: Mapping[str, object]) -> str:
    """What the memory knows without the vocabulary, in sentences."""
    found = schema.inner(results, "memory_only")
    keys = ("reachable", "accuracy", "vocabulary_accuracy")
    reachable, accuracy, vocabulary = (percent(found[key]) if number(found.get(key)) is not None else "" for key in keys)
    told = []
    if reachable:
        told.append(f"For {reachable} of the predictions the right token is somewhere in memory; no other can gain.")
    first = [f"memory by itself puts it first in {accuracy} of the cases"] if accuracy else []
    first += [f"the vocabulary by itself puts it first in {vocabulary}"] if vocabulary else []
    if first:
        told.append(f"Where the right token is in memory, {'; '.join(first)}.")
    return f"<p>{escape(' '.join(told))}</p>\n" if told else ""
