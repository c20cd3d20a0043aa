"""Which keys of a record the page draws, and how they are read: forgivingly, since a record may come from anywhere.

Three kinds have sections of their own. All numbers are plain JSON numbers; keys marked * are needed, any other may be
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

`Record.cost`, all optional: `wall_seconds`, `flops`, `joules`.
"""

from collections.abc import Mapping, Sequence

from laconic.report.wording import number

COMPRESSION, TOKENIZERS, LANGUAGE_MODEL = "compression", "tokenizers", "language-model"

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


def sentences(results: Mapping[str, object], key: str = "notes") -> list[str]:
    """The list of sentences under `key`, or a single one."""
    found = results.get(key)
    if isinstance(found, str):
        return [found]
    return [str(note) for note in found] if isinstance(found, Sequence) else []
