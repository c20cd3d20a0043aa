"""Records to one self-contained HTML page: it works offline, reads without JavaScript, and asks nobody for anything."""

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path

from laconic.records.files import open_atomic
from laconic.records.record import Record
from laconic.report import figures, sections
from laconic.report.markup import escape
from laconic.report.provenance import provenance
from laconic.report.summary import summary
from laconic.report.theme import stylesheet
from laconic.report.tokenview import SCRIPT


def write_report(records: Sequence[Record], path: Path | str, *, title: str = "laconic: a report") -> Path:
    """Write the page for these records.

    Args:
        records: what to show; the order is kept within each kind. Records of any kind may be among them.
        path: the HTML file; it appears whole or not at all.
        title: heading and title of the page.

    Returns:
        The path of the page.

    Raises:
        MissingExtraError: matplotlib is not installed.
        OutputError: the file cannot be written.
    """
    figures.require_matplotlib()
    page = render_page(records, title=title)
    with open_atomic(path, "w") as stream:
        stream.write(page)
    return Path(path)


def render_page(records: Sequence[Record], *, title: str = "laconic: a report") -> str:
    """The page as HTML text: the same records give the same page, byte for byte."""
    parts = _parts(records)
    contents = "".join(f'<li><a href="#{identity}">{escape(name)}</a></li>' for identity, name, _ in parts)
    body = "".join(
        f'<section id="{identity}">\n<h2>{escape(name)}</h2>\n{content}</section>\n' for identity, name, content in parts
    )
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n{_head(title)}</head>\n<body>\n'
        f"<header>\n<h1>{escape(title)}</h1>\n{summary(records)}"
        f'<nav aria-label="Sections"><ul>{contents}</ul></nav>\n</header>\n'
        f"<main>\n{body}</main>\n"
        "<footer><p>Made by laconic from the records shown here. MB are 10<sup>6</sup> bytes.</p></footer>\n"
        f"<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )


def _parts(records: Sequence[Record]) -> list[tuple[str, str, str]]:
    """Identity, title and content of every section that has something to show."""
    parts = []
    for identity, name, kind, write in sections.SECTIONS:
        chosen = [record for record in records if record.kind == kind]
        content = write(chosen) if chosen else ""
        if content:
            parts.append((identity, name, content))
    known = {kind for _, _, kind, _ in sections.SECTIONS}
    others = [record for record in records if record.kind not in known]
    if others:
        parts.append(("other", "Other records", sections.other(others)))
    parts.append(("provenance", "How it was made", provenance(records)))
    return parts


def _head(title: str) -> str:
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    # Whatever a record may hold: the page loads nothing, and runs no script but the one it was made with.
    allowed = f"style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{digest}'"
    policy = f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"
    return (
        '<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n"
        '<link rel="icon" href="data:,">\n'
        f"<style>\n{stylesheet()}</style>\n"
    )
