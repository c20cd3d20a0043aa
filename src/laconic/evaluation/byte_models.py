"""Bits per byte of a byte model: what an ideal coder would write, from the model's own integer counts."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt16

from laconic.bytelm.base import AbstractByteLM, CountFormat, pad_rows
from laconic.shapes import BYTES

_TOGETHER = 64
"""Texts that the model reads at a time."""


def byte_model_bits(model: AbstractByteLM, texts: Sequence[UInt16[np.ndarray, "_"]], form: CountFormat) -> float:
    """Bits per byte of texts, each from an empty context; ends of documents are charged for but not counted.

    Args:
        model: the byte model.
        texts: symbols; 256 only where `form.eos`.
        form: precision of the counts, and whether documents end.

    Raises:
        ValueError: no text at all.
    """
    size = sum(int(np.count_nonzero(text < BYTES)) for text in texts)
    if not size:
        raise ValueError(f"{len(texts)} texts hold no bytes, but there must be at least one")
    bits = 0.0
    for at in range(0, len(texts), _TOGETHER):
        symbols_BT, lengths_B = pad_rows(texts[at : at + _TOGETHER])
        starts_BT, stops_BT = model.ranges(symbols_BT, lengths_B, form)
        counts_N = (stops_BT - starts_BT)[np.arange(symbols_BT.shape[1]) < lengths_B[:, None]]
        bits += float((form.precision - np.log2(counts_N.astype(np.float64))).sum())
    return bits / size
