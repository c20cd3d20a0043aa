import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laconic.report.markup import escape, reveal, slug


@given(st.text(st.characters()))
def test_escaped_text_has_no_markup_and_can_be_written(text: str) -> None:
    escaped = escape(text)
    assert not set(escaped) & set("<>\"'")
    escaped.encode("utf-8")


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_printable_text_comes_back(text: str) -> None:
    assert html.unescape(escape(text)) == text


def test_every_ampersand_is_written_out() -> None:
    assert escape("&lt;") == "&amp;lt;"


@pytest.mark.parametrize("character", ["\0", "\x1b", "\x85", "\ud800", "\uffff"])
def test_characters_that_html_forbids_are_replaced(character: str) -> None:
    assert escape(f"a{character}b") == "a\ufffdb"


def test_marks_that_turn_the_writing_are_spelled_out() -> None:
    assert escape("a\u202eb\u2066c") == "a\u27e8U+202E\u27e9b\u27e8U+2066\u27e9c"


def test_values_of_any_kind_are_text() -> None:
    assert escape(None) == "None"
    assert escape(b"<") == "b&#x27;&lt;&#x27;"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb\n", "a\u2192\tb\u21b5\n"),
        ("\0\x7f", "\u2400\u2421"),
        ("\x9c", "\\x9c"),
        ("", "\u00b7"),
        ("<\u00e9", "&lt;\u00e9"),
    ],
)
def test_reveal(text: str, shown: str) -> None:
    assert reveal(text) == shown


@given(st.text(st.characters()))
def test_a_slug_fits_into_an_identifier(text: str) -> None:
    name = slug(text)
    assert name and all(character in "abcdefghijklmnopqrstuvwxyz0123456789-" for character in name)


def test_slug() -> None:
    assert slug("Equal-Info [16, 256]") == "equal-info-16-256"
