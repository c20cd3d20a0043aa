"""A mixture gives each corpus its share, in an order that is always the same, and ends with the first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laconic.errors import MissingDataError
from laconic.text.corpora import open_corpus
from laconic.text.mixture import mix_corpora


def test_documents_come_in_turn_by_shares() -> None:
    large, small = open_corpus(["aaa"] * 6), open_corpus(["bbb"])
    mixed = mix_corpora({"large": (large, 2.0), "small": (small, 1.0)})
    assert b"".join(mixed.documents()) == b"aaabbbaaaaaabbbaaaaaabbbaaa"
    assert list(mixed.documents()) == list(mixed.documents())
    assert (mixed.name, mixed.describe()["small"]["share"]) == ("large + small", 1.0)


@given(
    st.lists(st.binary(min_size=1, max_size=9), min_size=30, max_size=60),
    st.lists(st.binary(min_size=1, max_size=9), min_size=1, max_size=5),
    st.floats(0.1, 10),
)
def test_no_corpus_is_ever_further_behind_than_its_longest_document(
    first: list[bytes], second: list[bytes], share: float
) -> None:
    named = {
        "first": (open_corpus([b"f" + text for text in first]), 1.0),
        "second": (open_corpus([b"s" + text for text in second]), share),
    }
    given_bytes = {b"f": 0.0, b"s": 0.0}
    taken = []
    for document in mix_corpora(named).documents():
        given_bytes[document[:1]] += (len(document) + 1) / (1.0 if document[:1] == b"f" else share)
        assert abs(given_bytes[b"f"] - given_bytes[b"s"]) <= 11 * max(1.0, 1 / share)
        taken.append(document)
    assert [document[1:] for document in taken if document[:1] == b"f"] == first


def test_bad_mixtures_are_refused() -> None:
    with pytest.raises(ValueError, match="shares above 0"):
        mix_corpora({"one": (open_corpus(["a"]), 0.0)})
    with pytest.raises(ValueError, match="at least one corpus"):
        mix_corpora({})
    with pytest.raises(MissingDataError, match="'empty' has no text"):
        list(mix_corpora({"one": (open_corpus(["a", "b"]), 1.0), "empty": (open_corpus([]), 1.0)}).documents())
