"""Joined and cut: nothing dropped, nothing added."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from laconic.shapes import EOS
from laconic.text.examples import count_text, cut_examples, cut_text, document_symbols

DOCUMENTS = st.lists(st.binary(max_size=12), max_size=20)


def joined(documents: list[bytes]) -> list[int]:
    return [symbol for document in documents for symbol in (*document, EOS)]


def test_documents_end_with_the_end_of_document() -> None:
    assert document_symbols(b"a\xff").tolist() == [97, 255, 256]
    assert document_symbols(b"").tolist() == [256]
    assert document_symbols(b"a").dtype == np.uint16


@given(DOCUMENTS, st.integers(1, 5), st.integers(1, 30))
def test_examples_together_are_the_joined_documents(documents: list[bytes], join: int, size: int) -> None:
    examples = list(cut_examples(documents, join=join, size=size))
    assert [symbol for example in examples for symbol in example.tolist()] == joined(documents)


@given(DOCUMENTS, st.integers(1, 5), st.integers(1, 30))
def test_examples_are_whole_but_for_the_last_of_each_joined_text(documents: list[bytes], join: int, size: int) -> None:
    texts = [joined(documents[at : at + join]) for at in range(0, len(documents), join)]
    expected = [text[at : at + size] for text in texts for at in range(0, len(text), size)]
    assert [example.tolist() for example in cut_examples(documents, join=join, size=size)] == expected


@given(DOCUMENTS, st.integers(0, 100))
def test_cutting_text(documents: list[bytes], limit: int) -> None:
    symbols = np.array(joined(documents), dtype=np.uint16)
    cut = cut_text(symbols, limit)
    assert count_text(cut) == min(limit, sum(map(len, documents)))
    assert cut.tolist() == symbols[: len(cut)].tolist()
    assert len(cut) == len(symbols) or not len(cut) or cut[-1] != EOS


def test_examples_do_not_share_memory() -> None:
    first, second = cut_examples([b"abc"], join=1, size=2)
    first[:] = 0
    assert second.tolist() == [99, 256]
