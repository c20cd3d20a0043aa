"""Bits per byte of a byte model: what an ideal coder would write, from the model's own integer counts."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt16

from laconic.bytelm.base import AbstractByteLM, CountFormat
from laconic.shapes import BYTES


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
    for text in texts:
        lengths_B = np.array([len(text)])
        starts_BT, stops_BT = model.ranges(text[None], lengths_B, form)
        bits += float((form.precision - np.log2((stops_BT - starts_BT).astype(np.float64))).sum())
    return bits / size
