"""Models are compared with the first one, kind by kind, and nothing is timed where nothing is to be."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.pruning.tiny import tiny_model

from laconic.errors import LaconicError, UsageError
from laconic.evaluation.latency import folder_runner, onnx_runner
from laconic.evaluation.peak_memory import PeakMemory
from laconic.model.folder import save_model
from laconic.model.onnx import export_onnx
from laconic.recipes import prune_measures
from laconic.recipes.prune_delivery import FOLDER, ONNX
from laconic.recipes.prune_measures import MeasureConfig, measure_models

CPU = torch.device("cpu")


def places(tmp_path: Path) -> list[Path]:
    """Two models, each with an ONNX file; the first with the weights of a delivery, too."""
    for number in range(2):
        model = tiny_model("bert", seed=number)
        save_model(model, tmp_path / str(number) / "model")
        (tmp_path / str(number) / FOLDER).mkdir()
        export_onnx(model, tmp_path / str(number) / FOLDER / ONNX)
    (tmp_path / "0" / FOLDER / "model.safetensors").write_bytes(b"weights")
    return [tmp_path / "0", tmp_path / "1"]


def test_models_are_timed_in_turn_and_compared_with_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def measure(prepare: Callable[[], Any]) -> PeakMemory:
        asked.append(prepare)
        return PeakMemory(before=100, peak=100 + len(asked))

    monkeypatch.setattr(prune_measures, "measure_peak", measure)
    config = MeasureConfig(rounds=3, batch=2, threads=1)
    rows, how = measure_models(config, places(tmp_path), length=9, device=CPU)
    assert how == {"rounds": 3, "batch": 2, "length": 9, "threads": 1, "device": "cpu"}
    for row in rows:
        assert row["latency"].keys() == row["times_faster"].keys() == row["peak_memory"].keys() == {"torch", "onnx"}
        for kind, timing in row["latency"].items():
            assert timing["rounds"] == 3 and timing["median"] > 0
            assert row["throughput"][kind] == pytest.approx(how["batch"] / timing["median"])
            assert row["times_faster"][kind] == rows[0]["latency"][kind]["median"] / timing["median"]
    assert [row["peak_memory"] for row in rows] == [{"torch": 1, "onnx": 2}, {"torch": 3, "onnx": 4}]
    assert [part.func for part in asked] == [folder_runner, onnx_runner] * 2
    assert all(isinstance(part, partial) and part.keywords == {"batch": 2, "length": 9, "threads": 1} for part in asked)
    assert rows[0]["file_bytes"] == {
        "model": (tmp_path / "0" / "model" / "model.safetensors").stat().st_size,
        "delivery": 7,
        "onnx": (tmp_path / "0" / FOLDER / ONNX).stat().st_size,
    }
    assert rows[1]["file_bytes"].keys() == {"model", "onnx"}


@pytest.mark.parametrize("error", [UsageError("measure on Linux"), LaconicError("the measured process ended with -9")])
def test_a_length_of_its_own_is_kept_and_memory_may_not_be_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: LaconicError
) -> None:
    def refuse(prepare: Callable[[], Any]) -> PeakMemory:
        raise error

    monkeypatch.setattr(prune_measures, "measure_peak", refuse)
    rows, how = measure_models(MeasureConfig(rounds=1, batch=1, length=4), places(tmp_path)[:1], length=9, device=CPU)
    assert how["length"] == 4 and rows[0]["peak_memory"] == {}


def test_without_rounds_files_alone_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prune_measures, "load_any", None)
    rows, how = measure_models(MeasureConfig(rounds=0), places(tmp_path), length=9, device=CPU)
    assert how == {} and all(row.keys() == {"file_bytes"} for row in rows)


@pytest.mark.parametrize(("name", "value"), [("rounds", -1), ("batch", 0), ("length", 0), ("threads", 0)])
def test_what_cannot_be_measured_is_refused(name: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"{name} is {value}"):
        MeasureConfig(**{name: value})
