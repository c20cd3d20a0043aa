"""A stage trains a student of bytes, keeps the best of it, and is not done again."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tests.recipes.small import write_text

from laconic.model.byte_parent import build_byte_parent
from laconic.pruning.byte_objective import ByteCofi
from laconic.pruning.gates import Gates
from laconic.pruning.objective import ConstraintConfig, DistillConfig
from laconic.pruning.parts import count_parts
from laconic.pruning.student import Student
from laconic.recipes.byte_pruning_stages import ByteSetting, ByteStage, run_byte_stage
from laconic.recipes.bytelm import ByteLMConfig, held_out_segments, open_corpora
from laconic.training.loop import LoopConfig
from laconic.training.schedule import ScheduleConfig

DISTILL = DistillConfig(prediction=0.0, layers=0.0, label=1.0)


@pytest.fixture
def setting(tmp_path: Path) -> ByteSetting:
    text = ByteLMConfig(corpora=(f"{write_text(tmp_path)}:1",), band=32, context=64)
    path = text.corpora[0].rpartition(":")[0]
    return ByteSetting(
        text=text,
        corpora=open_corpora(text, None),
        prior=None,
        valid_BT=held_out_segments(path, "valid", 500, 64, None),
        out=tmp_path / "run",
        device=torch.device("cpu"),
    )


@pytest.fixture
def make_stage() -> Callable[..., ByteStage]:
    def make(*, sparsity: float | None = None, rate: float = 1.0) -> ByteStage:
        model = build_byte_parent("tiny", band=32, seed=0)
        gates = None if sparsity is None else Gates(count_parts(model), units_at=2.0)
        constraint = None if sparsity is None else ConstraintConfig(sparsity=sparsity, warmup=2, rate=rate)
        objective = ByteCofi(
            prior=None,
            distill=DISTILL,
            teacher=build_byte_parent("tiny", band=32, seed=1),
            constraint=constraint,
        )
        loop = LoopConfig(steps=8, batch=4, evaluate_every=4, device="cpu", schedule=ScheduleConfig(peak=5e-3, warmup=1))
        return ByteStage(name="s/tune", loop=loop, student=Student(model, gates=gates), objective=objective, sparsity=sparsity)

    return make


def test_a_stage_learns_and_is_not_done_again(setting: ByteSetting, make_stage: Callable[..., ByteStage]) -> None:
    told: list[str] = []
    stage = make_stage()
    before = setting.bits(stage.student)
    done = run_byte_stage(replace(setting, tell=lambda done, size, words: told.append(words)), stage)
    assert done["bits"] < before - 0.5 and (done["steps"], done["bytes"]) == (8, 8 * 4 * 64)
    assert done["bits"] == pytest.approx(setting.bits(stage.student))
    assert told[-1].startswith("s/tune, step 8/8, loss ") and told[-1].endswith(" bits/byte held out")
    (setting.out / "s/tune/stage.json").write_text(json.dumps(done | {"steps": 7}))
    again = make_stage()
    assert run_byte_stage(setting, again)["steps"] == 7
    assert setting.bits(again.student) == pytest.approx(done["bits"])


def test_gates_are_judged_by_what_is_left(setting: ByteSetting, make_stage: Callable[..., ByteStage]) -> None:
    told: list[str] = []
    stage = make_stage(sparsity=0.4)
    run_byte_stage(replace(setting, tell=lambda done, size, words: told.append(words)), stage)
    assert "% gone now: " in told[-1]
    masks = stage.student.wear_fixed(0.4)
    assert masks is not None and masks.structure().sparsity(count_parts(stage.student.model)) >= 0.4


def test_while_too_little_is_gone_the_sparsest_is_the_best(setting: ByteSetting, make_stage: Callable[..., ByteStage]) -> None:
    run_byte_stage(setting, make_stage(sparsity=0.9, rate=1e-6))
    lines = [json.loads(line) for line in (setting.out / "s/tune/log.jsonl").read_text().splitlines()]
    assert all(line["evaluation"] > 1e5 for line in lines if "evaluation" in line)
