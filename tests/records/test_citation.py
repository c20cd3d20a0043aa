"""The BibTeX entries of the methods that a run used."""

import pytest

import laconic
from laconic.errors import UsageError
from laconic.records.citation import ENTRIES, citation
from laconic.records.record import Record


def test_everything_is_cited_when_nothing_is_named() -> None:
    assert laconic.citation() == citation()
    assert all(entry in citation() for entry in ENTRIES.values())


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=list(ENTRIES))
def test_entries_are_bibtex(entry: str) -> None:
    assert entry.startswith("@") and entry.count("{") == entry.count("}")
    assert all(f" {field} " in entry or f" {field}  " in entry for field in ("title", "author", "year"))


def test_names_lead_to_their_papers() -> None:
    assert "lester2024training" in citation("equal-info") and "witten1987arithmetic" in citation("equal-info")
    assert citation("bpe", "bpe") == ENTRIES["bpe"]
    with pytest.raises(UsageError, match="'zip'"):
        citation("zip")


def test_a_record_says_what_it_used() -> None:
    record = Record(
        kind="train",
        name="x",
        created="2026-01-01T00:00:00+00:00",
        config={"tokenizer": {"kind": "sentencepiece"}},
        results={"tokenizers": [{"name": "equal-info[16,256]"}]},
    )
    cited = citation(record)
    assert "kudo2018sentencepiece" in cited and "lester2024training" in cited and "sennrich" not in cited
    assert citation(Record(kind="train", name="y", created="2026-01-01T00:00:00+00:00")) == ""


def test_baselines_are_credited_too() -> None:
    config = {"objective": "recurrence", "order": "parallel", "trime": {"reach": "local"}}
    cited = citation(Record(kind="language-model", name="x", created="2026-01-01T00:00:00+00:00", config=config))
    assert "dai2019transformer" in cited and "zhong2022training" not in cited
    external = citation(
        Record(kind="language-model", name="y", created="2026-01-01T00:00:00+00:00", config={"a": "trime", "b": "similar"})
    )
    assert "zhong2022training" in external and "robertson2009probabilistic" in external
