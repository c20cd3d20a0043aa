"""What pruning left: a row for each model, another for each file that is delivered, and figures of what is known."""

import re
from collections.abc import Callable
from typing import Any

from laconic.records.record import Record
from laconic.report.pruning import outcome, pruned_models, sparsest

Make = Callable[..., Record]


def cells(html: str) -> list[list[str]]:
    """The cells of all rows of all tables."""
    rows = re.findall("<tr>(.*?)</tr>", html, flags=re.DOTALL)
    return [[re.sub("<[^>]*>", "", cell) for cell in re.findall("<t[hd].*?</t[hd]>", row)] for row in rows]


def test_each_model_has_its_row_and_each_file_another(make_record: Make, pruning_results: dict[str, Any]) -> None:
    found = cells(pruned_models([make_record("prune", "sst2", pruning_results)]))
    assert found[1] == ["dense", "0.9310", "0 %", "109 M", "85.6 M", "436", "1.00 k", "1.00", "900"]
    assert found[2][:3] == ["60 % asked for", "0.9250", "60.1 %"] and found[2][7] == "2.50"
    delivered = [row for row in found if row[1] in ("folder", "ONNX", "ONNX, 8 bits")]
    assert [row[:2] for row in delivered] == [
        ["95 % asked for", "folder"],
        ["95 % asked for", "ONNX"],
        ["95 % asked for", "ONNX, 8 bits"],
    ]
    assert delivered[0][3] == "0.9010" and delivered[1][4] == "1.20e-07" and delivered[2][3] == "0.8950"


def test_figures_show_score_against_speed_and_each_structure(make_record: Make, pruning_results: dict[str, Any]) -> None:
    page = pruned_models([make_record("prune", "sst2", pruning_results)])
    assert page.count("<svg") == 3
    assert "accuracy against speed: dense 0.9310 at 1.00; 60 % asked for 0.9250 at 2.50" in page
    assert "heads and units left of each layer, of 12 and 3,072: 9|1,360, 0|0" in page
    assert "timed with 8 rows, 128 tokens in each, 1 thread(s)" in page


def test_what_a_table_of_times_says_is_shown_too(make_record: Make, pruning_results: dict[str, Any]) -> None:
    times = {"attention": 0.001, "head": 0.002, "ffn": 0.003, "unit": 0.00004, "rest": 0.0625}
    points = [{"heads": 12, "units": 3072, "seconds": 0.9375}]
    pruning_results["latency_table"] = {"points": points, "times": times, "error": 0.03125}
    found = cells(pruned_models([make_record("prune", "sst2", pruning_results)]))
    assert ["rest", "0.0625"] in found and ["12", "3,072", "0.9375"] in found


def test_speed_is_told_as_it_was_asked_for_and_a_width_that_was_cut(make_record: Make, pruning_results: dict[str, Any]) -> None:
    pruning_results["models"][2] |= {"speedup": {"wanted": 10.0, "by_table": 10.04, "measured": 9.51}, "width": 380}
    page = pruned_models([make_record("prune", "sst2", pruning_results)])
    told = dict(zip(*(cells(page)[place] for place in (0, 3)), strict=True))
    assert told["model"] == "10.0 times faster asked for" and told["times faster"] == "12.10"
    assert told["times faster, by the table"] == "10.04" and told["times faster, timed like the table"] == "9.51"
    assert "of 12 and 3,072; 380 entries of the width: 1|50, 0|0" in page


def test_where_nothing_was_timed_size_takes_the_place_of_speed(make_record: Make, pruning_results: dict[str, Any]) -> None:
    for row in pruning_results["models"]:
        del row["times_faster"], row["latency"], row["peak_memory"]
    del pruning_results["measured"], pruning_results["whole"]
    record = make_record("prune", "sst2", pruning_results)
    page = pruned_models([record])
    assert "accuracy against size" in page and "ms/batch" not in page and "timed" not in page.split("</p>")[1]
    assert "of 9 and 1,360" in page
    assert "times as fast" not in outcome(record)


def test_the_sparsest_model_is_told_beside_the_dense_one(make_record: Make, pruning_results: dict[str, Any]) -> None:
    record = make_record("prune", "sst2", pruning_results)
    assert outcome(record) == (
        "Pruned for sst2, with 95.1 % of attention and feed-forward parts gone, the accuracy is 0.9020 (dense: 0.9310), "
        "and a batch is read 12.1 times as fast."
    )
    assert sparsest(record) == ("0.9020", "0.9310")


def test_runs_are_told_apart(make_record: Make, pruning_results: dict[str, Any]) -> None:
    records = [make_record("prune", "sst2", pruning_results, config={"method": name}) for name in ("cofi", "magnitude")]
    page = pruned_models(records)
    assert "<h3>sst2, cofi</h3>" in page and "<h3>sst2, magnitude</h3>" in page
    identities = re.findall(r'\sid="([^"]+)"', page)
    assert len(identities) == len(set(identities))


def test_a_record_that_says_nothing_shows_nothing_wrong(make_record: Make) -> None:
    for results in ({}, {"models": "many"}, {"models": [{}]}, {"models": [{"structure": [3, {}], "scores": 2}], "whole": []}):
        record = make_record("prune", "p", results)
        pruned_models([record])
        assert outcome(record) == "" and sparsest(record) is None
    assert pruned_models([]) == ""
