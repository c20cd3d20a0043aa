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


@pytest.mark.parametrize("found", [None, 3, "memory", [1]])
def test_what_is_no_table_is_an_empty_one(found: object) -> None:
    assert schema.inner({"memory": found}, "memory") == {}


def test_a_histogram_is_edges_and_counts() -> None:
    assert schema.histogram({"gates": {"edges": [0, 0.5, 1.0], "tokens": [3, 4]}}, "gates") == ([0, 0.5, 1], [3, 4])


@pytest.mark.parametrize(
    ("edges", "tokens"),
    [
        (None, [1]),
        ([0, 1], None),
        ([0, 1], []),
        ([], []),
        ([0, 1], [1, 2]),
        ([0, 1, 0.5], [1, 2]),
        ([0, 0, 1], [1, 2]),
        ([0, 1, 2], [1, 2]),
        ([-1, 0, 1], [1, 2]),
        ([0, "x"], [1]),
        ([0, 1], [None]),
        ([0, 1], [-1]),
        ([0, 1], [0]),
        ([0, 0.5, 1], [1e308, 1e308]),
        ([i / 1000 for i in range(1001)], [1] * 1000),
        ("01", "1"),
    ],
)
def test_what_is_no_histogram_is_none(edges: object, tokens: object) -> None:
    assert schema.histogram({"gates": {"edges": edges, "tokens": tokens}}, "gates") is None


def test_a_view_keeps_the_places_of_its_tokens() -> None:
    assert schema.view({"view": [{"text": "a"}, 3, {"text": "b"}]}) == [{"text": "a"}, {}, {"text": "b"}]
    assert len(schema.view({"view": [{}] * 1000})) == 400
    assert schema.view({"view": "ab"}) == schema.view({"view": {"text": "a"}}) == schema.view({}) == []


def test_sources_lie_before_their_token() -> None:
    found = [[17, 0.5], [0, 0.1], [-3, 0.1], [1.5, 0.1], ["1", 0.1], [2], [2, 0.1, 3], "ab", 7, None, [4.0, 0.25], [5, None]]
    assert schema.sources({"sources": found}) == [(17, 0.5), (4, 0.25)]
    assert len(schema.sources({"sources": [[1, 0.1]] * 9})) == 5
    assert schema.sources({"sources": "ab"}) == schema.sources({}) == []


def test_sentences() -> None:
    assert schema.sentences({"notes": "one"}) == ["one"]
    assert schema.sentences({"notes": ["one", 2]}) == ["one", "2"]
    assert schema.sentences({"notes": 5}) == []
    assert schema.sentences({}) == []
