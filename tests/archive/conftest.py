"""Small models, and a compressed file with many blocks of every kind."""

import io
import random

import numpy as np
import pytest

from laconic.archive.layout import Layout
from laconic.archive.writer import compress_stream
from laconic.bytelm.base import AbstractByteLM
from laconic.bytelm.uniform import UniformByteLM
from laconic.bytelm.unigram import UnigramByteLM

LETTERS = b" etaoinshrdlcumwfgypbvk\nETAOINSHRDLCUMWFGYPBVK.,"


@pytest.fixture(scope="session")
def uniform() -> AbstractByteLM:
    return UniformByteLM()


@pytest.fixture(scope="session")
def unigram() -> AbstractByteLM:
    """A model that likes letters, built from integers alone."""
    weights_S = np.ones(257, np.uint32)
    for place, letter in enumerate(LETTERS):
        weights_S[letter] = 4000 // (place + 1)
    return UnigramByteLM(weights_S, "letters by rank")


@pytest.fixture(scope="session")
def mixed_text() -> bytes:
    """Ten pieces of 32 bytes: letters (coded), one byte repeated (xz), and noise (raw), in turn."""
    dice = random.Random(5)
    letters = [bytes(dice.choices(LETTERS[:12], k=32)) for _ in range(4)]
    pieces = [letters[0], b"\xee" * 32, dice.randbytes(32), letters[1], letters[2], dice.randbytes(32), b"\xdd" * 32]
    return b"".join([*pieces, letters[3], dice.randbytes(32), b"\xcc" * 32])


@pytest.fixture(scope="session")
def mixed_file(mixed_text: bytes, unigram: AbstractByteLM) -> bytes:
    """`mixed_text`, one block for each piece."""
    sink = io.BytesIO()
    compress_stream(io.BytesIO(mixed_text), sink, model=unigram, precision=14, layout=Layout(block_bytes=32, join=False))
    return sink.getvalue()
