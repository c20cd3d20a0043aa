"""A byte model is pruned, cut, tuned and quantised, and what comes of it compresses."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.recipes.small import write_text

from laconic.archive.stream import compress, decompress
from laconic.bytelm.quantize import quantize
from laconic.bytelm.registry import load_byte_lm, save_byte_lm
from laconic.bytelm.transformer import TransformerByteLM
from laconic.errors import UsageError
from laconic.model.byte_parent import build_byte_parent
from laconic.model.folder import load_any, save_model
from laconic.pruning.objective import DistillConfig
from laconic.recipes.byte_pruning import BytePruneConfig, bytelm_pruned, run_byte_pruning
from laconic.recipes.ngram import BYTE_MODEL
from laconic.recipes.registry import RunOptions, find_recipe
from laconic.records.record import Record
from laconic.training.loop import LoopConfig
from laconic.training.optimizer import OptimizerConfig
from laconic.training.schedule import ScheduleConfig


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_text(tmp_path_factory.mktemp("text"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, text: Path) -> Path:
    """A tiny model that knows nothing yet, with the light model as its prior, and its parent's weights beside it."""
    folder, prior = tmp_path_factory.mktemp("whole"), load_byte_lm("light")
    parent = build_byte_parent("tiny", band=32, seed=0)
    texts_NT = np.frombuffer(text.read_bytes()[:1024], np.uint8).reshape(-1, 64).astype(np.uint16)
    save_byte_lm(
        TransformerByteLM(quantize(parent, texts_NT, prior=prior, trained_on="chance"), prior), folder / "m.safetensors"
    )
    save_model(parent, folder / "parent")
    return folder / "m.safetensors"


def _config(text: Path, whole: Path, **changes: object) -> BytePruneConfig:
    loop = LoopConfig(steps=12, batch=4, evaluate_every=4, device="cpu", schedule=ScheduleConfig(peak=2e-3, warmup=2))
    sizes = {"context": 64, "valid_bytes": 1_000, "test_bytes": 2_000, "calibration_bytes": 1_000}
    config = BytePruneConfig(
        model=str(whole), corpora=(f"{text}:1",), sparsities=(0.4, 0.8), prune=loop, tune=loop, short=0.25,
        distill=DistillConfig(prediction=1.0, layers=0.1, label=1.0, temperature=1.0), **sizes,
    )  # fmt: skip
    return replace(config, **changes)


def test_a_run_ends_with_smaller_models_that_compress(tmp_path: Path, text: Path, whole: Path) -> None:
    told: list[tuple[int, int | None, str]] = []
    config, options = _config(text, whole), RunOptions(progress=lambda *words: told.append(words))
    record = run_byte_pruning("small", config, tmp_path / "run", options)
    assert Record.load(tmp_path / "run" / "record.json") == record
    first, *smaller = record.results["models"]
    assert first["fingerprint"] == f"{load_byte_lm(whole).fingerprint:016x}" and first["structure"] is None
    assert "sparsity-0.8/tune, step 12/12" in told[-1][2] and "bits/byte held out" in told[-1][2]
    data = text.read_bytes()[:500]
    for row in smaller:
        folder = tmp_path / "run" / f"sparsity-{row['sparsity']:g}"
        model = load_byte_lm(folder / BYTE_MODEL)
        assert isinstance(model, TransformerByteLM)
        assert f"{model.fingerprint:016x}" == row["fingerprint"] and abs(row["quantization_cost"]) < 0.05
        assert decompress(compress(data, model), model) == data
        assert row["sparsity"] <= row["real_sparsity"] < row["sparsity"] + 0.02
        blocks = [{"heads": block.heads, "units": block.ffn} for block in model.weights.shape.blocks]
        assert blocks == row["structure"]
        assert load_any(folder / "model").config.model_type == "laconic_mistral"
        assert row["bits_per_byte"] < first["bits_per_byte"] and row["steps"] == 24
    sizes = [row["parameters"]["pruned"] for row in (first, *smaller)]
    assert sizes == sorted(sizes, reverse=True) and smaller[1]["flops_per_byte"] < smaller[0]["flops_per_byte"]
    assert run_byte_pruning("small", config, tmp_path / "run", replace(options, resume=True)) == record


def test_a_resumed_run_does_not_train_again_what_is_done(tmp_path: Path, text: Path, whole: Path) -> None:
    config = _config(text, whole, sparsities=(0.5,))
    record = run_byte_pruning("small", config, tmp_path / "run", RunOptions())
    (tmp_path / "run" / "record.json").unlink()
    before = (tmp_path / "run" / "sparsity-0.5" / BYTE_MODEL).read_bytes()
    again = run_byte_pruning("small", config, tmp_path / "run", RunOptions(resume=True))
    assert again.results["models"] == record.results["models"]
    assert (tmp_path / "run" / "sparsity-0.5" / BYTE_MODEL).read_bytes() == before


def test_a_parent_of_its_own_is_the_teacher(tmp_path: Path, text: Path, whole: Path) -> None:
    quick = replace(_config(text, whole).prune, steps=1)
    config = _config(text, whole, sparsities=(0.5,), prune=quick, tune=quick)
    weights = whole.parent / "parent" / "model.safetensors"
    rows = [
        run_byte_pruning("small", replace(config, initial=initial), tmp_path / str(number), RunOptions()).results["models"][0]
        for number, initial in enumerate((None, str(weights)))
    ]
    assert rows[0]["bits_per_byte"] == rows[1]["bits_per_byte"]
    assert rows[0]["float_bits_per_byte"] != rows[1]["float_bits_per_byte"]
    assert rows[0]["float_bits_per_byte"] == pytest.approx(rows[1]["float_bits_per_byte"], rel=0.01)


def test_what_cannot_be_is_said_first(tmp_path: Path, text: Path, whole: Path) -> None:
    with pytest.raises(UsageError, match="no layers to prune"):
        run_byte_pruning("small", _config(text, whole, model="light"), tmp_path / "a", RunOptions())
    with pytest.raises(UsageError, match="cannot be reached with the gates heads"):
        run_byte_pruning("small", _config(text, whole, gates=("heads",)), tmp_path / "b", RunOptions())
    assert not (tmp_path / "a").exists() and not (tmp_path / "b").exists()


def test_the_recipe_is_found_and_wrong_settings_named(text: Path, whole: Path) -> None:
    assert find_recipe("bytelm-pruned").config == bytelm_pruned().config
    muon = replace(_config(text, whole).prune, optimizer=OptimizerConfig(name="muon"))
    for change, message in (
        ({"context": 100}, "context is 100"),
        ({"short": 2.0}, "short is 2.0"),
        ({"sparsities": ()}, "sparsities"),
        ({"sparsities": (0.5, 0.4)}, "sparsities"),
        ({"sparsities": (0.5, 1.0)}, "sparsities"),
        ({"gates": ("width",)}, "gates"),
        ({"gate_rate": -1.0}, "gate_rate is -1.0"),
        ({"prune": muon}, "need adamw"),
        ({"precision": 9}, "precision is 9"),
    ):
        with pytest.raises(ValueError, match=message):
            _config(text, whole, **change)
    with pytest.raises(UsageError, match="no share"):
        _config(text, whole, corpora=("stdlib",))
