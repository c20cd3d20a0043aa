"""Runners take turns, warm-up is left out, and threads are given back."""

import time
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import BertConfig, BertForSequenceClassification

from laconic.errors import UsageError
from laconic.evaluation import latency
from laconic.evaluation.latency import Timing, folder_runner, measure_latency, onnx_runner, speed_ratios, torch_runner
from laconic.model.onnx import VOCAB_SIZE, export_onnx


def model() -> BertForSequenceClassification:
    config = BertConfig(vocab_size=30, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8)
    return BertForSequenceClassification(config)


@settings(max_examples=30)
@given(rounds=st.integers(1, 9), warmup=st.integers(0, 3), names=st.lists(st.text(max_size=3), unique=True, max_size=4))
def test_all_take_turns(rounds: int, warmup: int, names: list[str]) -> None:
    ran: list[str] = []
    timings = measure_latency({name: lambda name=name: ran.append(name) for name in names}, rounds=rounds, warmup=warmup)
    assert ran == names * (rounds + warmup)
    assert list(timings) == names
    assert all(timing.rounds == rounds and 0 <= timing.low <= timing.median <= timing.high for timing in timings.values())


@settings(max_examples=30)
@given(seconds=st.lists(st.floats(0, 100), min_size=1, max_size=9), warmup=st.integers(0, 3))
def test_timings_are_quartiles_of_the_rounds_alone(seconds: list[float], warmup: int) -> None:
    clock = [0.0]
    steps = iter([1e6] * warmup + seconds)

    def run() -> None:
        clock[0] += next(steps)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "perf_counter", lambda: clock[0])
        found = measure_latency({"one": run}, rounds=len(seconds), warmup=warmup)["one"]
    quartiles = torch.tensor(seconds, dtype=torch.float64).quantile(torch.tensor([0.25, 0.5, 0.75], dtype=torch.float64))
    assert [found.low, found.median, found.high] == pytest.approx(quartiles.tolist(), abs=1e-6)


def test_ratios_are_those_of_medians() -> None:
    timings = {
        name: Timing(median=median, low=0.1, high=9.0, rounds=3)
        for name, median in (("dense", 2.0), ("half", 1.0), ("slow", 8.0))
    }
    assert speed_ratios(timings, "dense") == {"dense": 1.0, "half": 2.0, "slow": 0.25}
    assert timings["half"].to_dict() == {"median": 1.0, "low": 0.1, "high": 9.0, "rounds": 3}
    with pytest.raises(UsageError, match="nothing called 'base'"):
        speed_ratios(timings, "base")


@pytest.mark.parametrize(("rounds", "warmup"), [(0, 2), (1, -1)])
def test_no_rounds_at_all_are_refused(rounds: int, warmup: int) -> None:
    with pytest.raises(ValueError, match="rounds"):
        measure_latency({}, rounds=rounds, warmup=warmup)


def test_pytorch_reads_what_it_was_told_with_so_many_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, before = model(), torch.get_num_threads()
    asked.train()
    seen = []

    def answers(_: object, inputs: dict[str, torch.Tensor]) -> None:
        quiet = not asked.training and not torch.is_grad_enabled()
        seen.append((torch.get_num_threads(), quiet, inputs["input_ids"].shape, bool(inputs["attention_mask"].all())))

    monkeypatch.setattr(latency, "answers", answers)
    torch_runner(asked, batch=2, length=5, threads=before + 1)()
    torch_runner(asked, batch=1, length=3)()
    assert seen == [(before + 1, True, (2, 5), True), (before, True, (1, 3), True)]
    assert torch.get_num_threads() == before


def test_threads_come_back_after_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_num_threads()
    monkeypatch.setattr(latency, "answers", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        torch_runner(model(), batch=1, length=1, threads=before + 1)()
    assert torch.get_num_threads() == before


def test_both_kinds_run_side_by_side(tmp_path: Path) -> None:
    asked = model()
    export_onnx(asked, tmp_path / "model.onnx")
    runners = {
        "torch": torch_runner(asked, batch=2, length=7, threads=1),
        "onnx": onnx_runner(tmp_path / "model.onnx", batch=2, length=7, threads=1),
    }
    assert list(measure_latency(runners, rounds=2)) == ["torch", "onnx"]


def test_a_file_of_somebody_else_needs_the_size_of_its_vocabulary(tmp_path: Path) -> None:
    import onnx

    export_onnx(model(), tmp_path / "model.onnx")
    graph = onnx.load(tmp_path / "model.onnx")
    assert [entry.key for entry in graph.metadata_props] == [VOCAB_SIZE]
    del graph.metadata_props[:]
    onnx.save(graph, tmp_path / "model.onnx")
    with pytest.raises(UsageError, match="give vocab_size"):
        onnx_runner(tmp_path / "model.onnx", batch=1, length=3)
    onnx_runner(tmp_path / "model.onnx", batch=1, length=3, vocab_size=30)()


def test_a_folder_runs_as_the_model_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[torch.Tensor] = []
    small = model().eval()
    small.save_pretrained(tmp_path)
    monkeypatch.setattr(latency, "answers", lambda model, inputs: seen.append(model(**inputs).logits))
    folder_runner(tmp_path, batch=2, length=5)()
    torch_runner(small, batch=2, length=5)()
    assert torch.equal(*seen)
