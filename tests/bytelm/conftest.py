"""What the tests of this room share: a model small enough to train in a test."""

import pytest

from laconic.bytelm.ngram import NGramByteLM
from laconic.bytelm.train_ngram import NGramConfig, train_ngram

TEXTS = (
    b"the cat sat on the mat and the dog sat on the log; then the cat and the dog sat on the mat.\n" * 4,
    "naïve façade über, naïve façade unter\n".encode() * 3,
    bytes(range(256)) + b"\x00\x00\x00",
    b"",
    b"def f(x):\n    return x\n\n\ndef g(x):\n    return f(x)\n" * 5,
)


@pytest.fixture(scope="session")
def texts() -> tuple[bytes, ...]:
    return TEXTS


@pytest.fixture(scope="session")
def small_ngram() -> NGramByteLM:
    """Every level holds contexts; some predict the end of the document."""
    config = NGramConfig(max_bytes=20_000, min_count=1, leave_out=0.5)
    return train_ngram([(text, 1) for text in TEXTS], config, trained_on="five short texts")
