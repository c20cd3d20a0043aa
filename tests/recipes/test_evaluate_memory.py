"""Words, texts and settings around a memory; that runs are tuned and looked into is tested with `evaluate_run`."""

from pathlib import Path

import pytest
from tests.recipes.small import small_config, write_text
from tests.training.models import tiny_model

from laconic.errors import UsageError
from laconic.evaluation.memory import MemoryConfig
from laconic.recipes.evaluate_memory import Reader, count_words, token_texts
from laconic.tokens.byte import ByteTokenizer
from laconic.tokens.registry import load_tokenizer


def test_words_and_ends_of_lines_are_counted() -> None:
    assert count_words([b"the cat  sat\non the mat .\n", b"", b"\n\n end"]) == 7 + 2 + 2 + 1


def test_each_token_has_its_text() -> None:
    tokenizer = ByteTokenizer()
    assert token_texts(tokenizer, tokenizer.encode_bytes(b"a cat")) == ["a", " ", "c", "a", "t"]


def test_where_several_tokens_are_one_text_the_first_has_it() -> None:
    tokenizer = load_tokenizer("default")
    ids = tokenizer.encode_bytes(b"The cat sat on the mat, and the dog beside it.")
    texts = token_texts(tokenizer, ids)
    assert len(texts) == len(ids)
    assert "".join(texts) == "The cat sat on the mat, and the dog beside it."


def test_room_is_asked_for_no_more_slots_than_there_are_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = small_config(write_text(tmp_path))
    reader = Reader(config=config, model=tiny_model(), tokenizer=ByteTokenizer())
    assert reader.config.reading_stride == config.context
    monkeypatch.setattr("laconic.evaluation.memory.available_memory", lambda: 100)
    with pytest.raises(UsageError, match=r"a memory of 9 slots and the reading of the text needs 0\.0 GB of memory"):
        reader.require_room(9, MemoryConfig(read="long", size=10**9), kept=True)
    reader.require_room(9, MemoryConfig(read="local"), kept=False)
