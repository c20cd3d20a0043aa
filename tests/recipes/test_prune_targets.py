"""Runs for speed: the table is measured once, the cut ends where the table wants it, and what cannot be is said."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.pruning.tiny import tiny_model
from tests.recipes.test_prune_decoders import config

import laconic
from laconic.errors import CorruptFileError, TrainingError, UsageError
from laconic.evaluation.latency_table import LatencyConfig, LatencyTable, Point
from laconic.pruning.masks import Structure
from laconic.pruning.parts import count_parts
from laconic.pruning.speed import PartTimes
from laconic.recipes import prune_targets
from laconic.recipes.language_data import load_language_model
from laconic.recipes.prune import run_prune
from laconic.recipes.prune_config import PruneConfig
from laconic.recipes.prune_progress import MOMENTS, PAGE
from laconic.recipes.prune_targets import LATENCY, find_targets, size_targets, speed_targets
from laconic.recipes.registry import RunOptions


def test_every_target_has_a_folder_of_its_own() -> None:
    parts, shares = count_parts(tiny_model("bert")), (0.5, 0.5000001, 0.9999999)
    targets = size_targets(PruneConfig(model="m", task="sst2", sparsities=shares), parts)
    assert [target.folder for target in targets.all] == ["sparsity-0.5", "sparsity-0.5000001", "sparsity-0.9999999"]


# Of the tiny decoders, what is not a layer takes a tenth of the time.
TIMES = PartTimes(attention=0.01, head=0.1, ffn=0.01, unit=0.02, rest=0.2)
FAST = {"sparsities": (), "speedups": (1.5, 3.0), "latency": LatencyConfig(length=8, rounds=2)}


def table(how: LatencyConfig) -> LatencyTable:
    return LatencyTable(config=how, points=(Point(heads=0, units=0, seconds=0.2),), times=TIMES, error=0.0)


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every model that was timed; tiny ones take the same time whatever is cut from them, so the times are made up."""
    models: list[Any] = []

    def measure(model: torch.nn.Module, how: LatencyConfig) -> LatencyTable:
        models.append(model)
        return table(how)

    monkeypatch.setattr(prune_targets, "measure_table", measure)
    return models


def test_a_run_for_speed_ends_where_the_table_wants_it(tmp_path: Path, measured: list[Any]) -> None:
    out = tmp_path / "run"
    record = run_prune(config(tmp_path, **FAST), out, RunOptions())
    models = record.results["models"]
    assert [row["folder"] for row in models] == ["teacher", "speedup-1.5", "speedup-3"] and len(measured) == 1
    whole = TIMES.rest + 2 * (0.01 + 4 * 0.1 + 0.01 + 24 * 0.02)
    for row in models[1:]:
        left = TIMES.rest + sum(
            (0.01 + 0.1 * layer["heads"]) * (layer["heads"] > 0) + (0.01 + 0.02 * layer["units"]) * (layer["units"] > 0)
            for layer in row["structure"]
        )
        speed = row["speedup"]
        assert speed["by_table"] == pytest.approx(whole / left) and speed["measured"] > 0
        assert 0 <= 1 / speed["wanted"] - 1 / speed["by_table"] < (0.01 + 0.02) / whole
        assert row["sparsity"] == row["real_sparsity"]
        smaller = laconic.load(out / row["folder"] / "model")
        assert sum(parameter.numel() for parameter in smaller.parameters()) == row["parameters"]["all"]
    moments, page = json.loads((out / MOMENTS).read_text()), (out / PAGE).read_text()
    priced = TIMES.priced(count_parts(load_language_model(tmp_path / "gpt2")))
    gone = {row["folder"]: 1 - (whole / row["speedup"]["by_table"] - TIMES.rest) / priced.total for row in models[1:]}
    told = {row["stage"].split("/")[0]: row["sparsity"] for row in moments if row["stage"].endswith("/tune")}
    assert told == pytest.approx(gone) and "time gone" in page and "parameters gone" not in page
    assert record.results["latency_table"] == table(FAST["latency"]).to_dict()  # type: ignore[arg-type]


def test_a_run_that_goes_on_is_not_timed_again(tmp_path: Path, measured: list[Any]) -> None:
    def interrupt(done: int, total: int | None, words: str) -> None:
        if words.startswith("speedup-1.5/prune, step 5/"):
            signal.raise_signal(signal.SIGINT)

    settings, whole, broken = config(tmp_path, **FAST), tmp_path / "whole", tmp_path / "broken"
    run_prune(settings, whole, RunOptions())
    with pytest.raises(TrainingError, match="stopped on request"):
        run_prune(settings, broken, RunOptions(progress=interrupt))
    assert len(measured) == 2
    run_prune(settings, broken, RunOptions(resume=True))
    assert len(measured) == 2
    one, other = (laconic.load(out / "speedup-3" / "model").state_dict() for out in (whole, broken))
    assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_what_cannot_be_reached_is_said_before_anything_is_trained(tmp_path: Path, measured: list[Any]) -> None:
    with pytest.raises(UsageError, match=r"a speed-up of 50 cannot be reached .* makes 9\.99, for 10\.0% of the time"):
        run_prune(config(tmp_path, **{**FAST, "speedups": (2.0, 50.0)}), tmp_path / "run", RunOptions())
    assert not (tmp_path / "run" / "teacher").exists()
    with pytest.raises(UsageError, match=r"latency\.length is 128, but the models have 64 positions"):
        run_prune(config(tmp_path, **{**FAST, "latency": LatencyConfig()}), tmp_path / "other", RunOptions())


def test_shares_of_size_and_of_time_are_the_targets(tmp_path: Path, measured: list[Any]) -> None:
    model = tiny_model("gpt2")
    parts = count_parts(model)
    sizes = size_targets(PruneConfig(model="m", text="t", sparsities=(0.5, 0.9)), parts)
    assert [(target.folder, target.share, target.speedup) for target in sizes.all] == [
        ("sparsity-0.5", 0.5, None), ("sparsity-0.9", 0.9, None),
    ]  # fmt: skip
    assert sizes.parts == parts and sizes.describe(sizes.all[0], Structure.whole(parts), model, model) == {}
    fast = speed_targets(PruneConfig(model="m", text="t", sparsities=(), speedups=(2.0,)), parts, table(LatencyConfig()))
    priced = TIMES.priced(parts)
    assert fast.parts == priced and fast.all[0].folder == "speedup-2"
    assert TIMES.rest + (1 - fast.all[0].share) * priced.total == pytest.approx((TIMES.rest + priced.total) / 2)
    settings = PruneConfig(model="m", text="t", sparsities=(), speedups=(2.0,))
    (tmp_path / LATENCY).write_text(json.dumps({"points": 3}))
    with pytest.raises(CorruptFileError, match="is no latency table"):
        find_targets(model, settings, tmp_path, device=torch.device("cpu"))
    assert not measured
