"""The loop minimises what it should, resumes to the bit, survives kill and Ctrl-C, and stops at what is not finite."""

import json
import math
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, final

import pytest
import torch
from tests.training.models import dropout_model, tiny_model, tiny_stream
from tests.training.processes import in_processes
from tests.training.run_in_process import CONFIG
from torch import nn

from laconic.errors import TrainingError, UsageError
from laconic.training.checkpoint import BEST, find_checkpoint, read_weights
from laconic.training.language_modeling import LanguageModeling
from laconic.training.loop import LoopConfig, Outcome, Progress, train
from laconic.training.objective import AbstractObjective, Batch, LossOutput
from laconic.training.optimizer import OptimizerConfig
from laconic.training.schedule import ScheduleConfig

OBJECTIVE = LanguageModeling(vocab_size=20)
SCRIPT = Path(__file__).with_name("run_in_process.py")


def run(out: Path, config: LoopConfig = CONFIG, model: nn.Module | None = None, **options: Any) -> Outcome:
    return train(
        model or dropout_model(), options.pop("objective", OBJECTIVE), tiny_stream(packing="trim"), config, out, **options
    )


def weights(module: nn.Module) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in module.parameters()])


def logged(out: Path) -> list[dict[str, Any]]:
    timed = ("bytes_per_second", "seconds")
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if name not in timed} for line in lines]


def stop_at(step: int, number: int) -> Any:
    def report(progress: Progress) -> None:
        if progress.step == step:
            os.kill(os.getpid(), number)

    return report


def test_it_learns_and_logs(tmp_path: Path) -> None:
    seen: list[int] = []
    config = replace(CONFIG, steps=30, schedule=ScheduleConfig(peak=1e-2, warmup=2))
    outcome = train(
        tiny_model(), OBJECTIVE, tiny_stream(200), config, tmp_path, report=lambda progress: seen.append(progress.step)
    )
    lines = logged(tmp_path)
    assert outcome.finished and seen == [line["step"] for line in lines] == list(range(1, 31))
    assert lines[0]["loss"] == pytest.approx(math.log(20), rel=0.05)
    assert sum(line["loss"] for line in lines[-5:]) / 5 < 2.95
    assert outcome.progress.tokens == 30 * 4 * 16
    assert abs(outcome.progress.bytes - 30 * 4 * 8) < 10
    assert not outcome.model.training


def test_a_step_is_that_of_the_mean_over_all_tokens(tmp_path: Path) -> None:
    """One AdamW step by hand, on a batch whose rows have different lengths."""
    model, reference = tiny_model(), tiny_model()
    config = replace(CONFIG, steps=1, clip=0.5)
    stream = tiny_stream(3, packing="trim", length=64)
    batch = tiny_stream(3, packing="trim", length=64).next_batch(4)
    train(model, OBJECTIVE, stream, config, tmp_path)
    optimizer = torch.optim.AdamW(reference.parameters(), lr=1e-3 / 2, betas=(0.9, 0.95), weight_decay=0.0)
    OBJECTIVE.loss(reference, batch).loss.backward()
    torch.nn.utils.clip_grad_norm_(reference.parameters(), 0.5)
    optimizer.step()
    torch.testing.assert_close(weights(model), weights(reference), rtol=0, atol=1e-6)


@pytest.mark.parametrize("micro", [1, 3])
def test_micro_batches_change_nothing(tmp_path: Path, micro: int) -> None:
    whole = run(tmp_path / "a", model=tiny_model())
    parts = run(tmp_path / "b", replace(CONFIG, micro_batch=micro), tiny_model())
    torch.testing.assert_close(weights(whole.model), weights(parts.model), rtol=0, atol=2e-5)
    assert whole.progress.tokens == parts.progress.tokens


@pytest.mark.parametrize("optimizer", ["adamw", "adafactor", "muon"])
def test_resumed_equals_uninterrupted_to_the_bit(tmp_path: Path, optimizer: str) -> None:
    config = replace(CONFIG, optimizer=OptimizerConfig(name=optimizer))
    straight = run(tmp_path / "a", config)
    first = run(tmp_path / "b", config, report=stop_at(6, signal.SIGINT))
    assert not first.finished and first.progress.step == 7
    second = run(tmp_path / "b", config, resume=True)
    assert second.finished
    assert torch.equal(weights(straight.model), weights(second.model))
    assert logged(tmp_path / "a") == logged(tmp_path / "b")
    files = [find_checkpoint(tmp_path / name / "checkpoints") / "optimizer.safetensors" for name in "ab"]
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize("step", range(1, 9))
def test_a_stop_at_an_evaluation_leaves_the_log_and_the_best_checkpoint_as_they_were(tmp_path: Path, step: int) -> None:
    config = replace(CONFIG, log_every=3, evaluate_every=2, checkpoint_every=0)

    def score(model: nn.Module) -> float:
        return float(weights(model).square().sum())

    run(tmp_path / "a", config, evaluate=score)
    run(tmp_path / "b", config, evaluate=score, report=stop_at(step, signal.SIGINT))
    run(tmp_path / "b", config, evaluate=score, resume=True)
    assert logged(tmp_path / "a") == logged(tmp_path / "b")
    best = [find_checkpoint(tmp_path / name / "checkpoints", BEST) for name in "ab"]
    assert best[0].name == best[1].name


