"""Text laid out as in mail and plain-text books: short lines, blank lines between paragraphs."""

from collections.abc import Iterator

from laconic.text.corpus import Corpus

_WIDTHS = range(60, 81)


def wrap_lines(document: bytes, width: int, newline: bytes) -> bytes:
    """Break the lines of a document at spaces so that they fit `width` bytes, with blank lines between the old ones.

    >>> wrap_lines(b"one two three\\nfour", 8, b"\\n")
    b'one two\\nthree\\n\\nfour'
    """
    paragraphs = []
    for line in document.split(b"\n"):
        parts, column = list[bytes](), 0
        for word in line.split(b" "):
            fits = column + 1 + len(word) <= width
            if parts:
                parts.append(b" " if fits else newline)
            column = column + 1 + len(word) if parts and fits else len(word)
            parts.append(word)
        paragraphs.append(b"".join(parts))
    return (2 * newline).join(paragraphs)


def wrap_share(corpus: Corpus, share: float) -> Corpus:
    """A corpus with a share of its documents wrapped at 60 to 80 bytes, evenly spread; a third of them with CR LF.

    Raises:
        ValueError: a share that is not between 0 and 1.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"the share of wrapped documents is {share}, but must lie between 0 and 1")
    if not share:
        return corpus

    def read() -> Iterator[bytes]:
        wrapped = 0
        for index, document in enumerate(corpus.documents()):
            if int((index + 1) * share) > wrapped:
                wrapped += 1
                newline = b"\n" if wrapped % 3 else b"\r\n"
                document = wrap_lines(document, _WIDTHS[wrapped * 8 % len(_WIDTHS)], newline)
            yield document

    return Corpus(name=corpus.name, split=corpus.split, details={**corpus.details, "wrapped": share}, read=read)
