from collections.abc import Callable

from laconic.records.record import Record
from laconic.report.provenance import provenance


def test_everything_a_reader_needs_to_repeat_the_run_is_there(make_record: Callable[..., Record]) -> None:
    shown = provenance([make_record("memory", "m", {"perplexity": 12.5})])
    for part in (
        "laconic quickstart --out &#x27;two words&#x27;",
        "0123456789-dirty",
        "0123456789abcdef0123456789abcdef01234567-dirty",
        "2025-03-01 12:00",
        "3 min 03 s",
        "32.0 T",
        "a processor",
        "numpy",
        "steps",
        "&quot;perplexity&quot;: 12.5",
    ):
        assert part in shown


def test_what_is_unknown_is_not_invented(make_record: Callable[..., Record]) -> None:
    shown = provenance([make_record("memory", "m", {}, commit=None, seed=None, cost={}, command=())])
    assert "wall time" not in shown
    assert ">None<" not in shown


def test_numbers_that_were_not_finite_are_named(make_record: Callable[..., Record]) -> None:
    assert "results.loss" in provenance([make_record("memory", "m", {"loss": float("nan")})])
