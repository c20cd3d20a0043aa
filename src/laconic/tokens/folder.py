"""Tokenizers in folders: `laconic_tokenizer.json` with the settings, and the files it names. Nothing there can run code."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

import xxhash

from laconic.bytelm.base import AbstractByteLM
from laconic.codec.windows import Reading
from laconic.errors import CorruptFileError, FormatVersionError, LaconicError, OutputError, UsageError
from laconic.records.files import open_atomic
from laconic.tokens.base import AbstractTokenizer
from laconic.tokens.byte import ByteTokenizer
from laconic.tokens.byte_model import BYTE_MODEL_FILE, DeferredByteLM, load_byte_model
from laconic.tokens.codebook_file import CODEBOOK_FILE, read_codebook
from laconic.tokens.words import VOCABULARY_FILE, read_words

SETTINGS_FILE = "laconic_tokenizer.json"
FORMAT = "laconic-tokenizer"
VERSION = 2
"""Raised whenever an older laconic could not read, or would read other ids from, a new folder."""

_MAX_SETTINGS = 1 << 20
_FILES = ("sentencepiece.model", "bpe.json", VOCABULARY_FILE, BYTE_MODEL_FILE, CODEBOOK_FILE)

_RESETS: tuple[Literal["every"], Literal["never"]] = ("every", "never")

Value = TypeVar("Value")


@dataclass(frozen=True)
class _Folder:
    """What a tokenizer is built from.

    Attributes:
        path: the folder.
        settings: JSON values, not yet trusted.
        files: the names that the settings list, whose checksums were right.
    """

    path: Path
    settings: dict[str, Any]
    files: tuple[str, ...]

    def setting(self, name: str, kind: type[Value]) -> Value:
        """A setting of the given type."""
        value = self.settings[name]
        if type(value) is not kind:
            raise TypeError(f"{name} is {value!r}")
        return value

    def choice(self, name: str, choices: tuple[Value, ...]) -> Value:
        """A setting that is one of a few."""
        for choice in choices:
            if self.settings[name] == choice:
                return choice
        raise ValueError(f"{name} is {self.settings[name]!r}")

    def file(self, name: str) -> Path:
        """The path of a file that must be there."""
        if name not in self.files:
            raise KeyError(name)
        return self.path / name


def save_folder(tokenizer: AbstractTokenizer, folder: Path) -> list[Path]:
    """Write a tokenizer into a folder, which may hold other things, such as a language model; returns what was written.

    Raises:
        OutputError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error.strerror}; choose a folder that is writable") from error
    names = tokenizer.save_files(folder)
    document = {
        "format": FORMAT,
        "version": VERSION,
        "name": tokenizer.name,
        "settings": tokenizer.settings(),
        "files": {name: _checksum(folder / name) for name in names},
    }
    with open_atomic(folder / SETTINGS_FILE, "w") as stream:
        stream.write(json.dumps(document, indent=2) + "\n")
    return [folder / name for name in [*names, SETTINGS_FILE]]


def load_folder(folder: Path) -> AbstractTokenizer:
    """Read what `save_folder` wrote.

    Raises:
        UsageError: the folder holds no tokenizer.
        CorruptFileError: its files are damaged or do not belong together.
        FormatVersionError: a newer laconic wrote it.
        ModelMismatchError: it needs a byte model that does not come with this laconic.
        LaconicError: its files cannot be read at all.
    """
    try:
        content = _read(folder)
    except OSError as error:
        raise _unreadable(folder, error) from error
    try:
        return _LOADERS[content.setting("kind", str)](content)
    except OSError as error:
        raise _unreadable(folder, error) from error
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptFileError(
            f"{folder / SETTINGS_FILE} has settings that do not make a tokenizer ({error}): build it again"
        ) from error


def _unreadable(folder: Path, error: OSError) -> LaconicError:
    """The one sentence for files that are there and cannot be read."""
    return LaconicError(f"cannot read {error.filename or folder}: {error.strerror}; check its permissions and the disk")


