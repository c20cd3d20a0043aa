import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laconic.errors import CorruptFileError
from laconic.shapes import EOS
from laconic.text.corpora import open_corpus
from laconic.tokens.base import AbstractTokenizer, symbols_of
from laconic.tokens.registry import build_tokenizer, load_tokenizer, save_tokenizer
from laconic.tokens.words import WordConfig, WordTokenizer, read_words, train_words

TEXT = b" \n = A cat = \n \n The cat saw <unk> and the cat . \n"


def tokenizer(**settings: int) -> WordTokenizer:
    return train_words([TEXT], WordConfig(**settings))


def test_words_and_line_ends_the_most_frequent_first() -> None:
    words = tokenizer()
    assert words.name == "words[10]" and words.vocab_size == 10
    assert words.encode_bytes(b" \n cat \n").tolist() == [0, 1, 0]
    assert words.decode_bytes([0, 1, 0]) == b" \n cat \n"
    assert words.spans(np.array([0, 1], np.int32)).tolist() == [[1, 2], [1, 4]]


def test_text_as_it_should_be_comes_back() -> None:
    assert tokenizer().decode_bytes(tokenizer().encode_bytes(TEXT)) == TEXT


@given(st.lists(st.sampled_from([b"cat", b"The", b"dog", b"\n", b" ", b"\xff"]), max_size=20))
def test_other_text_is_tidied_and_stays_tidy(parts: list[bytes]) -> None:
    words = tokenizer()
    ids = words.encode_bytes(b" ".join(parts))
    tidied = words.decode_bytes(ids)
    assert words.encode_bytes(tidied).tolist() == ids.tolist()
    named = [word if word in (b"cat", b"The", b"\n") else b"<unk>" for word in parts if word != b" "]
    assert tidied == b"".join(b" " + word for word in named)


def test_ends_of_documents_are_no_words() -> None:
    symbols = np.concatenate([symbols_of(b"the cat"), [EOS], symbols_of(b" .")]).astype(np.uint16)
    joined, apart = tokenizer().encode_batch([symbols, symbols_of(b"the cat")])
    assert joined.size == 3 and apart.size == 2
    assert tokenizer().eos_id is None and tokenizer().ids_stand_alone


def test_a_small_vocabulary_keeps_line_ends_and_unknown_words() -> None:
    small = tokenizer(vocab_size=3)
    assert small.decode_bytes(small.encode_bytes(b"The cat\n")) == b" <unk> cat \n"
    assert tokenizer(vocab_size=2).vocab_size == 2
    with pytest.raises(ValueError, match="vocab_size is 1"):
        WordConfig(vocab_size=1)


def test_a_folder_brings_it_back(tmp_path: Path) -> None:
    built = build_tokenizer("words", [TEXT], vocab_size=9)
    save_tokenizer(built, tmp_path)
    again: AbstractTokenizer = load_tokenizer(tmp_path)
    assert (again.name, again.encode_bytes(TEXT).tolist()) == (built.name, built.encode_bytes(TEXT).tolist())


@pytest.mark.parametrize(
    "content", [b"", b"cat\n\n", b"<unk>\ncat\n", b"<unk>\n\ncat\ncat\n", b"<unk>\n\na b\n", b"<unk>\n\n\n"]
)
def test_what_is_no_vocabulary_is_refused(content: bytes) -> None:
    with pytest.raises(CorruptFileError, match=re.escape("the vocabulary of the word tokenizer cannot be used")):
        read_words(content)


@pytest.mark.data
def test_wikitext_2_has_the_counts_it_is_known_for(data_root: Path) -> None:
    documents = {split: list(open_corpus("wikitext-2", split, data_root=data_root).documents()) for split in ("train", "test")}
    words = train_words(documents["train"], WordConfig())
    assert words.vocab_size == 33_278
    assert sum(words.encode_bytes(document).size for document in documents["test"]) == 245_569
    assert all(words.decode_bytes(words.encode_bytes(document)) == document for document in documents["test"])
