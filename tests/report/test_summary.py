from collections.abc import Callable
from typing import Any

from laconic.records.record import Record
from laconic.report.summary import summary


def test_the_main_numbers_come_first(sample: list[Record]) -> None:
    shown = summary(sample)
    assert (
        "On module.py (80,000 bytes) laconic default needs 1.900 bits per byte; the best of the others, xz -9e, 2.300." in shown
    )
    assert "All 3 round trips gave the text back." in shown
    assert "the best reads held-out text at 2.100 bits per byte (equal-info [16, 256])" in shown
    assert (
        "On wikitext-2, test the perplexity of runs/trime is 200.00 with the vocabulary alone and 150.00 with a "
        "long-term memory, 25 % less." in shown
    )
    assert "the accuracy is 0.9020 (dense: 0.9310), and a batch is read 12.1 times as fast." in shown
    assert shown.count("<dt>") == 6


def test_a_round_trip_that_failed_is_said_aloud(make_record: Callable[..., Record]) -> None:
    codecs = [{"name": "a", "bits_per_byte": 1.0, "verified": True}, {"name": "b", "bits_per_byte": 2.0, "verified": False}]
    assert "Not lossless: b." in summary([make_record("compression", "c", {"codecs": codecs})])
    del codecs[1]["verified"]
    assert "1 of 2 round trips were verified." in summary([make_record("compression", "c", {"codecs": codecs})])


def test_each_of_two_memories_has_its_tile(make_record: Callable[..., Record], memory_results: dict[str, Any]) -> None:
    local = {**memory_results, "memory": {"read": "local"}, "perplexity": 160.0}
    shown = summary([make_record("memory", "a", results) for results in (memory_results, local)])
    assert "<dt>perplexity with a long-term memory</dt>" in shown and "<dt>perplexity with a local memory</dt>" in shown
    assert shown.count("vocabulary alone: 200.00") == 2


def test_records_without_main_numbers_are_counted(make_record: Callable[..., Record]) -> None:
    assert summary([]) == "<p>0 records, shown below as tables.</p>\n"
    assert "1 record, shown" in summary([make_record("memory", "m", {})])
