"""Which keys of a record the page draws, and how they are read: forgivingly, since a record may come from anywhere.

Five kinds have sections of their own. All numbers are plain JSON numbers; keys marked * are needed, any other may be
missing and then shows as a dash. Keys that the page does not know, and records of other kinds, appear as plain tables.
MB are 10^6 bytes of text.

`compression`, one record for all codecs on one file::

    {"file"*: name shown, "bytes"*: size of the text,
     "codecs"*: [{"name"*, "compressed_bytes"*, "bits_per_byte"*, "encode_mb_per_s", "decode_mb_per_s", "verified": bool}]}

`tokenizers`, one record for all tokenizers on the same held-out text::

    {"file", "bytes",
     "tokenizers"*: [{"name"*, "vocab_size", "bytes_per_token"*, "bit_compression", "encode_mb_per_s",
                      "tokens_shown": [[text, id], ...]}]}      # the beginning of the text, a few hundred tokens

`language-model`, one record per trained model::

    {"tokenizer"*, "bits_per_byte"*, "bytes_per_token", "bit_compression", "bytes_per_step",
     "flops_per_byte": the paper's way, "flops_per_byte_full": with softmax, attention and the byte model,
     "parameters", "parameters_without_embeddings", "training_bytes", "held_out_bytes",
     "curve": [{"bytes": text read so far, "seconds", "bits_per_byte": training loss}, ...],
     "held_out_curve": the same, fewer points, "notes": [sentence, ...]}

`memory`, one record per memory that a language model read a text with; every key may be missing::

    {"text": name shown, "run": the model,
     "memory": {"read": "local" or "long", "size": slots of "long", "temperature", "cache_weight": fixed weight or null},
     "tokens", "perplexity": per token, "vocabulary_perplexity": per token, of the vocabulary alone,
     "frequency_buckets": [{"bucket": how often these tokens occur in the training text, "tokens", "perplexity",
                            "vocabulary_perplexity"}, ...],
     "gates": {"edges": [rising shares, ...], "tokens": [how many predictions have so much of them in memory, ...]},
     "memory_only": {"reachable": share of the tokens that are in memory at all,
                     "accuracy": how often memory by itself ranks those first, "vocabulary_accuracy": the vocabulary},
     "view": [{"text", "probability", "from_memory": share of that probability, "gate",
               "sources": [[tokens back, share of that probability], ...]}, ...]}    # a few hundred tokens in order

`prune`, one record per pruning run; every key may be missing::

    {"task": name shown, "metric": the main score, "lower_is_better": whether that is a cost,
     "models": [{"sparsity": asked for, 0 for the dense model, "real_sparsity", "scores": {metric: ...},
                 "speedup": {"wanted": how many times faster}, where that was asked for,
                 "parameters": {"all", "without_embeddings"},
                 "structure": [{"heads", "units"} of each layer, ...] or null,
                 "file_bytes": {"model", "delivery", "onnx", "int8"},
                 "latency": {"torch" or "onnx" or "int8": {"median": seconds for a batch}},
                 "times_faster": {"torch" or "onnx" or "int8": than the dense model},
                 "peak_memory": {"torch" or "onnx" or "int8": bytes},
                 "delivery": {"vocabulary": tokens, "scores": {metric: ...}, "onnx": largest difference,
                              "int8": {metric: ...}}}, ...],
     "measured": {"batch", "length", "threads", "rounds", "device"}, "whole": {"heads", "units"} of a dense layer}

`Record.cost`, all optional: `wall_seconds`, `flops`, `joules`.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

from laconic.report.wording import number

COMPRESSION, TOKENIZERS, LANGUAGE_MODEL, MEMORY = "compression", "tokenizers", "language-model", "memory"
PRUNE = "prune"

DRAWN = {
    COMPRESSION: {"file", "bytes", "codecs"},
    TOKENIZERS: {"file", "bytes", "tokenizers"},
    LANGUAGE_MODEL: {
        "tokenizer",
        "bits_per_byte",
        "bytes_per_token",
        "bit_compression",
        "bytes_per_step",
        "flops_per_byte",
        "flops_per_byte_full",
        "parameters",
        "parameters_without_embeddings",
        "training_bytes",
        "held_out_bytes",
        "curve",
        "held_out_curve",
        "notes",
    },
    MEMORY: {
        "text",
        "run",
        "memory",
        "tokens",
        "perplexity",
        "vocabulary_perplexity",
        "frequency_buckets",
        "gates",
        "memory_only",
        "view",
    },
    PRUNE: {"task", "metric", "lower_is_better", "judged_on", "models", "measured", "whole"},
}
"""The keys of `Record.results` that the sections of each kind show."""


def rows(results: Mapping[str, object], key: str) -> list[dict[str, object]]:
    """The list of tables under `key`; entries that are not tables are left out, and so is a value that is no list."""
    found = results.get(key)
    if not isinstance(found, Sequence) or isinstance(found, str):
        return []
    return [{str(name): value for name, value in row.items()} for row in found if isinstance(row, Mapping)]


def numbered(rows_N: Sequence[Mapping[str, object]], key: str) -> list[dict[str, object]]:
    """Only the rows whose `key` is a number: the ones a figure can draw."""
    return [dict(row) for row in rows_N if number(row.get(key)) is not None]


def curve(results: Mapping[str, object], key: str, x: str, y: str, *, most: int = 400) -> list[tuple[float, float]]:
    """The points of a curve, in order, thinned evenly to at most `most` of them; the last one always stays."""
    pairs = [(number(row.get(x)), number(row.get(y))) for row in rows(results, key)]
    points = [(a, b) for a, b in pairs if a is not None and b is not None]
    if len(points) <= most:
        return points
    return [points[(i * (len(points) - 1)) // (most - 1)] for i in range(most)]


def tokens_shown(row: Mapping[str, object], *, most: int = 400) -> list[tuple[str, str]]:
    """The beginning of a text as `(text, id)` pairs, at most `most`; entries of another shape are left out."""
    found = row.get("tokens_shown")
    if not isinstance(found, Sequence) or isinstance(found, str):
        return []
    pairs = [pair for pair in found if isinstance(pair, Sequence) and not isinstance(pair, str) and len(pair) == 2]
    return [(str(text), str(identity)) for text, identity in pairs[:most]]


def inner(results: Mapping[str, object], key: str) -> dict[str, object]:
    """The table under `key`; empty where there is none."""
    found = results.get(key)
    return {str(name): value for name, value in found.items()} if isinstance(found, Mapping) else {}


def histogram(results: Mapping[str, object], key: str, *, most: int = 200) -> tuple[list[float], list[float]] | None:
    """Edges and counts of the histogram under `key`.

    None where they are no histogram of shares: edges that do not rise, or leave 0 to 1; a count that is missing or negative;
    nothing counted; or more than `most` counts.
    """
    found = inner(results, key)
    edges, counts = _numbers(found.get("edges")), _numbers(found.get("tokens"))
    if not edges or not counts or len(edges) != len(counts) + 1 or len(counts) > most:
        return None
    shares = edges[0] >= 0 and edges[-1] <= 1 and all(a < b for a, b in pairwise(edges))
    return (edges, counts) if shares and min(counts) >= 0 and 0 < sum(counts) < math.inf else None


def view(results: Mapping[str, object], *, most: int = 400) -> list[dict[str, object]]:
    """The tokens of a view, at most `most`; one that is no table stays as an empty one, since sources count tokens."""
    found = results.get("view")
    if not isinstance(found, Sequence) or isinstance(found, str):
        return []
    return [{str(key): value for key, value in row.items()} if isinstance(row, Mapping) else {} for row in found[:most]]


def sources(row: Mapping[str, object], *, most: int = 5) -> list[tuple[int, float]]:
    """What a token of a view was predicted from, as `(tokens back, share of its probability)`, at most `most`.

    Entries of another shape are left out, and so are those that do not lie before the token.
    """
    found = row.get("sources")
    if not isinstance(found, Sequence) or isinstance(found, str):
        return []
    pairs = [_numbers(pair) for pair in found]
    return [(int(pair[0]), pair[1]) for pair in pairs if pair and len(pair) == 2 and _whole(pair[0])][:most]


def _whole(value: float) -> bool:
    return value >= 1 and value.is_integer()


def _numbers(found: object) -> list[float] | None:
    """A list of numbers, or None where it is none, or has anything else among them."""
    if not isinstance(found, Sequence) or isinstance(found, str):
        return None
    values = [number(value) for value in found]
    return None if None in values else [value for value in values if value is not None]


def sentences(results: Mapping[str, object], key: str = "notes") -> list[str]:
    """The list of sentences under `key`, or a single one."""
    found = results.get(key)
    if isinstance(found, str):
        return [found]
    return [str(note) for note in found] if isinstance(found, Sequence) else []
