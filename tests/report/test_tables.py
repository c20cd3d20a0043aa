import re

from laconic.report.tables import Column, generic, pairs, table, words
from laconic.report.wording import DASH, fixed

COLUMNS = (
    Column(key="name", title="name", numeric=False),
    Column(key="bits", title="bits/byte", form=fixed, best="low"),
    Column(key="ratio", title="ratio", form=fixed, best="high"),
    Column(key="absent", title="absent"),
)


def test_headers_have_scopes_and_the_best_is_bold() -> None:
    shown = table("Codecs", COLUMNS, [{"name": "a", "bits": 2.0, "ratio": 4.0}, {"name": "b", "bits": 3.0, "ratio": 5.0}])
    assert '<th scope="row">a</th>' in shown
    assert '<th scope="col" class="number">bits/byte</th>' in shown
    assert "<strong>2.000</strong>" in shown
    assert "<strong>5.000</strong>" in shown
    assert shown.count("<strong>") == 2


def test_columns_without_values_are_left_out_and_missing_values_are_dashes() -> None:
    shown = table("Codecs", COLUMNS, [{"name": "a", "bits": 2.0}, {"name": "b", "ratio": 4.0}])
    assert "absent" not in shown
    assert shown.count(f">{DASH}</td>") == 2


def test_one_row_has_no_best() -> None:
    assert "<strong>" not in table("Codecs", COLUMNS, [{"name": "a", "bits": 2.0}])


def test_across_marks_the_best_of_each_row() -> None:
    columns = [Column(key="name", title="name"), Column(key="a", title="a", best="low"), Column(key="b", title="b", best="low")]
    rows = [{"name": "x", "a": 1, "b": 2}, {"name": "y", "a": 5, "b": 4}, {"name": "z", "a": 0}]
    shown = table("Both", [*columns, Column(key="c", title="c")], [{**row, "c": -1} for row in rows], across=True)
    assert re.findall("<strong>([^<]*)</strong>", shown) == ["1", "4"]
    assert "<strong>" not in table("None", [Column(key="name", title="name")], rows, across=True)


def test_without_rows_there_is_no_table() -> None:
    assert table("Codecs", COLUMNS, []) == ""
    assert pairs("Settings", {}) == ""
    assert generic("Results", {}) == ""


def test_cells_titles_and_captions_are_escaped() -> None:
    shown = table("<c>", [Column(key="k", title="<t>"), Column(key="v", title="<u>")], [{"k": "<r>", "v": "<v>"}])
    shown += pairs("<p>", {"<k>": "<l>"}) + generic("<g>", {"<x>": {"<y>": "<z>"}, "<rows>": [{"<h>": "<i>"}]})
    for letter in "ctrvpklgxyzhi":
        assert f"<{letter}>" not in shown
        assert f"&lt;{letter}&gt;" in shown


def test_generic_shows_values_lists_of_tables_and_inner_tables() -> None:
    shown = generic("Results", {"a_b": 1234, "rows": [{"x": 1, "y": "u"}, {"x": 2, "z": None}], "inner": {"deep": {"c": True}}})
    for part in ("a b", "1,234", "Results: rows", '<th scope="col" class="number">x</th>', "Results: inner: deep", "yes"):
        assert part in shown


def test_generic_cuts_what_is_long() -> None:
    shown = generic("Results", {"rows": [{"i": i} for i in range(1000)], "text": "x" * 10_000})
    assert "the first 200 of 1,000 rows" in shown
    assert len(shown) < 30_000


def test_words() -> None:
    assert words("flops_per_byte") == "flops per byte"
