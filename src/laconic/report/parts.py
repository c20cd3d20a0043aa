"""The pieces that sections of the page have in common: headings, figures side by side, notes, and what is left of a record."""

from collections.abc import Sequence

from laconic.records.record import Record
from laconic.report import schema, tables
from laconic.report.markup import escape


def heading(name: str, among: int) -> str:
    """The name above a record's part of a section; nothing where the record is the only one."""
    return f"<h3>{escape(name)}</h3>\n" if among > 1 else ""


def side_by_side(drawn: Sequence[tuple[str, str]]) -> str:
    """Figures with their captions, two beside each other where there is room."""
    inner = "".join(f"<figure>{svg}<figcaption>{escape(words)}</figcaption></figure>\n" for svg, words in drawn)
    return f'<div class="figures">\n{inner}</div>\n' if drawn else ""


def notes(record: Record) -> str:
    """What a record wants to be said about its numbers."""
    items = "".join(f"<li>{escape(note)}</li>" for note in schema.sentences(record.results))
    return f'<ul class="notes">{items}</ul>\n' if items else ""


def rest(record: Record) -> str:
    """The results that no section draws, as plain tables."""
    drawn = schema.DRAWN.get(record.kind, set()) | {"notes"}
    left = {key: value for key, value in record.results.items() if key not in drawn}
    return tables.generic(f"Also recorded by {record.name}" if record.kind in schema.DRAWN else "Results", left)
