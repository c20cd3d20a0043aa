"""A corpus: documents as bytes, in a fixed order, that can be read again and again without holding them in memory."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, final


@final
@dataclass(frozen=True, kw_only=True)
class Corpus:
    """One split of a body of text. Made by `laconic.text.corpora.open_corpus`.

    Attributes:
        name: the name or path it was opened by.
        split: `train`, `valid`, `test` or `all`.
        details: what else a record should keep, as JSON can hold it: where the text is from, how it was split.
        read: begins a new pass over the documents.
    """

    name: str
    split: str
    details: Mapping[str, Any]
    read: Callable[[], Iterator[bytes]]

    def documents(self) -> Iterator[bytes]:
        """All documents, in the same order at every call; only about one is in memory at a time.

        Raises:
            LaconicError: the text vanished or cannot be read; the message names the file, and the line where there are lines.
        """
        return self.read()

    def describe(self) -> dict[str, Any]:
        """Name, split and details as a JSON object, for records."""
        return {"name": self.name, "split": self.split, **self.details}


def take_bytes(documents: Iterable[bytes], limit: int) -> Iterator[bytes]:
    """The first `limit` bytes of some documents; the last document is cut where the bytes run out."""
    left = limit
    if left <= 0:
        return
    for document in documents:
        yield document[:left]
        left -= len(document)
        if left <= 0:
            return