def test_a_killed_run_goes_on_to_the_bit(tmp_path: Path) -> None:
    straight = run(tmp_path / "a")
    killed = subprocess.run(
        [sys.executable, str(SCRIPT), str(tmp_path / "b"), "kill-at", "6"], capture_output=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert logged(tmp_path / "b")[-1]["step"] >= 5
    resumed = run(tmp_path / "b", resume=True)
    assert torch.equal(weights(straight.model), weights(resumed.model))
    assert logged(tmp_path / "a") == logged(tmp_path / "b")


@pytest.mark.slow
def test_two_processes_train_what_one_does(tmp_path: Path) -> None:
    in_processes([str(SCRIPT), str(tmp_path / "b")], 2)
    alone = run(tmp_path / "a", model=tiny_model())
    shared = tiny_model()
    folder = find_checkpoint(tmp_path / "b" / "checkpoints")
    read_weights(folder, shared)
    torch.testing.assert_close(weights(alone.model), weights(shared), rtol=0, atol=2e-5)
    assert sorted(path.name for path in folder.glob("process-*.json")) == ["process-0.json", "process-1.json"]
    for one, two in zip(logged(tmp_path / "a"), logged(tmp_path / "b"), strict=True):
        assert one == pytest.approx(two, abs=1e-4)


def test_the_best_checkpoint_is_that_of_the_lowest_score(tmp_path: Path) -> None:
    scores = iter([3.0, 1.0, 2.0, 4.0, 5.0])
    outcome = run(tmp_path, replace(CONFIG, evaluate_every=2, checkpoint_every=0), evaluate=lambda model: next(scores))
    assert (outcome.progress.best, outcome.progress.evaluation) == (1.0, 5.0)
    assert find_checkpoint(tmp_path / "checkpoints", BEST).name == "step-00000004"
    assert find_checkpoint(tmp_path / "checkpoints").name == "step-00000010"
    assert [line["evaluation"] for line in logged(tmp_path) if "evaluation" in line] == [3.0, 1.0, 2.0, 4.0, 5.0]


@final
class Exploding(AbstractObjective[Batch]):
    """The plain loss, until it is not a number."""

    def __init__(self, at: int) -> None:
        self.calls, self.at = 0, at

    def loss(self, model: nn.Module, batch: Batch) -> LossOutput:
        self.calls += 1
        output = OBJECTIVE.loss(model, batch)
        return LossOutput(loss=output.loss * (math.nan if self.calls == self.at else 1.0))


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(
        TrainingError, match=r"loss is nan at step 6 .* lower schedule.peak or clip; the checkpoint .*step-00000004 is kept"
    ):
        run(tmp_path, objective=Exploding(6))
    assert run(tmp_path, resume=True).finished


def test_without_a_checkpoint_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"at step 1 .* no checkpoint was written yet"):
        run(tmp_path, objective=Exploding(1))


def test_data_that_ends_ends_the_run(tmp_path: Path) -> None:
    outcome = train(tiny_model(), OBJECTIVE, tiny_stream(6, packing="trim"), CONFIG, tmp_path)
    assert outcome.finished and outcome.progress.step == 2
    assert outcome.progress.tokens == 6 * 16
    assert find_checkpoint(tmp_path / "checkpoints").name == "step-00000002"


def test_bfloat16_computes_in_bfloat16_and_keeps_float32_weights(tmp_path: Path) -> None:
    model, seen = tiny_model(), []
    model.model.layers[0].mlp.down_proj.register_forward_hook(lambda module, inputs, output: seen.append(output.dtype))
    outcome = run(tmp_path, replace(CONFIG, precision="bf16", steps=2), model)
    assert outcome.precision == "bf16" and set(seen) == {torch.bfloat16}
    assert {parameter.dtype for parameter in outcome.model.parameters()} == {torch.float32}


def test_resuming_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="start the run without --resume"):
        run(tmp_path, resume=True)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": 0}, "steps is 0, but must be at least 1"),
        ({"batch": 0}, "batch is 0"),
        ({"clip": -1.0}, "clip is -1"),
        ({"precision": "fp8"}, "precision is 'fp8', but must be one of auto"),
        ({"device": "tpu"}, "device is 'tpu'"),
    ],
)
def test_wrong_settings_are_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, **settings)
