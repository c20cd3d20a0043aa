"""A recipe's tokenizer: found by name, read from a folder, or trained on the given text and no more of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from laconic.errors import UsageError
from laconic.recipes.tokenizer import make_tokenizer
from laconic.tokens.registry import save_tokenizer

TEXT = [b"the cat sat on the mat and the dog sat on the log; " * 40, b"a rose is a rose is a rose. " * 60]


def test_those_that_learn_nothing_read_nothing() -> None:
    def unread() -> Iterator[bytes]:
        raise AssertionError("nothing is to be read")
        yield b""

    assert make_tokenizer("bytes", unread(), limit=10).name == "bytes"


@pytest.mark.parametrize(
    ("name", "kind"), [("sentencepiece[600]", "sentencepiece"), ("bpe[300]", "bpe"), ("static-ac[256]", "ac")]
)
def test_those_that_learn_give_back_what_they_read(name: str, kind: str) -> None:
    tokenizer = make_tokenizer(name, TEXT, limit=3000)
    assert kind in tokenizer.name
    assert tokenizer.decode_bytes(tokenizer.encode_bytes(TEXT[1])) == TEXT[1]


def test_only_so_much_text_is_read(tmp_path: Path) -> None:
    read: list[int] = []

    def documents() -> Iterator[bytes]:
        for number, document in enumerate(TEXT * 5):
            read.append(number)
            yield document

    make_tokenizer("static-ac[65536]", documents(), limit=len(TEXT[0]) + 1)
    assert read == [0, 1]


def test_a_folder_is_read(tmp_path: Path) -> None:
    save_tokenizer(make_tokenizer("bpe[300]", TEXT, limit=3000), tmp_path)
    again = make_tokenizer(str(tmp_path), [], limit=1)
    assert again.encode("the cat and a rose") == make_tokenizer("bpe[300]", TEXT, limit=3000).encode("the cat and a rose")


@pytest.mark.parametrize("name", ["klingon", "sentencepiece[1]", "bpe[many]"])
def test_wrong_names_are_sentences(name: str) -> None:
    with pytest.raises(UsageError):
        make_tokenizer(name, TEXT, limit=3000)
