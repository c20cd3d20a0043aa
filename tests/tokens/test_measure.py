import numpy as np
import pytest

from laconic.tokens.base import symbols_of
from laconic.tokens.byte import ByteTokenizer
from laconic.tokens.equal_info import EqualInfoConfig, EqualInfoTokenizer
from laconic.tokens.measure import Measurement, measure


def test_rates_follow_from_counts():
    row = Measurement(
        name="x",
        vocab_size=65536,
        text_bytes=4_000_000,
        tokens=1_000_000,
        encode_seconds=2.0,
        decode_seconds=0.5,
        lossless=True,
    )
    assert (row.bytes_per_token, row.bit_compression, row.encode_mb_per_s, row.decode_mb_per_s) == (4, 2, 2, 8)
    assert row.as_dict()["bytes_per_token"] == 4


def test_ends_of_documents_are_not_text():
    row = measure(ByteTokenizer(), [np.array([65, 256], np.uint16), symbols_of(b"")])
    assert (row.text_bytes, row.tokens, row.lossless) == (1, 2, True)


@pytest.mark.parametrize(("reading", "lossless"), [("exact", True), ("delay", True), ("paper", False)])
def test_what_does_not_come_back_is_noticed(unigram, reading, lossless):
    text = np.random.default_rng(4).choice(np.array([*b"the cat on a mat"], np.uint16), 2000)
    assert measure(EqualInfoTokenizer(unigram, EqualInfoConfig(reading=reading)), [text]).lossless is lossless
