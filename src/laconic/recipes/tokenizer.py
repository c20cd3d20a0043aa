"""The tokenizer of a recipe: by name where it learns nothing, trained on the recipe's own training text where it does."""

import re
from collections.abc import Iterable, Iterator

from laconic.errors import UsageError
from laconic.text.corpus import take_bytes
from laconic.tokens.base import AbstractTokenizer
from laconic.tokens.registry import build_tokenizer, load_tokenizer

_TRAINED = re.compile(r"(words|sentencepiece|bpe)\[(\d+)\]|static-ac\[(256|65536)\]")


def make_tokenizer(name: str, documents: Iterable[bytes], *, limit: int) -> AbstractTokenizer:
    """Find or train a tokenizer.

    Args:
        name: a folder; a name that `laconic.tokens.registry.load_tokenizer` knows, such as `bytes` or
            `equal-info[16,256]`; or one that learns: `words[33278]`, `sentencepiece[4096]`, `bpe[4096]`,
            `static-ac[256]`.
        documents: training text, read only by those that learn.
        limit: bytes of it to learn from, at most.

    Raises:
        UsageError: no tokenizer has this name.
    """
    learns = _TRAINED.fullmatch(name)
    if learns is None:
        return load_tokenizer(name)
    text = take_bytes(documents, limit)
    if learns[1]:
        return _trained(learns[1], text, int(learns[2]))
    return build_tokenizer("static-ac", text, token_bits={"256": 8, "65536": 16}[learns[3]])


def _trained(kind: str, text: Iterator[bytes], vocab_size: int) -> AbstractTokenizer:
    try:
        return build_tokenizer(kind, text, vocab_size=vocab_size)
    except ValueError as error:
        raise UsageError(f"the tokenizer {kind}[{vocab_size}] cannot be trained ({error}): choose another size") from error
