"""What models without any context charge for tokens: the floor to beat (Lester et al. 2024, table 3)."""

import math

import numpy as np
from jaxtyping import Int32

from laconic.evaluation.bits import bit_compression


def uniform_bits_per_byte(vocab_size: int, bytes_per_token: float) -> float:
    """Bits per byte where every id is equally likely: 8 by the bit compression.

    Examples:
        >>> round(uniform_bits_per_byte(32_000, 4.28), 3)
        3.497
    """
    return 8 / bit_compression(bytes_per_token, vocab_size)


def unigram_bits_per_byte(
    train_N: Int32[np.ndarray, "_"], held_out_N: Int32[np.ndarray, "_"], *, vocab_size: int, size: int
) -> float:
    """Bits per byte of the ids' own frequencies, counted on training text with one added to each.

    Args:
        train_N: tokens of training text.
        held_out_N: all tokens of the held-out text.
        vocab_size: ids that carry text.
        size: bytes of the held-out text.
    """
    counts_V = np.bincount(train_N, minlength=vocab_size) + 1.0
    bits_V = math.log2(counts_V.sum()) - np.log2(counts_V)
    return float(bits_V[held_out_N].sum()) / size
