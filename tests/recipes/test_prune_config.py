from typing import Any

import pytest

from laconic.evaluation.latency_table import LatencyConfig
from laconic.recipes.prune_config import PruneConfig, StageConfig, scheduled
from laconic.recipes.prune_measures import MeasureConfig
from laconic.recipes.settings import from_plain, to_plain


def test_it_comes_back_from_json() -> None:
    config = PruneConfig(
        model="m", task="sst2", sparsities=(0.6, 0.95), train_limit=10, deliver=("onnx",), measure=MeasureConfig(batch=1)
    )
    assert from_plain(PruneConfig, to_plain(config), name="a file") == config


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"task": ""}, "of task, data and text none or several are given"),
        ({"data": "x.csv"}, "of task, data and text none or several are given"),
        ({"text": "x.txt"}, "of task, data and text none or several are given"),
        ({"valid_bytes": 0}, "valid_bytes is 0"),
        ({"task": "", "data": "x.csv"}, "text_columns and label"),
        ({"sparsities": ()}, "exactly one must say how small"),
        ({"speedups": (5.0,)}, "exactly one must say how small"),
        ({"sparsities": (), "speedups": (5.0, 2.0)}, "speedups is .* numbers that rise"),
        ({"sparsities": (), "speedups": (1.0,)}, "speedups is .* above 1"),
        ({"sparsities": (0.9, 0.6)}, "numbers that rise"),
        ({"sparsities": (0.5, 1.0)}, "between 0 and 1"),
        ({"start": "random"}, "start is 'random'"),
        ({"gates": ("layers",)}, "gates is"),
        ({"gates": ("heads", "width"), "method": "layers"}, "method is layers, which has no gates"),
        ({"gates": ("heads", "width"), "sparsities": (), "speedups": (2.0,)}, "gates has the width, of whose time no table"),
        ({"valid_bytes": 5}, "valid_text and valid_bytes are of a text"),
        ({"valid_text": "wikitext-2"}, "valid_text and valid_bytes are of a text"),
        ({"valid_data": "x.csv"}, "valid_data and kind are of a table"),
        ({"latency": LatencyConfig(batch=2)}, "latency says how to time"),
        ({"precision": "fp8"}, "precision is 'fp8'"),
        ({"max_length": 0}, "max_length is 0"),
        ({"warmup": 1.5}, "warmup is 1.5"),
        ({"gate_rate": -1.0}, "gate_rate is -1.0"),
        ({"seed": -1}, "seed is -1"),
        ({"dropout": 1.0}, "dropout is 1.0"),
        ({"deliver": ("onnx", "zip")}, "deliver is onnx, zip, but must be some of onnx, int8, half, trimmed"),
    ],
)
def test_what_cannot_be_is_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PruneConfig(**{"model": "m", "task": "sst2", **settings})  # type: ignore[arg-type]


def test_stages_count_their_updates_and_short_runs_have_quick_gates() -> None:
    assert StageConfig(epochs=2.5, batch=10).steps(105) == 25
    assert StageConfig(epochs=0).steps(100) == 0 and StageConfig(epochs=0.001).steps(100) == 1
    config = PruneConfig(model="m", task="sst2")
    assert config.rate_of_gates(100_000) == 0.01 < config.rate_of_gates(600)
    assert PruneConfig(model="m", task="sst2", gate_rate=0.3).rate_of_gates(600) == 0.3
    with pytest.raises(ValueError, match="batch is 0"):
        StageConfig(epochs=1, batch=0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"prune": 12}, "prune is 12, but must be of type StageConfig"),
        ({"prune": {"batch": 1.5}}, "batch is 1.5, but must be of type int"),
        ({"evaluations": None}, "evaluations is None, but must be of type int"),
        ({"text_columns": "text"}, "text_columns is 'text', but must be of type tuple"),
        ({"freeze_embeddings": 1}, "freeze_embeddings is 1, but must be of type bool"),
    ],
)
def test_values_of_other_types_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        scheduled(model="m", task="sst2", **settings)


def test_whole_numbers_stand_for_any() -> None:
    config = scheduled(model="m", task="sst2", prune=StageConfig(epochs=3), warmup=0, train_limit=None)
    assert type(config.prune.epochs) is type(config.warmup) is float


def test_a_baseline_has_the_updates_of_both_stages_of_cofi() -> None:
    both = {"prune": StageConfig(epochs=3), "tune": StageConfig(epochs=0, batch=7)}
    stages = PruneConfig(model="m", task="sst2", method="layers", teacher="t", **both).stages()
    assert stages == {"prepare": StageConfig(epochs=1), "tune": StageConfig(epochs=3 * 7 / 32, batch=7)}
    assert stages["tune"].steps(7 * 32) == StageConfig(epochs=3).steps(7 * 32) == 21
    assert list(PruneConfig(model="m", task="sst2", method="small", teacher="t", **both).stages()) == ["tune"]
