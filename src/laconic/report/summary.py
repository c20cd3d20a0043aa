"""The first lines of the page: the main numbers of all records, in tiles and sentences."""

from collections.abc import Sequence

from laconic.records.record import Record
from laconic.report import schema
from laconic.report.markup import escape
from laconic.report.memory import contribution, kind
from laconic.report.pruning import outcome, sparsest
from laconic.report.sections import labelled, ours
from laconic.report.wording import count, fixed, number, plain, short


def summary(records: Sequence[Record]) -> str:
    """Tiles with the main numbers, and a sentence for each kind of record that has a section."""
    found = [*_compression(_of(records, schema.COMPRESSION)), *_tokenizers(_of(records, schema.TOKENIZERS))]
    found += [*_models(_of(records, schema.LANGUAGE_MODEL)), *_memories(_of(records, schema.MEMORY))]
    found += _pruned(_of(records, schema.PRUNE))
    if not found:
        return f"<p>{len(records):,} record{'s' * (len(records) != 1)}, shown below as tables.</p>\n"
    tiles = "".join(
        f'<div><dt>{escape(title)}</dt><dd class="value">{escape(value)}</dd><dd class="note">{escape(note)}</dd></div>\n'
        for title, value, note, _ in found
    )
    sentences = " ".join(sentence for *_, sentence in found)
    return f'<p>{escape(sentences)}</p>\n<dl class="tiles">\n{tiles}</dl>\n'


Finding = tuple[str, str, str, str]
"""Title, value and note of a tile, and the sentence that says the same."""


def _of(records: Sequence[Record], kind: str) -> list[Record]:
    return [record for record in records if record.kind == kind]


def _compression(records: Sequence[Record]) -> list[Finding]:
    found = []
    for record in records[:2]:
        rows = schema.numbered(schema.rows(record.results, "codecs"), "bits_per_byte")
        own = [row for row in rows if ours(plain(row.get("name")))]
        rest = [row for row in rows if not ours(plain(row.get("name")))]
        if not rows:
            continue
        best, peer = _least(own or rows), _least(rest) if own and rest else None
        name, value = plain(best.get("name")), fixed(best["bits_per_byte"])
        where = str(record.results.get("file") or record.name)
        against = f"{plain(peer.get('name'))}: {fixed(peer['bits_per_byte'])}" if peer else f"{where}"
        sentence = f"On {where} ({count(record.results.get('bytes'))} bytes) {name} needs {value} bits per byte"
        sentence += f"; the best of the others, {plain(peer.get('name'))}, {fixed(peer['bits_per_byte'])}." if peer else "."
        found.append((f"{name}, bits/byte", value, against, f"{sentence} {_verified(rows)}"))
    return found


def _verified(rows: Sequence[dict[str, object]]) -> str:
    wrong = [plain(row.get("name")) for row in rows if row.get("verified") is False]
    right = sum(row.get("verified") is True for row in rows)
    if wrong:
        return f"Not lossless: {', '.join(wrong)}."
    return (
        f"All {right} round trips gave the text back."
        if right == len(rows)
        else f"{right} of {len(rows)} round trips were verified."
    )


def _tokenizers(records: Sequence[Record]) -> list[Finding]:
    rows = [row for record in records for row in schema.numbered(schema.rows(record.results, "tokenizers"), "bytes_per_token")]
    if not rows:
        return []
    best = max(rows, key=lambda row: number(row["bytes_per_token"]) or 0.0)
    name, value = plain(best.get("name")), fixed(best["bytes_per_token"], 2)
    return [("longest tokens, bytes/token", value, name, f"The longest tokens are those of {name}: {value} bytes each.")]


def _models(records: Sequence[Record]) -> list[Finding]:
    rows = [{**record.results, "label": label} for label, record in labelled(records).items()]
    known = schema.numbered(rows, "bits_per_byte")
    if not known:
        return []
    best = _least(known)
    label, value = str(best["label"]), fixed(best["bits_per_byte"])
    among = f"Of {len(known)} language models the best" if len(known) > 1 else "The language model"
    sentence = f"{among} reads held-out text at {value} bits per byte ({label})."
    found = [("best language model, bits/byte", value, label, sentence)]
    key = (
        "flops_per_byte_full" if all(number(row.get("flops_per_byte_full")) is not None for row in known) else "flops_per_byte"
    )
    priced = schema.numbered(known, key)
    if len(priced) > 1:
        cheap = min(priced, key=lambda row: number(row[key]) or 0.0)
        name, cost = str(cheap["label"]), short(cheap[key])
        told = f"The cheapest takes {cost} FLOPs per byte ({name}, {fixed(cheap['bits_per_byte'])} bits per byte)."
        found.append(("cheapest language model, FLOPs/byte", cost, name, told))
    return found


def _memories(records: Sequence[Record]) -> list[Finding]:
    found = []
    for record in records[:2]:
        if number(record.results.get("perplexity")) is None:
            continue
        value, alone = (fixed(record.results.get(key), 2) for key in ("perplexity", "vocabulary_perplexity"))
        found.append((f"perplexity with {kind(record)}", value, f"vocabulary alone: {alone}", contribution(record)))
    return found


def _pruned(records: Sequence[Record]) -> list[Finding]:
    found = []
    for record in records[:2]:
        values = sparsest(record)
        if values is not None:
            metric = plain(record.results.get("metric"))
            found.append((f"sparsest model, {metric}", values[0], f"dense: {values[1]}", outcome(record)))
    return found


def _least(rows: Sequence[dict[str, object]]) -> dict[str, object]:
    return min(rows, key=lambda row: number(row["bits_per_byte"]) or 0.0)
