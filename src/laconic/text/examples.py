"""Documents as symbols, joined and cut into examples: the first half of the paper's pipeline."""

from collections.abc import Iterable, Iterator

import numpy as np
from jaxtyping import UInt16

from laconic.shapes import EOS


def document_symbols(document: bytes) -> UInt16[np.ndarray, "_"]:
    """The bytes of a document as symbols, and the end-of-document symbol behind them."""
    symbols = np.empty(len(document) + 1, dtype=np.uint16)
    symbols[:-1] = np.frombuffer(document, dtype=np.uint8)
    symbols[-1] = EOS
    return symbols


def cut_examples(documents: Iterable[bytes], *, join: int, size: int) -> Iterator[UInt16[np.ndarray, "_"]]:
    """Join documents, each ended by the end-of-document symbol, and cut the joined text into examples.

    Args:
        documents: read one at a time.
        join: after so many documents a new text begins: no example reaches from one joined text into the next.
        size: symbols in an example.

    Returns:
        Arrays of `size` symbols; the last of each joined text is what is left of it, and may be shorter. One behind the
        other they are all documents with their ends: nothing is dropped and nothing is added.

    Source:
        Lester et al. 2024, section 3.1, which leaves open what becomes of the rest.
    """
    buffer, filled = np.empty(size, dtype=np.uint16), 0
    for number, document in enumerate(documents, start=1):
        symbols, at = document_symbols(document), 0
        while at < len(symbols):
            taken = min(size - filled, len(symbols) - at)
            buffer[filled : filled + taken] = symbols[at : at + taken]
            filled, at = filled + taken, at + taken
            if filled == size:
                yield buffer.copy()
                filled = 0
        if filled and number % join == 0:
            yield buffer[:filled].copy()
            filled = 0
    if filled:
        yield buffer[:filled].copy()


def count_text(symbols: UInt16[np.ndarray, "_"]) -> int:
    """How many of the symbols are bytes of text."""
    return int(np.count_nonzero(symbols != EOS))


def cut_text(symbols: UInt16[np.ndarray, "_"], limit: int) -> UInt16[np.ndarray, "_"]:
    """The symbols up to the last of the first `limit` bytes of text; all of them where there is no more text than that."""
    text = np.flatnonzero(symbols != EOS)
    if len(text) <= limit:
        return symbols
    return symbols[: int(text[limit - 1]) + 1 if limit > 0 else 0]
