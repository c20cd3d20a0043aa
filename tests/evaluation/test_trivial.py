"""The trivial models charge what the paper prints, and what counting by hand gives."""

import numpy as np
import pytest

from laconic.evaluation.trivial import uniform_bits_per_byte, unigram_bits_per_byte


@pytest.mark.parametrize(
    ("vocab_size", "bytes_per_token", "printed"),
    [
        (256, 1.0, 8.000),
        (32_000, 4.28, 3.497),
        (256, 5.49, 1.457),
        (256, 1.73, 4.624),
        (256, 2.66, 3.008),
        (256, 3.49, 2.292),
        (256, 4.16, 1.923),
        (256, 4.61, 1.735),
        (256, 2.23, 3.587),
    ],
)
def test_uniform_is_that_of_the_paper(vocab_size: int, bytes_per_token: float, printed: float) -> None:
    """Lester et al. 2024, table 3."""
    assert uniform_bits_per_byte(vocab_size, bytes_per_token) == pytest.approx(printed, abs=6e-4)


def test_unigram_by_hand() -> None:
    train, held_out = np.array([0, 0, 0, 1], dtype=np.int32), np.array([0, 1, 2], dtype=np.int32)
    expected = -(np.log2(4 / 8) + np.log2(2 / 8) + np.log2(1 / 8)) / 6
    assert unigram_bits_per_byte(train, held_out, vocab_size=4, size=6) == pytest.approx(expected - 0.0)


def test_unigram_never_loses_much_to_uniform() -> None:
    tokens = np.random.default_rng(0).integers(0, 16, 10_000).astype(np.int32)
    assert unigram_bits_per_byte(tokens, tokens, vocab_size=16, size=10_000) == pytest.approx(4.0, abs=0.01)
