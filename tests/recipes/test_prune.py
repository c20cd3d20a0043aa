"""A whole run on a task of seconds: a teacher, two sparsities, and folders that open everywhere."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.tiny_encoder import WORDS, tiny_encoder, tiny_table, tiny_tokenizer
from transformers import BertConfig, BertModel, BertTokenizer, pipeline

import laconic
from laconic.errors import TrainingError, UsageError
from laconic.evaluation.peak_memory import PeakMemory
from laconic.model.folder import load_with_head
from laconic.recipes import prune_measures
from laconic.recipes.prune import run_prune
from laconic.recipes.prune_config import SCHEDULES, PruneConfig, StageConfig
from laconic.recipes.prune_measures import MeasureConfig
from laconic.recipes.registry import RunOptions
from laconic.records.record import Record

QUICK: dict[str, Any] = {
    "fine_tune": StageConfig(epochs=20, rate=3e-3, batch=27),
    "prepare": StageConfig(epochs=1, rate=3e-3, batch=27),
    "prune": StageConfig(epochs=4, rate=3e-3, batch=27),
    "tune": StageConfig(epochs=4, rate=3e-3, batch=27),
    "measure": MeasureConfig(rounds=0),
    "sparsities": (0.4, 0.8), "units_at": 2.0, "warmup": 0.3, "evaluations": 4, "max_length": 16, "precision": "fp32",
}  # fmt: skip


def config(tmp_path: Path, **changes: Any) -> PruneConfig:
    table = tiny_table(tmp_path / "train.csv")
    own = {"data": str(table), "text_columns": ("text",), "label": "label"}
    given = {**own, **QUICK, **changes}
    return PruneConfig(**{"model": changes.get("model") or str(tiny_encoder(tmp_path / "encoder")), **given})


def test_a_run_ends_with_smaller_models_of_the_sparsities_asked_for(tmp_path: Path) -> None:
    out = tmp_path / "run"
    record = run_prune(config(tmp_path), out, RunOptions())
    models = record.results["models"]
    assert [row["sparsity"] for row in models] == [0.0, 0.4, 0.8]
    assert record.results["metric"] == "accuracy" and models[0]["scores"]["accuracy"] == 1.0
    for row in models[1:]:
        assert 0 <= row["real_sparsity"] - row["sparsity"] < 0.03  # A unit of so small a model is 2 %.
        whole, left = models[0]["parameters"], row["parameters"]
        assert left["pruned"] == pytest.approx((1 - row["real_sparsity"]) * whole["pruned"])
    smaller = laconic.load(out / "sparsity-0.8" / "model")
    assert sum(parameter.numel() for parameter in smaller.parameters()) == models[2]["parameters"]["all"]
    assert smaller.config.id2label == {0: "bad", 1: "good"}
    said = pipeline("text-classification", model=smaller, tokenizer=tiny_tokenizer())("the good film")
    assert said[0]["label"] in ("good", "bad")
    assert json.loads((out / "record.json").read_text())["results"] == record.to_dict()["results"]
    with pytest.raises(UsageError, match="holds a run already"):
        run_prune(config(tmp_path), out, RunOptions())
    assert run_prune(config(tmp_path), out, RunOptions(resume=True)).to_dict() == record.to_dict()
    assert json.loads((out / "sparsity-0.8" / "model" / "tokenizer.json").read_text())["truncation"] is None
    # Texts are read as long as they were learned from, and no stage that is over takes room to go on.
    assert json.loads((out / "sparsity-0.8" / "model" / "tokenizer_config.json").read_text())["model_max_length"] == 16
    assert not list(out.rglob("optimizer.safetensors"))


def test_a_run_that_ended_goes_on_to_a_higher_sparsity_as_if_it_had_been_asked_for_at_first(tmp_path: Path) -> None:
    first = run_prune(config(tmp_path, sparsities=(0.4,)), tmp_path / "run", RunOptions())
    both = config(tmp_path)
    with pytest.raises(UsageError, match="other settings"):
        run_prune(config(tmp_path, sparsities=(0.8,)), tmp_path / "run", RunOptions(resume=True))
    before = [(tmp_path / "run" / name).read_bytes() for name in ("record.json", "config.json")]
    table = (tmp_path / "train.csv").read_text()
    (tmp_path / "train.csv").write_text(table + "a good film,good\n")
    with pytest.raises(UsageError, match="has changed since"):
        run_prune(both, tmp_path / "run", RunOptions(resume=True))
    (tmp_path / "train.csv").write_text(table)
    assert [(tmp_path / "run" / name).read_bytes() for name in ("record.json", "config.json")] == before
    further = run_prune(both, tmp_path / "run", RunOptions(resume=True))
    at_once = run_prune(both, tmp_path / "other", RunOptions())
    assert [row["folder"] for row in further.results["models"]] == ["teacher", "sparsity-0.4", "sparsity-0.8"]
    assert further.results["models"][1]["scores"] == first.results["models"][1]["scores"]
    models = [laconic.load(tmp_path / run / "sparsity-0.8" / "model").state_dict() for run in ("run", "other")]
    assert all(torch.equal(tensor, models[1][name]) for name, tensor in models[0].items())
    assert [row["scores"] for row in further.results["models"]] == [row["scores"] for row in at_once.results["models"]]


def test_in_python_a_run_takes_the_fields_of_its_config(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    record = Record.start(kind="prune", name="mine").finish(results={})
    monkeypatch.setattr("laconic.recipes.prune.run_prune", lambda *given: seen.append(given) or record)
    own: dict[str, Any] = {"text_columns": ("text",), "label": "label", "sparsities": (0.5,)}
    laconic.prune(
        Path("encoder"), "runs/mine", schedule="small", resume=True, data=Path("train.csv"), prune={"epochs": 2}, **own
    )
    stages = SCHEDULES["small"] | {"prune": StageConfig(epochs=2, rate=SCHEDULES["small"]["prune"].rate)}
    wanted = PruneConfig(model="encoder", data="train.csv", **stages, **own)
    assert seen == [(wanted, Path("runs/mine"), RunOptions(resume=True))]
    for wrong in ({"sparsity": 0.5}, {"schedule": "long"}, {"data": ""}, {"prune": {"epoch": 2}}, {"seed": {"epochs": 2}}):
        with pytest.raises(UsageError, match="laconic prune MODEL --list shows what can be set"):
            laconic.prune("encoder", "runs/mine", **{"data": "train.csv", **own, **wrong})


def test_embeddings_stay_as_they_are_and_all_else_learns(tmp_path: Path) -> None:
    run_prune(config(tmp_path, sparsities=(0.4,)), tmp_path / "run", RunOptions())
    first = load_with_head(tmp_path / "encoder", labels=("bad", "good"))
    pruned = laconic.load(tmp_path / "run" / "sparsity-0.4" / "model")
    for name, tensor in pruned.state_dict().items():
        whole = first.state_dict()[name]
        if "embeddings" in name:
            assert torch.equal(tensor, whole)
        elif tensor.shape == whole.shape:
            assert not torch.equal(tensor, whole), name


def test_a_start_without_resume_does_not_mix_with_what_another_left(tmp_path: Path) -> None:
    def interrupt(done: int, total: int | None, words: str) -> None:
        if words.startswith("prepared, step 2/"):
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(TrainingError, match="stopped on request"):
        run_prune(config(tmp_path), tmp_path / "run", RunOptions(progress=interrupt))
    with pytest.raises(UsageError, match="holds a run already"):
        run_prune(config(tmp_path, seed=1), tmp_path / "run", RunOptions())


def weights(out: Path) -> dict[str, torch.Tensor]:
    model = laconic.load(out / "sparsity-0.8" / "model")
    return dict(model.state_dict())


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> dict[str, torch.Tensor]:
    """What a run comes to that nobody interrupts."""
    folder = tmp_path_factory.mktemp("steady")
    run_prune(config(folder), folder / "run", RunOptions())
    return weights(folder / "run")


@pytest.mark.parametrize(
    "stage", ["teacher, step 7/", "prepared, step 2/", "sparsity-0.4/prune, step 9/", "sparsity-0.8/tune, step 3/"]
)
def test_a_run_that_is_interrupted_anywhere_ends_as_if_it_had_not_been(
    tmp_path: Path, stage: str, steady: dict[str, torch.Tensor]
) -> None:
    def interrupt(done: int, total: int | None, words: str) -> None:
        if words.startswith(stage):
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(TrainingError, match="stopped on request"):
        run_prune(config(tmp_path), tmp_path / "run", RunOptions(progress=interrupt))
    run_prune(config(tmp_path), tmp_path / "run", RunOptions(resume=True))
    broken = weights(tmp_path / "run")
    assert steady.keys() == broken.keys()
    assert all(torch.equal(steady[name], broken[name]) for name in steady)


def test_a_teacher_is_taken_as_it_is_and_a_student_may_begin_as_its_teacher(tmp_path: Path) -> None:
    run_prune(config(tmp_path, sparsities=(0.5,)), tmp_path / "first", RunOptions())
    teacher = tmp_path / "first" / "teacher" / "model"
    again = config(tmp_path, sparsities=(0.5,), teacher=str(teacher), start="teacher")
    record = run_prune(again, tmp_path / "second", RunOptions())
    assert record.results["models"][0]["steps"] == 0
    assert record.results["models"][0]["scores"]["accuracy"] == 1.0


def test_the_width_is_pruned_and_cut_where_it_is_asked_for(tmp_path: Path) -> None:
    asked = config(tmp_path, sparsities=(0.4, 0.7), gates=("heads", "attention", "units", "ffn", "width"), deliver=("onnx",))
    record = run_prune(asked, tmp_path / "run", RunOptions())
    whole = record.results["models"][0]["parameters"]["pruned"]
    for row in record.results["models"][1:]:
        model = laconic.load(tmp_path / "run" / row["folder"] / "model")
        assert model.get_input_embeddings().weight.shape[1] == row["width"] == model.config.cut_width < model.config.hidden_size
        assert row["parameters"]["pruned"] == pytest.approx((1 - row["real_sparsity"]) * whole)
        assert 0 <= row["real_sparsity"] - row["sparsity"] < 0.05
        assert row["delivery"]["onnx"] < 1e-4


def test_a_start_without_resume_delivers_its_own_teacher(tmp_path: Path) -> None:
    def stop(done: int, total: int | None, words: str) -> None:
        if words.startswith("noting"):
            raise KeyboardInterrupt

    run_prune(config(tmp_path, sparsities=(0.5,)), tmp_path / "first", RunOptions())
    model, teachers = laconic.load(tmp_path / "first" / "teacher" / "model"), [tmp_path / "one", tmp_path / "other"]
    for teacher in teachers:
        model.save_pretrained(teacher)
        model.classifier.bias.data += 1e-3
    for teacher in teachers:
        with pytest.raises(TrainingError, match="stopped on request"):  # Before there is any checkpoint.
            run_prune(config(tmp_path, teacher=str(teacher), deliver=("half",)), tmp_path / "run", RunOptions(progress=stop))
        delivered = laconic.load(tmp_path / "run" / "teacher" / "delivery").classifier.bias
        assert torch.equal(delivered, laconic.load(teacher).classifier.bias)


def test_deliveries_and_measures_are_part_of_a_run_and_done_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(done: int, total: int | None, words: str) -> None:
        if words.startswith("sparsity-0.4/prune, step 9/"):
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(prune_measures, "measure_peak", lambda prepare: PeakMemory(before=1, peak=3))
    tiny_encoder(tmp_path / "encoder")
    words = [*WORDS, "[MASK]", *sorted({letter for word in WORDS[4:] for letter in word} - set(WORDS))]
    BertTokenizer(vocab={word: place for place, word in enumerate(words)}).save_pretrained(tmp_path / "encoder")
    whole = BertModel(BertConfig(**{**BertConfig.from_pretrained(tmp_path / "encoder").to_dict(), "vocab_size": len(words)}))
    whole.save_pretrained(tmp_path / "encoder")
    more: dict[str, Any] = {
        "sparsities": (0.4,),
        "deliver": ("int8", "half", "trimmed"),
        "measure": MeasureConfig(rounds=1, batch=1),
    }
    asked = config(tmp_path, model=str(tmp_path / "encoder"), **more)
    with pytest.raises(TrainingError, match="stopped on request"):
        run_prune(asked, tmp_path / "run", RunOptions(progress=interrupt))
    file = tmp_path / "run" / "teacher" / "delivery" / "model.onnx"
    before = file.stat().st_mtime_ns
    record = run_prune(asked, tmp_path / "run", RunOptions(resume=True))
    assert file.stat().st_mtime_ns == before
    for row in record.results["models"]:
        assert row["delivery"]["vocabulary"] < len(words)
        assert row["delivery"]["scores"] == row["scores"] and row["delivery"]["int8"].keys() == {"accuracy"}
        assert row["file_bytes"]["delivery"] < row["file_bytes"]["model"]
        assert row["times_faster"].keys() == row["latency"].keys() == {"torch", "onnx", "int8"}
        assert row["peak_memory"] == {"torch": 2, "onnx": 2, "int8": 2}
    assert record.results["measured"]["length"] == 16 and record.results["whole"]["units"] == 24
    assert 'http-equiv="refresh"' not in (tmp_path / "run" / "progress.html").read_text()