def _read(folder: Path) -> _Folder:
    """The settings of a folder, its format, version and checksums in order."""
    path = folder / SETTINGS_FILE
    if not path.is_file():
        raise UsageError(f"{folder} holds no {SETTINGS_FILE}: name a folder that laconic tokenizer build wrote, or a tokenizer")
    with path.open("rb") as stream:
        written = stream.read(_MAX_SETTINGS + 1)
    try:
        document = json.loads(written) if len(written) <= _MAX_SETTINGS else None
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise CorruptFileError(f"{path} is not the settings of a tokenizer: build the tokenizer again")
    version = document.get("version")
    if type(version) is not int or version < 1:
        raise CorruptFileError(f"{path} has format version {version!r}, but they count from 1: build the tokenizer again")
    if version > VERSION:
        raise FormatVersionError(
            f"{path} has format version {version}, but this laconic knows up to {VERSION}: upgrade laconic"
        )
    settings, files = document.get("settings"), document.get("files")
    if not isinstance(settings, dict) or not isinstance(files, dict) or not set(files) <= set(_FILES):
        raise CorruptFileError(f"{path} lacks settings or names unknown files: build the tokenizer again")
    for name, checksum in files.items():
        if _checksum(folder / name) != checksum:
            raise CorruptFileError(f"{folder / name} is missing or was altered since it was saved: build the tokenizer again")
    return _Folder(folder, settings, tuple(files))


def _checksum(path: Path) -> str | None:
    """xxh64 of a file in hexadecimal; None where there is no such file."""
    if not path.is_file():
        return None
    digest = xxhash.xxh64()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _load_sentencepiece(folder: _Folder) -> AbstractTokenizer:
    from laconic.tokens.sentencepiece import MODEL_FILE, SentencePieceTokenizer

    return SentencePieceTokenizer(folder.file(MODEL_FILE).read_bytes())


def _load_bpe(folder: _Folder) -> AbstractTokenizer:
    from laconic.tokens.bpe import VOCABULARY_FILE, BPETokenizer

    return BPETokenizer(folder.file(VOCABULARY_FILE).read_text(encoding="utf-8"))


def _load_gzip(folder: _Folder) -> AbstractTokenizer:
    from laconic.tokens.gzip import GZipConfig, GZipTokenizer

    return GZipTokenizer(GZipConfig(token_bits=folder.setting("token_bits", int), header=folder.setting("header", bool)))


def _load_arithmetic(folder: _Folder) -> AbstractTokenizer:
    from laconic.tokens.arithmetic import ArithmeticConfig, ArithmeticTokenizer

    config = ArithmeticConfig(
        token_bits=folder.setting("token_bits", int),
        precision=folder.setting("precision", int),
        label=folder.setting("kind", str),
    )
    return ArithmeticTokenizer(_byte_model(folder), config)


def _load_equal_info(folder: _Folder) -> AbstractTokenizer:
    from laconic.tokens.equal_info import EqualInfoConfig, EqualInfoTokenizer

    config = EqualInfoConfig(
        bits=folder.setting("bits", int),
        token_bits=folder.setting("token_bits", int),
        reading=folder.choice("reading", get_args(Reading)),
        reset=folder.setting("reset", int) if type(folder.settings["reset"]) is int else folder.choice("reset", _RESETS),
        precision=folder.setting("precision", int),
    )
    if CODEBOOK_FILE not in folder.files:
        return EqualInfoTokenizer(_byte_model(folder), config)
    path = folder.file(CODEBOOK_FILE)
    book, made_from = read_codebook(path)
    description = folder.setting("byte_model_description", str)
    tokenizer = EqualInfoTokenizer(DeferredByteLM(*_place_of_byte_model(folder), description), config, book)
    if made_from != tokenizer.codebook_made_from or book.bits != config.bits:
        raise CorruptFileError(f"{path} was made from other windows than the tokenizer's: build the tokenizer again")
    return tokenizer


def _byte_model(folder: _Folder) -> AbstractByteLM:
    return load_byte_model(*_place_of_byte_model(folder))


def _place_of_byte_model(folder: _Folder) -> tuple[int, Path | None]:
    """The fingerprint of the byte model, and its file; None where it comes with laconic."""
    path = folder.file(BYTE_MODEL_FILE) if BYTE_MODEL_FILE in folder.files else None
    return int(folder.setting("byte_model", str), 16), path


_LOADERS: dict[str, Callable[[_Folder], AbstractTokenizer]] = {
    "bytes": lambda folder: ByteTokenizer(),
    "words": lambda folder: read_words(folder.file(VOCABULARY_FILE).read_bytes()),
    "sentencepiece": _load_sentencepiece,
    "bpe": _load_bpe,
    "gzip": _load_gzip,
    "ac": _load_arithmetic,
    "static-ac": _load_arithmetic,
    "equal-info": _load_equal_info,
}
