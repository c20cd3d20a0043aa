"""Arbitrary symbols as stretches of text, for tokenizers that only read text.

A subword tokenizer reads valid UTF-8 and may treat some characters specially. Everything it cannot be trusted with goes
around it, byte by byte: invalid UTF-8, and the characters it names.
"""

import re
from collections.abc import Iterator

import numpy as np
from jaxtyping import UInt16

from laconic.shapes import EOS

ESCAPED = "\udc80-\udcff"
"""What Python decodes an invalid byte to with `surrogateescape`, as a range in a regular expression."""


def find_stretches(symbols: UInt16[np.ndarray, "_"], outsiders: re.Pattern[str]) -> Iterator[str | bytes | None]:
    """Cut symbols into stretches, in order.

    Args:
        symbols: values 0 to 256.
        outsiders: matches runs of characters that are to go byte by byte; must match what `ESCAPED` names.

    Yields:
        Text (str) to be tokenized, bytes to be taken one by one, and None for symbol 256. Text and bytes are not empty.
    """
    ends = np.flatnonzero(symbols == EOS)
    begin = 0
    for end in [*ends.tolist(), symbols.size]:
        if end > begin:
            yield from _stretches_of_bytes(symbols[begin:end].astype(np.uint8).tobytes(), outsiders)
        if end < symbols.size:
            yield None
        begin = end + 1


def _stretches_of_bytes(data: bytes, outsiders: re.Pattern[str]) -> Iterator[str | bytes]:
    text = data.decode("utf-8", errors="surrogateescape")
    begin = 0
    for run in outsiders.finditer(text):
        if run.start() > begin:
            yield text[begin : run.start()]
        yield run.group().encode("utf-8", errors="surrogateescape")
        begin = run.end()
    if begin < len(text):
        yield text[begin:]
