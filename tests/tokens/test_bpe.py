import functools
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from laconic.errors import CorruptFileError
from laconic.shapes import EOS
from laconic.tokens.bpe import BPEConfig, BPETokenizer, byte_letters, train_bpe

_TEXT = "The cat sat on the mat, and the hat of the cat was flat; a bat spat at that cat.\n Käse – 日本\n".encode()


@functools.cache
def _tokenizer() -> BPETokenizer:
    return train_bpe([_TEXT * 30], BPEConfig(vocab_size=400))


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_laws(laws, batches, data):
    laws(_tokenizer(), data.draw(batches))


@given(st.binary(max_size=200))
def test_any_bytes_come_back(content):
    assert _tokenizer().decode_bytes(_tokenizer().encode_bytes(content)) == content


def test_the_alphabet_is_that_of_gpt2():
    letters = byte_letters()
    assert sorted(letters.values()) == list(range(256))
    assert (letters["Ġ"], letters["Ċ"], letters["A"], letters["Ń"]) == (32, 10, 65, 173)


def test_words_get_pieces_and_the_end_of_a_document_the_last_id():
    tokenizer = _tokenizer()
    assert len(tokenizer.encode(" cat cat cat")) <= 6
    assert tokenizer.encode_batch([np.array([EOS], np.uint16)])[0].tolist() == [tokenizer.vocab_size - 1]
    assert tokenizer.vocab_size <= 400


def test_a_saved_vocabulary_gives_the_same_ids(tmp_path):
    assert _tokenizer().save_files(tmp_path) == ["bpe.json"]
    again = BPETokenizer((tmp_path / "bpe.json").read_text())
    np.testing.assert_array_equal(again.encode_bytes(_TEXT), _tokenizer().encode_bytes(_TEXT))


def test_only_the_merges_of_a_file_are_used(tmp_path):
    _tokenizer().save_files(tmp_path)
    settings = json.loads((tmp_path / "bpe.json").read_text())
    settings |= {"normalizer": {"type": "Lowercase"}, "pre_tokenizer": None}
    settings["truncation"] = {"direction": "Right", "max_length": 1, "strategy": "LongestFirst", "stride": 0}
    again = BPETokenizer(json.dumps(settings))
    np.testing.assert_array_equal(again.encode_bytes(_TEXT), _tokenizer().encode_bytes(_TEXT))


def test_what_is_no_vocabulary_or_changes_text_is_refused(tmp_path):
    _tokenizer().save_files(tmp_path)
    good = (tmp_path / "bpe.json").read_text()
    lossy = json.loads(good)
    lossy["model"]["dropout"] = 0.5
    fewer = json.loads(good)
    del fewer["model"]["vocab"]["A"]
    lacking = json.loads(good)
    lacking["model"] |= {"vocab": {"a": 0}, "merges": []}
    for text in ("", "{}", "[1]", good[:-20], *(json.dumps(wrong) for wrong in (lossy, fewer, lacking))):
        with pytest.raises(CorruptFileError, match="build the tokenizer again"):
            BPETokenizer(text)


def test_configs_are_checked():
    with pytest.raises(ValueError, match="vocab_size"):
        BPEConfig(vocab_size=256)
