"""Tokens of a text in alternating colours: plain spans that need no script; a short script tells more when one is chosen."""

from collections.abc import Sequence

from laconic.report.markup import escape, reveal

LEGEND = "\u21b5 is a line break, \u2192 a tab, a quiet \u00b7 a token that adds no text by itself."
"""What the marks in the text mean."""

COLOURS = 4
"""Neighbouring tokens have different colours, of these many."""

SCRIPT = """
for (const box of document.querySelectorAll(".tokens")) {
  const readout = box.nextElementSibling;
  const tell = (event) => {
    const span = event.target.closest("span");
    if (!span || !box.contains(span)) return;
    for (const other of box.querySelectorAll(".chosen")) other.classList.remove("chosen");
    span.classList.add("chosen");
    readout.textContent = "token " + ([...box.children].indexOf(span) + 1) + " of " + box.children.length + ": " + span.title;
  };
  box.addEventListener("pointerover", tell);
  box.addEventListener("click", tell);
}
"""
"""What the page runs, where scripts may run: the token under the pointer is named below its text."""


def token_view(name: str, tokens_N: Sequence[tuple[str, str]]) -> str:
    """The text of a sequence of tokens, each `(text, id)` a coloured span whose title is the id.

    Tokens that add no text by themselves, such as the first of a window's two, show as a quiet middle dot; control
    characters are made visible.

    Returns:
        The markup, or an empty string when there are no tokens.
    """
    if not tokens_N:
        return ""
    spans = "".join(
        f'<span class="t{index % COLOURS}{"" if text else " silent"}" title="id {escape(identity)}">{reveal(text)}</span>'
        for index, (text, identity) in enumerate(tokens_N)
    )
    return (
        f'<div class="tokens" role="region" tabindex="0" aria-label="Tokens of {escape(name)}">{spans}</div>\n'
        f'<p class="readout" aria-live="off"></p>\n'
    )
