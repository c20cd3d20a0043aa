"""Rows of data to HTML tables: real header cells, numbers aligned, the best value of a column in bold."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from laconic.report.markup import escape
from laconic.report.wording import DASH, number, plain


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a table.

    Attributes:
        key: where a row keeps the value.
        title: the words in the header, with the unit.
        form: the value as text; escaped afterwards.
        best: which end is the better one; None marks nothing.
        numeric: whether the column is aligned as numbers.
    """

    key: str
    title: str
    form: Callable[[object], str] = plain
    best: Literal["low", "high"] | None = None
    numeric: bool = True


def table(caption: str, columns: Sequence[Column], rows: Sequence[Mapping[str, object]], *, across: bool = False) -> str:
    """An HTML table with a caption; the first column names the rows.

    Columns for which no row has a value are left out, except the first. `across` marks the best of each row, among the
    columns that have a better end, instead of the best of each column.

    Returns:
        The markup, or an empty string when there are no rows.
    """
    if not rows or not columns:
        return ""
    kept = [c for i, c in enumerate(columns) if i == 0 or any(row.get(c.key) is not None for row in rows)]
    head = "".join(f'<th scope="col"{_aligned(column)}>{escape(column.title)}</th>' for column in kept)
    best = {column.key: _best(column, rows) for column in kept}
    body = "".join(f"<tr>{_cells(kept, row, _best_across(kept, row) if across else best)}</tr>\n" for row in rows)
    return f"{_opening(caption)}<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table></div>\n"


def pairs(caption: str, values: Mapping[str, object]) -> str:
    """A table of two columns, names and values; values that are tables or lists are told in one line."""
    if not values:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{escape(words(key))}</th><td>{_told(value)}</td></tr>\n' for key, value in values.items()
    )
    return f'{_opening(caption)}<table class="pairs">\n<tbody>\n{rows}</tbody></table></div>\n'


def generic(caption: str, values: Mapping[str, object]) -> str:
    """Tables for a mapping that nobody described: single values first, then each list of tables, then each inner table.

    Keys become titles, with spaces for underscores.
    """
    single = {key: value for key, value in values.items() if not isinstance(value, Mapping) and not _is_rows(value)}
    parts = [pairs(caption, single)]
    for key, value in values.items():
        title = f"{caption}: {words(key)}"
        if _is_rows(value):
            parts.append(_rows_table(title, value))
        elif isinstance(value, Mapping):
            parts.append(generic(title, {str(name): inner for name, inner in value.items()}))
    return "".join(parts)


def words(key: object) -> str:
    """A key as words: `flops_per_byte` becomes `flops per byte`."""
    return str(key).replace("_", " ")


def _opening(caption: str) -> str:
    """The caption and the box that a wide table moves in: the caption stays in sight on a narrow screen."""
    title = escape(caption)
    return f'<p class="caption">{title}</p>\n<div class="scroll" role="region" tabindex="0" aria-label="{title}">'


def _rows_table(caption: str, value: object, most: int = 200) -> str:
    rows = [row for row in value if isinstance(row, Mapping)] if isinstance(value, Sequence) else []
    keys = list(dict.fromkeys(str(key) for row in rows for key in row))
    columns = [
        Column(key=key, title=words(key), form=_line, numeric=any(number(row.get(key)) is not None for row in rows))
        for key in keys
    ]
    cut = f" (the first {most} of {len(rows):,} rows)" if len(rows) > most else ""
    return table(caption + cut, columns, rows[:most])


def _is_rows(value: object) -> bool:
    listed = isinstance(value, Sequence) and not isinstance(value, str)
    return listed and bool(value) and all(isinstance(row, Mapping) for row in value)  # type: ignore[attr-defined]


def _told(value: object) -> str:
    return escape(_line(value))


def _line(value: object, most: int = 300) -> str:
    if isinstance(value, Mapping):
        text = "; ".join(f"{words(key)}: {_line(inner)}" for key, inner in value.items()) or "none"
    elif isinstance(value, Sequence) and not isinstance(value, str):
        text = ", ".join(_line(inner) for inner in value[: most // 2]) or "none"
    else:
        text = plain(value)
    return text if len(text) <= most else f"{text[:most]}\u2026"


def _aligned(column: Column) -> str:
    return ' class="number"' if column.numeric else ""


def _best(column: Column, rows: Sequence[Mapping[str, object]]) -> float | None:
    return _end([number(row.get(column.key)) for row in rows], column.best)


def _best_across(columns: Sequence[Column], row: Mapping[str, object]) -> dict[str, float | None]:
    """Every column that competes asks for the same end."""
    rivals = [column for column in columns if column.best]
    best = _end([number(row.get(column.key)) for column in rivals], rivals[0].best if rivals else None)
    return {column.key: best if column.best else None for column in columns}


def _end(found: Sequence[float | None], which: Literal["low", "high"] | None) -> float | None:
    values = [value for value in found if value is not None]
    if which is None or len(values) < 2:
        return None
    return min(values) if which == "low" else max(values)


def _cells(columns: Sequence[Column], row: Mapping[str, object], best: Mapping[str, float | None]) -> str:
    first, *others = columns
    cells = [f'<th scope="row">{escape(first.form(row.get(first.key)))}</th>']
    for column in others:
        value = row.get(column.key)
        text = escape(column.form(value)) if value is not None else DASH
        if best[column.key] is not None and number(value) == best[column.key]:
            text = f"<strong>{text}</strong>"
        cells.append(f"<td{_aligned(column)}>{text}</td>")
    return "".join(cells)
