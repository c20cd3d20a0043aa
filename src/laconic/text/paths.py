"""Corpora that are files, folders of files, or standard input."""

import os
import re
import sys
from collections.abc import Callable, Iterator
from functools import partial
from io import BufferedIOBase
from itertools import chain
from pathlib import Path
from typing import cast, final

from laconic.errors import MissingDataError, UsageError
from laconic.text.compressed import sentences, unpacked_name
from laconic.text.corpus import Corpus
from laconic.text.jsonlines import read_json_lines
from laconic.text.parquet import read_parquet
from laconic.text.plain import cut_pieces, read_plain, read_plain_part
from laconic.text.splits import ALL, PERIOD, SPLITS, check_split, select_numbered, split_of_number

TEXT_COLUMN = "text"
"""The field or column that holds the text, unless another is named."""

_JSON_LINES = (".jsonl", ".ndjson")
_PARQUET = (".parquet",)
_SPLIT_NAMES = {"train": "train", "valid": "valid", "validation": "valid", "val": "valid", "dev": "valid", "test": "test"}


def open_path(path: Path, split: str = ALL, *, text_column: str | None = None) -> Corpus:
    """A file, or all files of a folder and its folders in the order of their names, as a corpus.

    `.jsonl`, `.ndjson` and `.parquet` files are tables, with a document in each row; so are `.json` files where
    `text_column` is given. Every other file is plain text: one document, or pieces of at most 16 MiB. All but Parquet may be
    packed (.gz, .bz2, .xz, .zst). Files and folders whose names begin with a dot are passed over.

    How a split is taken, by the first rule that fits:

    1. a folder where some names begin with `train`, others with `valid`, `validation`, `val`, `dev` or `test`: by those names;
    2. tables: of every 20 rows in order one is valid and one is test;
    3. a folder with at least 20 files: of every 20 files in order one is valid and one is test;
    4. plain text: within each file, the first 90 %, the next 5 % and the last 5 % of its bytes.

    Args:
        path: a file or a folder.
        split: `all`, `train`, `valid` or `test`.
        text_column: the field or column that holds the text; `text` if None.

    Raises:
        MissingDataError: nothing can be read there, or the folder has no files.
        UsageError: no such split.
    """
    check_split(split, (ALL, *SPLITS), str(path))
    files = list_files(path)
    named = {file: name for file in files if (name := _split_in_name(file.relative_to(path)))} if path.is_dir() else {}
    readers: list[Callable[[], Iterator[bytes]]]
    if split == ALL:
        rule, readers = "none", [partial(read_file, file, text_column) for file in files]
    elif len(set(named.values())) > 1 and "train" in named.values():
        rule, readers = "file names", [partial(read_file, file, text_column) for file, name in named.items() if name == split]
        if not readers:
            raise MissingDataError(f"{path} has no files for the split {split!r}: add some whose names begin with {split}")
    else:
        rule, readers = _divide(files, split, text_column)
    return Corpus(
        name=str(path),
        split=split,
        details={"source": "path", "files": len(files), "split_rule": rule},
        read=lambda: chain.from_iterable(reader() for reader in readers),
    )


def _divide(files: list[Path], split: str, text_column: str | None) -> tuple[str, list[Callable[[], Iterator[bytes]]]]:
    """Rules 2 to 4 of `open_path`."""
    if len(files) >= PERIOD and not any(is_table(file, text_column) for file in files):
        chosen = [file for number, file in enumerate(files) if split_of_number(number) == split]
        return "whole files", [partial(read_file, file, text_column) for file in chosen]
    rule = "rows of tables, byte ranges of plain text"
    return rule, [partial(_read_part, file, split, text_column) for file in files]


def _read_part(path: Path, split: str, text_column: str | None) -> Iterator[bytes]:
    if is_table(path, text_column):
        return select_numbered(read_file(path, text_column), split)
    return read_plain_part(path, split)


def read_file(path: Path, text_column: str | None = None) -> Iterator[bytes]:
    """All documents of one file, by the end of its name: see `open_path`."""
    if is_table(path, text_column):
        column = text_column or TEXT_COLUMN
        return read_parquet(path, column) if path.suffix.lower() in _PARQUET else read_json_lines(path, column)
    return read_plain(path)


def is_table(path: Path, text_column: str | None) -> bool:
    """Whether a file is read as rows: JSON lines or Parquet."""
    suffix = Path(unpacked_name(path)).suffix.lower()
    return suffix in _JSON_LINES or path.suffix.lower() in _PARQUET or (suffix == ".json" and text_column is not None)


def list_files(path: Path) -> list[Path]:
    """The file itself, or the files below a folder, ordered by their path's bytes.

    Raises:
        MissingDataError: nothing there, a folder that cannot be read, or no files in it.
    """
    with sentences(path):
        path.stat()
        if not path.is_dir():
            return [path]
        files: list[Path] = []
        for folder, folders, names in os.walk(path, onerror=_raise):
            folders[:] = [name for name in folders if not name.startswith(".")]
            files += [Path(folder, name) for name in names if not name.startswith(".")]
    files = sorted((file for file in files if file.is_file()), key=os.fsencode)
    if not files:
        raise MissingDataError(f"the folder {path} holds no files: give a folder with text in it")
    return files


def _raise(error: OSError) -> None:
    raise error


def _split_in_name(relative: Path) -> str | None:
    return _SPLIT_NAMES.get(re.split(r"[^a-z]", relative.parts[0].lower(), maxsplit=1)[0])


@final
class _Once:
    """Standard input's documents: they can be read only once."""

    def __init__(self, stream: BufferedIOBase | None) -> None:
        self._stream = stream
        self._spent = False

    def __call__(self) -> Iterator[bytes]:
        if self._spent:
            raise UsageError("standard input can be read only once, but is needed again: save it to a file and give the file")
        self._spent = True
        return self._pieces()

    def _pieces(self) -> Iterator[bytes]:
        with sentences(Path("standard input")):
            yield from cut_pieces(self._stream or cast(BufferedIOBase, sys.stdin.buffer))


def open_stdin(split: str = ALL, *, stream: BufferedIOBase | None = None) -> Corpus:
    """Standard input as a corpus: plain text, which can be read once.

    Args:
        split: `all`; a stream of unknown length cannot be divided.
        stream: where to read; standard input if None.

    Raises:
        UsageError: another split than `all`.
    """
    check_split(split, (ALL,), "standard input")
    return Corpus(name="-", split=split, details={"source": "standard input"}, read=_Once(stream))
