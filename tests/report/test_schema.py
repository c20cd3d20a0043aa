import itertools

import pytest

from laconic.report import schema


@pytest.mark.parametrize("found", [None, 3, "codecs", {"name": "x"}, ["x", 3, None]])
def test_what_is_no_list_of_tables_has_no_rows(found: object) -> None:
    assert schema.rows({"codecs": found}, "codecs") == []


def test_rows_keep_only_tables() -> None:
    assert schema.rows({"codecs": [{"name": "a"}, 3, {"name": "b"}]}, "codecs") == [{"name": "a"}, {"name": "b"}]
    assert schema.rows({}, "codecs") == []


def test_numbered_keeps_rows_that_can_be_drawn() -> None:
    rows = [{"x": 1}, {"x": None}, {"x": "2"}, {}, {"x": 0.5}]
    assert schema.numbered(rows, "x") == [{"x": 1}, {"x": 0.5}]


def test_a_curve_is_thinned_evenly_and_keeps_its_ends() -> None:
    points = [{"bytes": i, "bits_per_byte": i / 2} for i in range(10_000)]
    thin = schema.curve({"curve": points}, "curve", "bytes", "bits_per_byte", most=100)
    assert len(thin) == 100
    assert (thin[0], thin[-1]) == ((0.0, 0.0), (9999.0, 4999.5))
    gaps = {round(b[0] - a[0]) for a, b in itertools.pairwise(thin)}
    assert gaps == {101} or gaps == {100, 101}


def test_a_curve_leaves_out_points_without_numbers() -> None:
    points = [
        {"bytes": 1, "bits_per_byte": 2.0},
        {"bytes": 2, "bits_per_byte": None},
        {"bytes": 3},
        {"bytes": 4, "bits_per_byte": 1},
    ]
    assert schema.curve({"curve": points}, "curve", "bytes", "bits_per_byte") == [(1.0, 2.0), (4.0, 1.0)]


def test_tokens_shown_are_pairs_and_not_too_many() -> None:
    row = {"tokens_shown": [["a", 1], "bc", ["d"], ["e", 2], 7]}
    assert schema.tokens_shown(row) == [("a", "1"), ("e", "2")]
    assert len(schema.tokens_shown({"tokens_shown": [["a", 1]] * 1000}, most=10)) == 10
    assert schema.tokens_shown({"tokens_shown": "ab"}) == []


def test_sentences() -> None:
    assert schema.sentences({"notes": "one"}) == ["one"]
    assert schema.sentences({"notes": ["one", 2]}) == ["one", "2"]
    assert schema.sentences({"notes": 5}) == []
    assert schema.sentences({}) == []
