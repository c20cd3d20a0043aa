import functools
import io

import numpy as np
import pytest
import sentencepiece
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from laconic.errors import CorruptFileError, UsageError
from laconic.shapes import EOS
from laconic.tokens.base import symbols_of
from laconic.tokens.sentencepiece import SentencePieceConfig, SentencePieceTokenizer, train_sentencepiece

_TEXT = "The cat sat on the mat, and the hat of the cat was flat; a bat spat at that cat.\n Käse – 日本\n".encode()


@functools.cache
def _tokenizer() -> SentencePieceTokenizer:
    return train_sentencepiece([_TEXT * 30], SentencePieceConfig(vocab_size=512))


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_laws(laws, batches, data):
    laws(_tokenizer(), data.draw(batches))


@given(st.binary(max_size=200))
def test_any_bytes_come_back(content):
    assert _tokenizer().decode_bytes(_tokenizer().encode_bytes(content)) == content


@pytest.mark.parametrize(
    "text",
    [
        "  two  spaces  ",
        "▁",
        " ▁ ▁▁",
        "\0",
        "a\0b",
        "<unk>",
        "<0x41>",
        "\ufeff",
        "\u2585",
        "\u2047",
        "\n\n",
        "ﬁ ｆｕｌｌ",
        "e\u0301",
    ],
)
def test_characters_that_sentencepiece_treats_specially_come_back(text):
    assert _tokenizer().decode_bytes(_tokenizer().encode_bytes(text.encode())) == text.encode()


def test_words_get_pieces_and_the_end_of_a_document_an_id():
    tokenizer = _tokenizer()
    assert len(tokenizer.encode(" cat cat cat")) <= 6
    assert tokenizer.encode_batch([np.array([EOS], np.uint16)])[0].tolist() == [tokenizer.eos_id]
    assert tokenizer.eos_id not in tokenizer.encode(_TEXT.decode())


def test_the_vocabulary_is_as_large_as_asked():
    assert _tokenizer().vocab_size <= 512


def test_a_saved_model_gives_the_same_ids(tmp_path):
    assert _tokenizer().save_files(tmp_path) == ["sentencepiece.model"]
    again = SentencePieceTokenizer((tmp_path / "sentencepiece.model").read_bytes())
    np.testing.assert_array_equal(again.encode_bytes(_TEXT), _tokenizer().encode_bytes(_TEXT))


def test_training_is_repeatable():
    again = train_sentencepiece([_TEXT * 30], SentencePieceConfig(vocab_size=512))
    np.testing.assert_array_equal(again.encode_bytes(_TEXT), _tokenizer().encode_bytes(_TEXT))


def test_invalid_utf8_and_long_lines_do_not_stop_training():
    tokenizer = train_sentencepiece([b"\xff\xfe" + _TEXT * 30, b"cat " * 3000], SentencePieceConfig(vocab_size=512))
    np.testing.assert_array_equal(tokenizer.decode_batch([tokenizer.encode_bytes(b"\xff cat")])[0], symbols_of(b"\xff cat"))


@pytest.mark.parametrize("model", [b"", b"no model", b"\x0a\x05\x0a\x03abc"])
def test_what_is_no_model_is_refused(model):
    with pytest.raises(CorruptFileError, match="build the tokenizer"):
        SentencePieceTokenizer(model)


def _foreign_model(**settings) -> bytes:
    written = io.BytesIO()
    lossless = {"normalization_rule_name": "identity", "add_dummy_prefix": False, "remove_extra_whitespaces": False}
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(_TEXT.decode().splitlines() * 30),
        model_writer=written,
        vocab_size=400,
        hard_vocab_limit=False,
        byte_fallback=True,
        unk_id=0,
        bos_id=-1,
        eos_id=-1,
        pad_id=-1,
        minloglevel=2,
        **lossless | settings,
    )
    return written.getvalue()


def test_a_model_from_elsewhere_that_keeps_text_is_taken():
    tokenizer = SentencePieceTokenizer(_foreign_model())
    assert tokenizer.decode(tokenizer.encode("  the  ﬁne cat \n")) == "  the  ﬁne cat \n"


@pytest.mark.parametrize(
    "settings",
    [
        {"normalization_rule_name": "nmt_nfkc"},
        {"normalization_rule_name": "nfkc"},
        {"add_dummy_prefix": True},
        {"remove_extra_whitespaces": True},
    ],
)
def test_a_model_that_normalises_text_is_refused(settings):
    with pytest.raises(CorruptFileError, match="normalises text"):
        SentencePieceTokenizer(_foreign_model(**settings))


def test_too_little_text_is_refused_in_a_sentence():
    with pytest.raises(UsageError, match="so little text"):
        train_sentencepiece([], SentencePieceConfig())


@pytest.mark.parametrize(("field", "value"), [("vocab_size", 100), ("coverage", 0.5)])
def test_configs_are_checked(field, value):
    with pytest.raises(ValueError, match=field):
        SentencePieceConfig(**{field: value})
