import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from laconic.bytelm.base import CountFormat
from laconic.errors import CorruptFileError, UsageError
from laconic.tokens import arithmetic
from laconic.tokens.arithmetic import ArithmeticConfig, ArithmeticTokenizer


@given(st.data(), st.sampled_from([8, 16]), st.sampled_from([12, 16, 24]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
def test_laws(laws, batches, byte_model, data, token_bits, precision):
    tokenizer = ArithmeticTokenizer(byte_model, ArithmeticConfig(token_bits=token_bits, precision=precision))
    laws(tokenizer, data.draw(batches))


def test_a_document_costs_its_information_its_number_and_no_more(byte_model):
    symbols = np.random.default_rng(5).integers(97, 107, 3000).astype(np.uint16)
    starts, stops = byte_model.ranges(symbols[None], np.array([3000]), CountFormat(precision=16))
    bits = -np.log2((stops - starts) / 2**16).sum()
    ids = ArithmeticTokenizer(byte_model, ArithmeticConfig(token_bits=8)).encode_batch([symbols])[0]
    assert bits / 8 <= ids.size <= bits / 8 + 2 + 1 + 1


def test_likely_text_without_end_comes_back(byte_model):
    """The code of many likely symbols is short, and says nothing of how many they are."""
    tokenizer = ArithmeticTokenizer(byte_model, ArithmeticConfig())
    for length in (0, 1, 127, 128, 3000):
        text = b"a" * length
        assert tokenizer.decode_bytes(tokenizer.encode_bytes(text)) == text


def test_many_documents_of_unlike_length_come_back(unigram):
    rng = np.random.default_rng(3)
    documents = [rng.integers(0, 257, size).astype(np.uint16) for size in rng.integers(0, 400, 600)]
    tokenizer = ArithmeticTokenizer(unigram, ArithmeticConfig())
    for symbols, again in zip(documents, tokenizer.decode_batch(tokenizer.encode_batch(documents)), strict=True):
        np.testing.assert_array_equal(again, symbols)


def test_a_number_that_no_code_can_hold_is_refused_before_any_work(unigram):
    tokenizer = ArithmeticTokenizer(unigram, ArithmeticConfig(token_bits=8))
    for ids in ([0xFF] * 8 + [0x7F, 1, 2], [0x80] * 20, [0xFF, 0x7F], []):
        with pytest.raises(CorruptFileError, match="one whole document"):
            tokenizer.decode_bytes(ids)


def test_a_number_that_only_likely_symbols_could_reach_is_refused_before_memory_is_set_aside(unigram):
    """At 24 bits of precision a kilobyte might hold 300 million symbols, so the length of the code is no bound."""
    tokenizer = ArithmeticTokenizer(unigram, ArithmeticConfig(token_bits=8, precision=24))
    number = [0x80, 0x80, 0x80, 0x80, 0x04]  # 2**30
    for decode in (tokenizer.decode_bytes, lambda ids: tokenizer.spans(np.array(ids, np.int32))):
        with pytest.raises(CorruptFileError, match="claim 1073741824 symbols"):
            decode([*number, *[0] * 4096])


def test_what_is_too_long_to_be_decoded_is_not_encoded(unigram, monkeypatch):
    monkeypatch.setattr(arithmetic, "MAX_SYMBOLS", 5)
    tokenizer = ArithmeticTokenizer(unigram, ArithmeticConfig())
    assert tokenizer.decode_bytes(tokenizer.encode_bytes(b"a" * 5)) == b"a" * 5
    with pytest.raises(UsageError, match="6 symbols"):
        tokenizer.encode_bytes(b"a" * 6)


def test_any_other_ids_decode_to_something(unigram):
    rng = np.random.default_rng(9)
    tokenizer = ArithmeticTokenizer(unigram, ArithmeticConfig(token_bits=8))
    for _ in range(50):
        ids = np.concatenate([[50], rng.integers(0, 256, 40)]).astype(np.int32)
        assert tokenizer.decode_batch([ids])[0].size == 50


@pytest.mark.parametrize(("field", "value"), [("token_bits", 9), ("precision", 11), ("label", "huffman")])
def test_configs_are_checked(field, value):
    with pytest.raises(ValueError, match=field):
        ArithmeticConfig(**{field: value})
