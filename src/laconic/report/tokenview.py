"""Tokens of a text in alternating colours: plain spans that need no script; a short script tells more when one is chosen."""

from collections.abc import Sequence

from laconic.report.markup import escape, reveal

LEGEND = "\u21b5 is a line break, \u2192 a tab, a quiet \u00b7 a token that adds no text by itself."
"""What the marks in the text mean."""

COLOURS = 4
"""Neighbouring tokens have different colours, of these many."""

SCRIPT = """
for (const box of document.querySelectorAll(".tokens")) {
  const readout = box.nextElementSibling, spans = [...box.children];
  let at = -1;
  const choose = (index) => {
    at = index;
    const span = spans[at], from = (span.dataset.from || "").split(" ").filter(Boolean);
    for (const other of spans) other.classList.remove("chosen", "source");
    for (const back of from) spans[at - back]?.classList.add("source");
    span.classList.add("chosen");
    readout.textContent = `token ${at + 1} of ${spans.length}, \u201c${span.textContent}\u201d: ${span.title}`;
  };
  const point = (event) => {
    const index = spans.indexOf(event.target.closest("span"));
    if (index >= 0 && index !== at) choose(index);
  };
  box.addEventListener("pointermove", point);
  box.addEventListener("click", point);
  box.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    readout.setAttribute("aria-live", "polite");
    choose(Math.min(Math.max(at + step, 0), spans.length - 1));
    spans[at].scrollIntoView({ block: "nearest" });
  });
}
"""
"""What the page runs, where scripts may run: the token under the pointer, or that which the arrow keys have come to, is named
below its text; the tokens of the same text that its `data-from` counts back to are marked."""


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
