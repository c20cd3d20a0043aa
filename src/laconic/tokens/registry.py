"""Tokenizers by name: built from a corpus, saved to a folder, loaded by folder or name."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, get_args

from laconic.bytelm.base import AbstractByteLM
from laconic.bytelm.registry import as_byte_lm
from laconic.codec.windows import Reading
from laconic.errors import UsageError
from laconic.tokens.arithmetic import ArithmeticConfig, ArithmeticTokenizer
from laconic.tokens.base import AbstractTokenizer
from laconic.tokens.byte import ByteTokenizer
from laconic.tokens.equal_info import EqualInfoConfig, EqualInfoTokenizer
from laconic.tokens.face import Tokenizer
from laconic.tokens.folder import load_folder, save_folder
from laconic.tokens.gzip import GZipConfig, GZipTokenizer
from laconic.tokens.static_ac import train_static_ac
from laconic.tokens.words import WordConfig, train_words

TOKEN_MODEL = "light"
"""The byte model of tokenizers that name none: it needs no torch, and in contexts of a few bytes the transformer knows little
more (docs/decisions/0009-tokens-from-the-light-model.md)."""


def build_tokenizer(kind: str, documents: Iterable[bytes] | None = None, **settings: Any) -> Tokenizer:
    """Build a tokenizer.

    Args:
        kind: `bytes`, `words`, `sentencepiece`, `bpe`, `ac`, `static-ac`, `gzip` or `equal-info`.
        documents: the text that `words`, `sentencepiece`, `bpe` and `static-ac` learn from; the others need none.
        settings: the fields of the kind's config (`WordConfig`, `SentencePieceConfig`, `BPEConfig`, `ArithmeticConfig`,
            `GZipConfig`, `EqualInfoConfig`), and for `ac` and `equal-info` also `model`: the byte model, its name or file
            (`light`).

    Raises:
        UsageError: an unknown kind or setting, or no documents where some are needed.
        ValueError: a setting out of range.
    """
    if kind not in _BUILDERS:
        raise UsageError(f"there is no tokenizer {kind!r}: choose one of {', '.join(_BUILDERS)}")
    if kind in TRAINED and documents is None:
        raise UsageError(f"the tokenizer {kind} learns from text, but no documents were given: name a corpus")
    try:
        return Tokenizer(_BUILDERS[kind](documents or (), **settings))
    except TypeError as error:
        unknown = re.search(r"unexpected keyword argument '(\w+)'", str(error))
        if unknown is None:
            raise
        raise UsageError(f"the tokenizer {kind} has no setting {unknown[1]!r}: leave it out") from error


def save_tokenizer(tokenizer: AbstractTokenizer, folder: Path | str) -> None:
    """Write a tokenizer into a folder, which may hold other things, such as a language model.

    Raises:
        OutputError: the folder cannot be written.
    """
    save_folder(tokenizer, Path(folder))


def load_tokenizer(name: str | Path = "default") -> Tokenizer:
    """A tokenizer by folder or by name.

    Args:
        name: a folder that `save_tokenizer` wrote; or `default`, which is `equal-info[16,65536]` under the light byte
            model; or the name of any tokenizer that needs no text to learn from, such as `bytes`, `gzip[256]`,
            `ac[65536]`, `equal-info[24,65536]` or `equal-info[16,256,paper]`.

    Raises:
        UsageError: there is no such folder or name.
        LaconicError: the folder's files cannot be read.
        CorruptFileError: the folder's files are damaged or do not belong together.
        FormatVersionError: a newer laconic wrote the folder.
        ModelMismatchError: the folder needs a byte model that does not come with this laconic.
    """
    if str(name) == "default":
        return build_tokenizer("equal-info")
    if _is_folder(name):
        return Tokenizer(load_folder(Path(name)))
    return _parse(str(name))


def _is_folder(name: str | Path) -> bool:
    """Whether a folder has this name; an empty one is not the working folder, and one no path can have is no error."""
    try:
        return bool(str(name)) and Path(name).is_dir()
    except (OSError, ValueError):
        return False


def _parse(name: str) -> Tokenizer:
    """Invert the names of tokenizers that learn nothing, under the light byte model."""
    written = re.fullmatch(r"(?P<kind>[a-z-]+)(\[(?P<arguments>[^\]]*)\])?", name)
    if written is None or written["kind"] not in _PARSERS:
        raise UsageError(
            f"there is no tokenizer {name!r}: name a folder that laconic tokenizer build wrote, "
            "or default, bytes, gzip[256], ac[65536], equal-info[16,65536]"
        )
    arguments = written["arguments"].split(",") if written["arguments"] else []
    try:
        return build_tokenizer(written["kind"], **_PARSERS[written["kind"]](*arguments))
    except (TypeError, ValueError, KeyError) as error:
        raise UsageError(f"the tokenizer {name!r} cannot be made ({error}): write it as {_FORMS[written['kind']]}") from error


_FORMS = {
    "bytes": "bytes",
    "gzip": "gzip[256], gzip[65536] or gzip[65536,no-header]",
    "ac": "ac[256] or ac[65536]",
    "equal-info": "equal-info[BITS,256 or 65536], then perhaps paper or delay, then perhaps reset=never",
}
_TOKEN_BITS = {"256": 8, "65536": 16}
_DEFAULT_VOCABULARY = "65536"


def _parse_gzip(vocabulary: str = _DEFAULT_VOCABULARY, header: str = "header") -> dict[str, Any]:
    return {"token_bits": _TOKEN_BITS[vocabulary], "header": {"header": True, "no-header": False}[header]}


def _parse_ac(vocabulary: str = _DEFAULT_VOCABULARY) -> dict[str, Any]:
    return {"token_bits": _TOKEN_BITS[vocabulary]}


def _parse_equal_info(bits: str = "16", vocabulary: str = _DEFAULT_VOCABULARY, *extras: str) -> dict[str, Any]:
    settings: dict[str, Any] = {"bits": int(bits), "token_bits": _TOKEN_BITS[vocabulary]}
    for extra in extras:
        if extra.startswith("reset="):
            reset = extra.removeprefix("reset=")
            settings["reset"] = {"every": "every", "never": "never"}.get(reset) or int(reset)
        else:
            settings["reading"] = {reading: reading for reading in get_args(Reading)}[extra]
    return settings


_PARSERS: dict[str, Callable[..., dict[str, Any]]] = {
    "bytes": dict,
    "gzip": _parse_gzip,
    "ac": _parse_ac,
    "equal-info": _parse_equal_info,
}


def _build_sentencepiece(documents: Iterable[bytes], **settings: Any) -> AbstractTokenizer:
    from laconic.tokens.sentencepiece import SentencePieceConfig, train_sentencepiece

    return train_sentencepiece(documents, SentencePieceConfig(**settings))


def _build_bpe(documents: Iterable[bytes], **settings: Any) -> AbstractTokenizer:
    from laconic.tokens.bpe import BPEConfig, train_bpe

    return train_bpe(documents, BPEConfig(**settings))


def _build_ac(
    documents: Iterable[bytes], *, model: str | Path | AbstractByteLM = TOKEN_MODEL, **settings: Any
) -> AbstractTokenizer:
    return ArithmeticTokenizer(as_byte_lm(model), ArithmeticConfig(**settings))


def _build_equal_info(
    documents: Iterable[bytes], *, model: str | Path | AbstractByteLM = TOKEN_MODEL, **settings: Any
) -> AbstractTokenizer:
    return EqualInfoTokenizer(as_byte_lm(model), EqualInfoConfig(**settings))


_BUILDERS: dict[str, Callable[..., AbstractTokenizer]] = {
    "bytes": lambda documents: ByteTokenizer(),
    "words": lambda documents, **settings: train_words(documents, WordConfig(**settings)),
    "sentencepiece": _build_sentencepiece,
    "bpe": _build_bpe,
    "ac": _build_ac,
    "static-ac": lambda documents, **settings: train_static_ac(documents, ArithmeticConfig(**settings)),
    "gzip": lambda documents, **settings: GZipTokenizer(GZipConfig(**settings)),
    "equal-info": _build_equal_info,
}

KINDS = tuple(_BUILDERS)
"""What `build_tokenizer` can build."""

TRAINED = ("words", "sentencepiece", "bpe", "static-ac")
"""Those that learn from text."""
