"""Texts through a model: back again, and each text's code the same in any company."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laconic.archive import coding
from laconic.archive.coding import decode_texts, encode_texts
from laconic.bytelm.base import AbstractByteLM


@pytest.mark.parametrize("precision", [12, 16, 20, 24])
@given(texts=st.lists(st.binary(max_size=40), min_size=1, max_size=6))
def test_round_trip(texts: list[bytes], precision: int, unigram: AbstractByteLM) -> None:
    codes = encode_texts(texts, unigram, precision)
    assert decode_texts(codes, [len(text) for text in texts], unigram, precision) == texts


@given(texts=st.lists(st.binary(max_size=30), min_size=2, max_size=5))
def test_the_company_does_not_matter(texts: list[bytes], unigram: AbstractByteLM) -> None:
    together = encode_texts(texts, unigram, 16)
    assert together == [encode_texts([text], unigram, 16)[0] for text in texts]


def test_the_codes_are_those_of_the_reference(unigram: AbstractByteLM) -> None:
    from laconic.bytelm.base import CountFormat
    from laconic.codec.reference import encode

    text = b"the reference spells out every bit"
    counts_BTC = unigram.counts(np.frombuffer(text, np.uint8).astype(np.uint16)[None], CountFormat(precision=16, eos=False))
    bits = encode([row.tolist() for row in counts_BTC[0]], list(text), 16)
    (code,) = encode_texts([text], unigram, 16)
    assert "".join(f"{byte:08b}" for byte in code) == bits + "0" * (-len(bits) % 8)


def test_any_bytes_decode_to_something(unigram: AbstractByteLM) -> None:
    texts = decode_texts([b"", b"\xff" * 3, b"any"], [4, 9, 2], unigram, 14)
    assert [len(text) for text in texts] == [4, 9, 2]


def test_nothing_and_progress(uniform: AbstractByteLM) -> None:
    assert encode_texts([], uniform, 16) == []
    assert decode_texts([], [], uniform, 16) == []
    told: list[float] = []
    decode_texts([b""], [3000], uniform, 16, told.append)
    assert told == sorted(told) and len(told) > 1 and 0 <= told[0] <= told[-1] < 1


@pytest.mark.parametrize("seconds", [0.0, 1e9])
def test_how_many_texts_share_a_call_changes_no_code(
    seconds: float, unigram: AbstractByteLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [bytes(range(n)) for n in range(1, 60)]
    codes = encode_texts(texts, unigram, 16)
    monkeypatch.setattr(coding, "_SECONDS_AT_ONCE", seconds)
    monkeypatch.setattr(coding, "_FEWEST_AT_ONCE", 100)
    monkeypatch.setattr(coding, "_MOST_AT_ONCE", 1000)
    told: list[float] = []
    assert encode_texts(texts, unigram, 16, told.append) == codes
    assert told == sorted(told) and told[-1] == 1.0
    assert len(told) == (59 if seconds == 0.0 else 7)  # 1, 3, 6 and then 16 rows at once.
