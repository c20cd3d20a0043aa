"""Which part of a body of text is held out, where the source does not say: 90 % train, 5 % valid, 5 % test.

Three rules, each a function of the text's place or name alone, so that every machine draws the same line:

* a list of documents (JSON lines, Parquet, data set objects, folders of many files): of every 20 documents in order,
  the 19th is valid and the 20th is test;
* one long plain text: the first 90 % of its bytes, the next 5 %, the last 5 %, each cut moved on to the next line end;
* things with names (modules, sentence pairs): by a hash of the name.
"""

from collections.abc import Iterator, Sequence
from io import BufferedIOBase
from typing import TypeVar

import xxhash

from laconic.errors import UsageError

SPLITS = ("train", "valid", "test")
"""The splits that every corpus may have."""

ALL = "all"
"""Everything: what a path or an object is unless a split is asked for."""

PERIOD = 20
"""Of so many documents in order, the last but one is valid and the last is test."""

CUT_SEARCH_BYTES = 1 << 16
"""How far a cut moves on in search of a line end; without one it stays where the share ends, moved by this much."""

_Item = TypeVar("_Item")
_SKIP_BYTES = 1 << 20


def check_split(split: str, choices: Sequence[str], name: str) -> None:
    """Refuse a split that a corpus does not have.

    Raises:
        UsageError: `split` is none of `choices`.
    """
    if split not in choices:
        raise UsageError(f"{name} has no split {split!r}: choose one of {', '.join(choices)}")


def split_of_number(number: int) -> str:
    """The split of document `number`, counted from 0."""
    return {PERIOD - 2: "valid", PERIOD - 1: "test"}.get(number % PERIOD, "train")


def split_of_name(name: str) -> str:
    """The split of a thing with a name: by xxh64 of its UTF-8 bytes, modulo 100."""
    return split_of_bytes(name.encode("utf-8"))


def split_of_bytes(name: bytes) -> str:
    """As `split_of_name`, for names that are bytes."""
    bucket = xxhash.xxh64_intdigest(name) % 100
    return "train" if bucket < 90 else "valid" if bucket < 95 else "test"


def select_numbered(items: Iterator[_Item], split: str) -> Iterator[_Item]:
    """The items that belong to a split by their number; all of them for `all`."""
    return (item for number, item in enumerate(items) if split in (ALL, split_of_number(number)))


def find_cuts(stream: BufferedIOBase, size: int) -> tuple[int, int, int, int]:
    """Where the three byte ranges of one long text begin and end.

    Args:
        stream: the text, at its beginning.
        size: its length in bytes.

    Returns:
        Four offsets: train is from the first to the second, valid to the third, test to the fourth.
    """
    # Rounded up, so that a text of one byte is a train split and not an empty one.
    first = _line_end_from(stream, 0, -(-size * 90 // 100))
    second = _line_end_from(stream, first, -(-size * 95 // 100))
    return 0, first, second, size


def _line_end_from(stream: BufferedIOBase, position: int, target: int) -> int:
    """Move on from `position` to `target`, then past the next line end: the position reached."""
    if target <= position:
        return position
    skip(stream, target - position)
    return target + len(stream.readline(CUT_SEARCH_BYTES))


def skip(stream: BufferedIOBase, size: int) -> None:
    """Read past `size` bytes, or to the end."""
    while size > 0:
        chunk = stream.read(min(size, _SKIP_BYTES))
        if not chunk:
            return
        size -= len(chunk)
