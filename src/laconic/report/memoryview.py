"""Tokens of a text, coloured by how much of their probability came from memory, each with the places that it came from."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from laconic.report import schema
from laconic.report.markup import escape, reveal
from laconic.report.wording import number, percent

BOUNDS = (0.05, 0.25, 0.5, 0.75)
"""Where the stronger colours begin, as shares of a token's probability; below the first there is none."""


def memory_view(name: str, rows_N: Sequence[Mapping[str, object]]) -> str:
    """The text of a sequence of tokens, each a span whose colour says how much of its probability came from memory.

    The title of a token says in words what is known of its prediction. Those of its sources that lie in the view are
    counted back in `data-from`, strongest first, so that a script can mark them. Spaces before a word stand outside its
    span.

    Args:
        name: what the text is called.
        rows_N: the tokens in order, as `laconic.report.schema.view` gives them.

    Returns:
        The markup, or an empty string when there are no tokens.
    """
    if not rows_N:
        return ""
    spans = "".join(_span(row, index) for index, row in enumerate(rows_N))
    label = f"Tokens of {escape(name)}, and what memory gave them"
    return (
        f'<div class="view"><div class="tokens memory" role="region" tabindex="0" aria-label="{label}">{spans}</div>\n'
        f'<p class="readout" aria-live="off"></p></div>\n'
    )


def strength(share: object) -> int | None:
    """How strong the colour is for a share that came from memory: 0, no colour, to 4; None where the share is not known."""
    found = number(share)
    return None if found is None else sum(found >= bound for bound in BOUNDS)


def told(row: Mapping[str, object]) -> str:
    """What is known of the prediction of a token, in words.

    Examples:
        >>> told({"probability": 0.12, "from_memory": 0.7, "gate": 0.4, "sources": [[17, 0.5], [1, 0.2]]})
        'probability 12 %, of which 70 % from memory; gate 40 %; sources: 17 tokens back (50 %), 1 token back (20 %)'
    """
    probability, share, gate = (
        percent(row[key]) if number(row.get(key)) is not None else "" for key in ("probability", "from_memory", "gate")
    )
    parts = [f"probability {probability}" if probability else ""]
    if share:
        parts = [f"{parts[0]}, of which {share} from memory" if probability else f"{share} of its probability from memory"]
    parts.append(f"gate {gate}" if gate else "")
    places = [f"{back:,} token{'s' * (back != 1)} back ({percent(part)})" for back, part in schema.sources(row)]
    parts.append(f"sources: {', '.join(places)}" if places else "")
    return "; ".join(part for part in parts if part) or "nothing is recorded"


def _span(row: Mapping[str, object], index: int) -> str:
    level, text = strength(row.get("from_memory")), row.get("text")
    colour = "" if level is None else f' class="m{level}"'
    inside = " ".join(str(back) for back, _ in schema.sources(row) if back <= index)
    origin = f' data-from="{inside}"' if inside else ""
    gap, shown = _apart("" if text is None else str(text))
    return f'{gap}<span{colour} title="{escape(told(row))}"{origin}>{reveal(shown)}</span>'


def _apart(text: str) -> tuple[str, str]:
    """The spaces that a word begins with, which take no colour, and the word; spaces alone stay together."""
    word = text.lstrip(" ")
    return (text[: len(text) - len(word)], word) if word else ("", text)


def _legend() -> str:
    names = [f"under {percent(BOUNDS[0])}"]
    names += [f"{percent(low)} to {percent(high)}" for low, high in pairwise(BOUNDS)]
    names.append(f"{percent(BOUNDS[-1])} or more")
    colours = " ".join(f'<span class="m{level}">{name}</span>' for level, name in enumerate(names))
    return (
        '<p class="caption">The text, token by token: the stronger the colour, the more of the token’s probability came from '
        "memory</p>\n"
        f'<p class="quiet legend">{colours}</p>\n'
        '<p class="quiet legend">Resting on a token tells what is known of its prediction. Where scripts may run, pointing, '
        'or the left and right arrow keys, choose <span class="chosen">a token</span>, tell the same below the text, and mark '
        'those of its <span class="source">sources</span> that stand here: earlier places where the same token followed '
        "something similar. \u21b5 is a line break, \u00b7 a token that adds no text by itself.</p>\n"
    )


LEGEND = _legend()
"""What the colours and marks mean, as markup."""
