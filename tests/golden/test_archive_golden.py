"""Files to the byte, for ever: a change here is a breaking change of the format.

The models are made of integer literals. Blocks of LZMA2 are only read: what liblzma writes depends on its release.
"""

import io

import numpy as np
import pytest

from laconic.archive.layout import Layout
from laconic.archive.stream import decompress
from laconic.archive.writer import compress_stream
from laconic.bytelm.base import AbstractByteLM
from laconic.bytelm.uniform import UniformByteLM
from laconic.bytelm.unigram import UnigramByteLM

LETTERS = b" etaoinshrdlcumwfgypbvk"
PANGRAM = b"the quick brown fox jumps over the lazy dog"

# fmt: off
GOLDEN: dict[str, tuple[str, int, bytes, int | None, str]] = {
    "nothing": ("uniform", 20, b"", None,
        "8c4c41430114084a18273ae0e174b2dafe000099e9d85137db46ef115b"),
    "one raw block": ("uniform", 20, b"laconic", None,
        "8c4c41430194084a18273ae0e1749080fb070775b9815176ee6c61636f6e6963"),
    "one byte": ("unigram", 12, b"a", None,
        "8c4c4143018c8d19cb508ba7437c6f6efb010156740d553d5961"),
    "one coded block, precision 12": ("unigram", 12, PANGRAM, None,
        "8c4c4143018c8d19cb508ba7437c6f6ef52b1d7763716674a7d5926bbe74bfdf69a4255ca994c736744235f4d930d5e7"
        "7a84d0e000c0"),
    "one coded block, precision 20": ("unigram", 20, PANGRAM, None,
        "8c4c414301948d19cb508ba7437c98f0f52b1e776371669d81dc0c0c985308b2ef636e5e68af945b8cc96a3d33f54797"
        "f5891afb1e2140"),
    "one coded block, precision 24": ("unigram", 24, PANGRAM, None,
        "8c4c414301988d19cb508ba7437ccbb1f52b1e776371669d81dc12276418c1a7683ebf2db1714eea95b55c291e693d1d"
        "626a71d0a6dec0"),
    "four blocks and an index": ("unigram", 16, PANGRAM + b"\x00\xff\x80\x07\xc8\xc9\xca\xcb\xcc\xcd\xce" + PANGRAM, 30,
        "8c4c414301108d19cb508ba7437c2d77f5181205d0eb780e5cdbaaa97373c446856aaa30937ead61650e00f518150878"
        "9f926988c64745710324e80ff75f289e82b83fa9131899ec00f5181746448c87e62cff4afde9f9e1e7f3b9172f980f79"
        "d77a0da4f3b46982c0f51912f47b87988511f9a62bbbd6759a042d6a849610ff92730a10fe0461aabe6367433b102946"
        "05fd01050010181b181e1820191bb5fc24cd1100000043414c8c"),
}
# fmt: on


def model_named(name: str) -> AbstractByteLM:
    if name == "uniform":
        return UniformByteLM()
    weights_S = np.ones(257, np.uint32)
    for place, letter in enumerate(LETTERS):
        weights_S[letter] = 2300 - 100 * place
    return UnigramByteLM(weights_S, "letters by rank")


@pytest.mark.parametrize("name", GOLDEN)
def test_the_same_bytes_for_ever(name: str) -> None:
    model_name, precision, text, block_bytes, blob = GOLDEN[name]
    model, sink = model_named(model_name), io.BytesIO()
    layout = None if block_bytes is None else Layout(block_bytes=block_bytes, join=False)
    compress_stream(io.BytesIO(text), sink, model=model, precision=precision, layout=layout)
    assert sink.getvalue().hex() == blob
    assert decompress(bytes.fromhex(blob), model) == text


def test_a_block_of_lzma2_is_read_for_ever() -> None:
    blob = "8c4c41430190084a18273ae0e174aa73f85010fc82319140bde0004f000803001e8bc58d2b7c000000"
    assert decompress(bytes.fromhex(blob)) == b"=-" * 40
