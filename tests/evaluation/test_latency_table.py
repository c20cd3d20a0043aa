import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pytest
import torch
from hypothesis import given, reject
from hypothesis import strategies as st
from tests.pruning.tiny import HEADS, LAYERS, UNITS, tiny_inputs, tiny_model

from laconic.errors import UsageError
from laconic.evaluation import latency_table
from laconic.evaluation.latency import Runner, Timing
from laconic.evaluation.latency_table import LatencyConfig, LatencyTable, Point, fit_times, measure_table
from laconic.pruning.speed import PartTimes

SIZES = [(4, 12), (0, 12), (1, 12), (2, 12), (4, 0), (4, 3), (4, 6), (0, 0), (1, 1)]
times = st.floats(0.0, 1.0)
more = st.floats(0.001, 1.0)


def exact(parts: PartTimes, layers: int) -> list[Point]:
    def seconds(heads: int, units: int) -> float:
        attention = (parts.attention + heads * parts.head) * (heads > 0)
        return parts.rest + layers * (attention + (parts.ffn + units * parts.unit) * (units > 0))

    return [Point(heads=heads, units=units, seconds=seconds(heads, units)) for heads, units in SIZES]


@given(attention=times, head=more, ffn=times, unit=more, rest=more, layers=st.integers(1, 12))
def test_times_that_add_up_are_found(attention: float, head: float, ffn: float, unit: float, rest: float, layers: int) -> None:
    parts = PartTimes(attention=attention, head=head, ffn=ffn, unit=unit, rest=rest)
    found, error = fit_times(exact(parts, layers), layers=layers)
    assert error < 1e-6
    assert list(asdict(found).values()) == pytest.approx(list(asdict(parts).values()), rel=1e-4, abs=1e-6)


@given(st.lists(st.floats(0.5, 2.0), min_size=len(SIZES), max_size=len(SIZES)))
def test_nothing_takes_less_than_no_time_however_the_machine_was_disturbed(factors: list[float]) -> None:
    parts = PartTimes(attention=0.0, head=0.1, ffn=0.0, unit=0.1, rest=0.1)
    points = [
        Point(heads=point.heads, units=point.units, seconds=point.seconds * factor)
        for point, factor in zip(exact(parts, 2), factors, strict=True)
    ]
    try:
        found, error = fit_times(points, layers=2)
    except UsageError:
        reject()
    assert min(asdict(found).values()) >= 0 and error >= 0


def test_with_one_head_what_attention_takes_is_the_heads() -> None:
    parts = PartTimes(attention=0.0, head=0.2, ffn=0.1, unit=0.05, rest=0.5)
    points = [Point(heads=min(point.heads, 1), units=point.units, seconds=point.seconds) for point in exact(parts, 2)]
    alike = [point for point, (heads, _) in zip(points, SIZES, strict=True) if heads < 2]
    found, error = fit_times(alike, layers=2)
    assert error < 1e-6 and list(asdict(found).values()) == pytest.approx(list(asdict(parts).values()), rel=1e-4, abs=1e-6)


def test_times_that_do_not_grow_are_refused() -> None:
    with pytest.raises(UsageError, match="do not grow with heads and units"):
        fit_times([Point(heads=heads, units=units, seconds=1.0) for heads, units in SIZES], layers=2)


@pytest.mark.parametrize("family", ["bert", "gpt2", "llama, groups"])
def test_a_table_is_of_versions_of_the_model_and_comes_back_from_json(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, read = tiny_model(family), []

    def watch(version: torch.nn.Module, **settings: Any) -> Runner:
        read.append((version, settings))
        return lambda: None

    def pretend(runners: Mapping[str, Runner], *, rounds: int) -> dict[str, Timing]:
        assert rounds == 3
        found = {}
        for name in runners:
            heads, units = map(int, name.split("|"))
            median = 0.5 + LAYERS * ((0.1 + 0.2 * heads) * (heads > 0) + (0.05 + 0.01 * units) * (units > 0))
            found[name] = Timing(median=median, low=median, high=median, rounds=rounds)
        return found

    monkeypatch.setattr(latency_table, "torch_runner", watch)
    monkeypatch.setattr(latency_table, "measure_latency", pretend)
    table = measure_table(model, LatencyConfig(batch=2, length=7, threads=1, rounds=3))
    assert list(asdict(table.times).values()) == pytest.approx([0.1, 0.2, 0.05, 0.01, 0.5], abs=1e-6) and table.error < 1e-6
    assert LatencyTable.from_dict(json.loads(json.dumps(table.to_dict()))) == table
    assert read[0][1] == {"batch": 2, "length": 7, "threads": 1}
    groups = 2 if family == "llama, groups" else HEADS
    whole = next(v for (v, _), point in zip(read, table.points, strict=True) if (point.heads, point.units) == (groups, UNITS))
    with torch.no_grad():
        torch.testing.assert_close(whole(**tiny_inputs()).logits, model(**tiny_inputs()).logits)
    shared = {parameter.data_ptr() for parameter in model.parameters()}
    assert sum(parameter.data_ptr() in shared for parameter in whole.parameters()) == len(list(model.parameters()))


def test_a_tiny_model_can_really_be_timed() -> None:
    try:
        table = measure_table(tiny_model("gpt2"), LatencyConfig(length=8, rounds=2))
    except UsageError as error:  # A model of three tiny layers may take the same time whatever is cut from it.
        assert "do not grow" in str(error)
    else:
        assert len(table.points) >= 10 and all(point.seconds > 0 for point in table.points)


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="rounds is 0"):
        LatencyConfig(rounds=0)
