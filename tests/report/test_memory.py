import re
from collections.abc import Callable
from typing import Any

import pytest

from laconic.records.record import Record
from laconic.report.memory import contribution, memories

Make = Callable[..., Record]
Results = dict[str, Any]


def _shown(make_record: Make, *results: Results) -> str:
    return memories([make_record("memory", f"m{index}", found) for index, found in enumerate(results)])


def test_a_whole_record_has_words_a_table_two_figures_and_the_text(make_record: Make, memory_results: Results) -> None:
    shown = _shown(make_record, memory_results)
    assert "A memory keeps earlier places of the text" in shown
    assert "The text has 1,000 tokens." in shown
    assert shown.count("<table>") == 1
    assert shown.count("<svg") == 2
    assert shown.count('class="tokens memory"') == 1
    assert "<h3>" not in shown
    assert "Also recorded" not in shown


def test_the_better_of_both_perplexities_is_marked_in_each_row(make_record: Make, memory_results: Results) -> None:
    shown = _shown(make_record, memory_results)
    assert re.findall("<strong>([^<]*)</strong>", shown) == ["10.00", "800.00", "20,000.00", "150.00"]
    names = re.findall(r'<th scope="row">([^<]*)</th>', shown)
    assert names == ["more than 10,000", "101 to 1,000", "at most 10", "all tokens"]


def test_ratios_are_drawn_in_order_and_in_colour_where_memory_helps(make_record: Make, memory_results: Results) -> None:
    del memory_results["gates"]
    shown = _shown(make_record, memory_results)
    assert "more than 10,000 1.100, 101 to 1,000 0.800, at most 10 0.200, all tokens 0.750" in shown
    names = re.findall(">(more than 10,000|101 to 1,000|at most 10|all tokens)</text>", shown)
    assert names == ["more than 10,000", "101 to 1,000", "at most 10", "all tokens"]
    assert (shown.count("fill: var(--accent)"), shown.count("fill: var(--bar)")) == (3, 1)


def test_the_median_of_the_gates_is_told(make_record: Make, memory_results: Results) -> None:
    assert "Half of the tokens have a gate of at most 50 %." in _shown(make_record, memory_results)
    gates = {"edges": [0, 0.5, 1.0], "tokens": [0, 3]}
    assert re.findall(r">(\d+)</text>", _shown(make_record, {"gates": gates}))[:6] == ["0", "20", "40", "60", "80", "100"]
    assert "a gate of at most 100 %." in _shown(make_record, {**memory_results, "gates": gates})


@pytest.mark.parametrize(
    ("memory", "words"),
    [
        ({"read": "local"}, "it holds the earlier tokens of the segment that the model is reading."),
        ({"read": "long", "size": 15000}, "those before it, the last 15,000 of them."),
        ({"read": "long"}, "of the segment, and those before it."),
        ({"read": "<b>"}, "The memory is read as “&lt;b&gt;”."),
        ({"temperature": 0.7}, "divided by a temperature of 0.7."),
        ({"cache_weight": 0.1}, "a fixed weight of 10 % in every prediction"),
        ({"read": "local", "cache_weight": None}, "each prediction has a gate of its own."),
    ],
)
def test_the_settings_are_sentences(make_record: Make, memory: Results, words: str) -> None:
    assert words in _shown(make_record, {"perplexity": 2.0, "memory": memory})


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"reachable": 0.61}, "For 61 % of the predictions the right token is somewhere in memory"),
        ({"accuracy": 0.348}, "Where the right token is in memory, memory by itself puts it first in 34.8 % of the cases."),
        ({"vocabulary_accuracy": 0.28}, "in memory, the vocabulary by itself puts it first in 28 %."),
        (
            {"accuracy": 0.5, "vocabulary_accuracy": 0.28},
            "first in 50 % of the cases; the vocabulary by itself puts it first in 28 %.",
        ),
    ],
)
def test_what_memory_knows_by_itself_is_said(make_record: Make, found: Results, words: str) -> None:
    assert words in _shown(make_record, {"memory_only": found})


def test_a_memory_that_does_harm_is_said_to(make_record: Make, memory_results: Results) -> None:
    told = contribution(make_record("memory", "m", {**memory_results, "perplexity": 250.0}))
    assert told == (
        "On wikitext-2, test the perplexity of runs/trime is 200.00 with the vocabulary alone and 250.00 with a "
        "long-term memory, 25 % more."
    )


def test_a_missing_perplexity_is_left_out(make_record: Make) -> None:
    assert contribution(make_record("memory", "m", {"perplexity": 2.5})) == "On m the perplexity is 2.50 with memory."
    assert contribution(make_record("memory", "m", {"perplexity": "x"})) == ""


def test_several_memories_are_compared_and_have_headings(make_record: Make, memory_results: Results) -> None:
    local = {**memory_results, "perplexity": 160.0}
    local["memory"] = {"read": "local", "size": 7_000, "temperature": 0.7, "cache_weight": 0.1}
    shown = _shown(make_record, memory_results, local)
    assert re.findall("<h3>([^<]*)</h3>", shown) == [
        "wikitext-2, test; runs/trime; a long-term memory; 15,000 slots",
        "wikitext-2, test; runs/trime; a local memory; fixed weight 10 %",
    ]
    assert "Every memory on this page" in shown
    assert '<td class="number">15,000</td>' in shown and '<td class="number">10 %</td>' in shown
    assert "7,000" not in shown
    assert shown.count("A memory keeps earlier places") == 1
    names = re.findall(r'\sid="([^"]*)"', shown)
    assert len(names) == len(set(names))


def test_the_same_record_gives_the_same_section(make_record: Make, memory_results: Results) -> None:
    assert _shown(make_record, memory_results) == _shown(make_record, memory_results)


def test_nothing_to_say_is_no_section(make_record: Make) -> None:
    assert _shown(make_record, {}) == ""


@pytest.mark.parametrize("odd", [None, 3, -1.0, 0, True, "x", [], {}, [3, None], {"x": 1}, 1e308, 10**400, float("nan")])
def test_malformed_results_do_no_harm(make_record: Make, memory_results: Results, odd: object) -> None:
    for key in memory_results:
        assert isinstance(_shown(make_record, {**memory_results, key: odd}), str)
    for key, inner in memory_results.items():
        if isinstance(inner, dict):
            for name in inner:
                assert isinstance(_shown(make_record, {key: {**inner, name: odd}}), str)
    rows = [{"bucket": odd, "tokens": odd, "perplexity": odd, "vocabulary_perplexity": 2}, odd]
    assert isinstance(_shown(make_record, {"frequency_buckets": rows}), str)


def test_a_ratio_needs_a_perplexity_that_is_positive(make_record: Make) -> None:
    rows = [
        {"bucket": str(without), "perplexity": given, "vocabulary_perplexity": without}
        for given, without in ((1.0, 0.0), (1.0, -2.0), (-1.0, 2.0), (1e300, 1e-300))
    ]
    shown = _shown(make_record, {"frequency_buckets": rows})
    assert "<table>" in shown and "<svg" not in shown


def test_every_string_is_escaped(make_record: Make, memory_results: Results) -> None:
    poison = '"><b>'
    results = {
        **memory_results,
        "text": poison,
        "run": poison,
        "memory": {"read": poison},
        "frequency_buckets": [{"bucket": poison, "perplexity": 1.0, "vocabulary_perplexity": 2.0}],
        "view": [{"text": poison}],
        poison: poison,
    }
    assert "<b>" not in _shown(make_record, results, results)
