"""What models without any context charge for tokens: the floor to beat (Lester et al. 2024, table 3)."""

import math

import numpy as np
from jaxtyping import Int32, Int64

from laconic.evaluation.bits import bit_compression

_PIECE = 1 << 20
"""Ids that are counted at once."""


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
    learned_V, said_V = (_counts(ids_N, vocab_size) for ids_N in (train_N, held_out_N))
    bits_V = math.log2((learned_V + 1.0).sum()) - np.log2(learned_V + 1.0)
    return float(said_V @ bits_V) / size


def _counts(ids_N: Int32[np.ndarray, "_"], vocab_size: int) -> Int64[np.ndarray, "V"]:
    """How often each id occurs; a piece after another, for counting makes wider numbers of all that it counts."""
    counts_V = np.zeros(vocab_size, np.int64)
    for first in range(0, len(ids_N), _PIECE):
        counts_V += np.bincount(ids_N[first : first + _PIECE], minlength=vocab_size)
    return counts_V
