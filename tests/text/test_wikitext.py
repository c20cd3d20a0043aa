"""Articles of WikiText are found by their titles, and nothing is lost between them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laconic.text.wikitext import read_wikitext, split_articles

BLANK, TITLE = b" \n", b" = A title = \n"
LINES = [BLANK, TITLE, b" = = A section = = \n", b" some words . \n", b" a = b \n"]


def test_articles_begin_at_titles_between_blank_lines(tmp_path: Path) -> None:
    first = BLANK + TITLE + BLANK + b" words = more \n" + b" = x = \n" + BLANK + b" = = Part = = \n" + BLANK
    second = BLANK + b" = Another one ( 2 ) = \n" + BLANK + b" end \n"
    path = tmp_path / "text.txt"
    path.write_bytes(first + second)
    assert list(read_wikitext(path)) == [first, second]


@given(st.lists(st.sampled_from(LINES), max_size=20))
def test_nothing_is_lost(lines: list[bytes]) -> None:
    articles = list(split_articles(lines))
    assert b"".join(articles) == b"".join(lines)
    assert all(article.startswith(BLANK + TITLE + BLANK) for article in articles[1:])
    assert all(articles)


def test_blank_lines_of_the_hub() -> None:
    assert list(split_articles([b"", TITLE, b"", b" a \n", b"", TITLE, b""])) == [
        BLANK + TITLE + BLANK + b" a \n",
        BLANK + TITLE + BLANK,
    ]


@pytest.mark.data
def test_the_real_text_has_the_articles_it_is_known_for(data_root: Path) -> None:
    counts = {name: sum(1 for _ in read_wikitext(data_root / f"wikitext-2/{name}.txt.xz")) for name in ("train", "test")}
    assert counts == {"train": 600, "test": 60}
