"""A corpus can be read again and again, and says what it is."""

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from laconic.text.corpus import Corpus, take_bytes


def test_a_corpus_begins_anew_and_describes_itself() -> None:
    corpus = Corpus(name="n", split="all", details={"source": "here"}, read=lambda: iter([b"a", b"b"]))
    assert list(corpus.documents()) == list(corpus.documents()) == [b"a", b"b"]
    assert corpus.describe() == {"name": "n", "split": "all", "source": "here"}


@given(st.lists(st.binary(max_size=5)), st.integers(0, 30))
def test_taking_bytes_takes_a_prefix(documents: list[bytes], limit: int) -> None:
    taken = list(take_bytes(documents, limit))
    assert b"".join(taken) == b"".join(documents)[:limit]
    assert taken[:-1] == documents[: len(taken)][:-1]


def test_nothing_is_read_behind_the_limit() -> None:
    def documents() -> Iterator[bytes]:
        yield b"abc"
        raise AssertionError("must not be read")

    assert list(take_bytes(documents(), 3)) == [b"abc"]
