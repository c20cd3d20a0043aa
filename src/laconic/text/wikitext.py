"""WikiText: one long text of articles, tokenised, in which only the look of a line tells where an article begins."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from laconic.text.compressed import open_unpacked

_TITLE = re.compile(rb" = (?!= ).*(?<! =) = \n")


def read_wikitext(path: Path) -> Iterator[bytes]:
    """The articles of a file of WikiText."""
    with open_unpacked(path) as stream:
        yield from split_articles(stream)


def split_articles(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Cut a text into articles, each of which begins with the blank line before its title; together they are the text.

    A title is ` = Title = ` between two blank lines: within articles, lines of formulas look alike.

    Args:
        lines: with their ends; blank ones may be empty, as on the Hugging Face hub.
    """
    article, last = list[bytes](), list[bytes]()
    for line in (line or b" \n" for line in lines):
        last.append(line)
        if len(last) < 3:
            continue
        if not last[0].strip() and _TITLE.fullmatch(last[1]) and not last[2].strip() and article:
            yield b"".join(article)
            article = []
        article.append(last.pop(0))
    if whole := b"".join(article + last):
        yield whole
