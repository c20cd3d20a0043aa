"""What people see of tokens: each run of ids that has text of its own, with that text, and its bits on request."""

from dataclasses import dataclass
from math import log2

import numpy as np
from jaxtyping import UInt16

from laconic.errors import CorruptFileError
from laconic.shapes import EOS
from laconic.tokens.base import EOS_TOKEN, AbstractTokenizer


@dataclass(frozen=True, kw_only=True)
class Run:
    """The shortest run of ids that stands for text of its own: one token, one window, or a whole document.

    Attributes:
        ids: the ids, in order.
        text: what they stand for, for people: see `show_symbols`.
        size: how many symbols that is.
    """

    ids: tuple[int, ...]
    text: str
    size: int

    def bits(self, token_bits: int) -> str:
        """The ids as binary digits, `token_bits` each."""
        return " ".join(f"{i:0{token_bits}b}" for i in self.ids)


def view_runs(tokenizer: AbstractTokenizer, symbols: UInt16[np.ndarray, "_"]) -> list[Run]:
    """Cut a text into runs of its tokens.

    The text shown is that of the input. Where a tokenizer decodes to another one (Equal-Info windows in the reading
    `paper` do), where its runs end in the input is not known: then there is one run.
    """
    ids = tokenizer.encode_batch([symbols])[0]
    try:
        spans = tokenizer.spans(ids)
    except CorruptFileError:
        spans = np.zeros((0, 2), np.int64)
    if spans[:, 1].sum() != symbols.size:
        spans = np.array([[ids.size, symbols.size]])
    runs, place, begin = [], 0, 0
    for tokens, size in spans.tolist():
        text = show_symbols(symbols[begin : begin + size])
        runs.append(Run(ids=tuple(ids[place : place + tokens].tolist()), text=text, size=size))
        place, begin = place + tokens, begin + size
    return runs


def token_bits_of(tokenizer: AbstractTokenizer) -> int:
    """Bits that one id takes when written down: the least that hold the vocabulary."""
    return int(np.ceil(log2(tokenizer.vocab_size)))


def show_symbols(symbols: UInt16[np.ndarray, "_"]) -> str:
    """Symbols as text for people: bytes that are not UTF-8 as `<E2>`, the end of a document as `<eos>`."""
    shown = []
    for part in np.split(symbols, np.flatnonzero(symbols == EOS)):
        if part.size and part[0] == EOS:
            shown.append(EOS_TOKEN)
            part = part[1:]
        text = part.astype(np.uint8).tobytes().decode("utf-8", errors="surrogateescape")
        shown.append("".join(f"<{ord(letter) - 0xDC00:02X}>" if "\udc80" <= letter <= "\udcff" else letter for letter in text))
    return "".join(shown)
