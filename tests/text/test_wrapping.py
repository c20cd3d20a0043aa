"""Prose can be laid out in short lines; the words and their order stay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laconic.text.corpora import open_corpus
from laconic.text.wrapping import wrap_lines, wrap_share


@pytest.mark.parametrize(
    ("document", "wrapped"),
    [
        (b"", b""),
        (b"one two three four", b"one two\r\nthree\r\nfour"),
        (b"incomprehensibilities it is", b"incomprehensibilities\r\nit is"),
        (b"a\n\nb", b"a\r\n\r\n\r\n\r\nb"),
        (b"a  b", b"a  b"),
    ],
)
def test_lines_are_broken_at_spaces(document: bytes, wrapped: bytes) -> None:
    assert wrap_lines(document, 8, b"\r\n") == wrapped


@given(st.lists(st.text("ab ", max_size=90)), st.integers(1, 30))
def test_words_and_their_order_stay(lines: list[str], width: int) -> None:
    document = "\n".join(lines).encode()
    wrapped = wrap_lines(document, width, b"\n")
    assert wrapped.split() == document.split()
    assert all(len(line) <= width or b" " not in line.strip() for line in wrapped.split(b"\n"))


def test_every_width_is_as_frequent() -> None:
    corpus = wrap_share(open_corpus([b" ".join([b"x"] * 400)] * 42), 1.0)
    widths = [max(map(len, document.splitlines())) for document in corpus.documents()]
    assert sorted(widths) == sorted(width - 1 + width % 2 for width in [*range(60, 81)] * 2)


@given(st.integers(0, 60), st.fractions(0, 1, max_denominator=12))
def test_the_share_is_kept_at_every_point(size: int, share: object) -> None:
    documents = [b"word " * 40] * size
    corpus = wrap_share(open_corpus(documents), float(share))
    changed = [document != documents[0] for document in corpus.documents()]
    assert sum(changed) in (int(size * float(share)), round(size * float(share)))
    assert list(corpus.documents()) == list(corpus.documents())


def test_line_ends_and_details() -> None:
    corpus = wrap_share(open_corpus([b"word " * 40] * 3), 1.0)
    assert [b"\r\n" in document for document in corpus.documents()] == [False, False, True]
    assert corpus.describe()["wrapped"] == 1.0
    plain = open_corpus([b"a b"])
    assert wrap_share(plain, 0.0) is plain
    with pytest.raises(ValueError, match="the share of wrapped documents is 2"):
        wrap_share(plain, 2)
