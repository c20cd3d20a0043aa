"""The stages of a pruning run: each trains a student, keeps the best of it, and is not done again when the run is resumed."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from transformers import PreTrainedModel

from laconic.pruning.cutting import cut
from laconic.pruning.masks import Structure
from laconic.pruning.objective import Cofi
from laconic.pruning.student import Student
from laconic.recipes.prune_config import PruneConfig, StageConfig
from laconic.recipes.rundir import read_done, stopped
from laconic.recipes.task_data import TaskData, main_score
from laconic.records.files import open_atomic
from laconic.training.checkpoint import BEST, find_checkpoint, keep_weights_only, read_weights, require_checkpoint
from laconic.training.examples import ExampleStream
from laconic.training.loop import LoopConfig, Outcome, Progress, train
from laconic.training.optimizer import OptimizerConfig
from laconic.training.schedule import ScheduleConfig

DONE = "stage.json"
NOT_YET = 1e6
"""Worse than any score, which lie between 0 and 1, or are bits per byte."""

NEAR = 0.02
"""How near its gates have to be to the sparsity that is wanted, for a student to be judged."""

Tell = Callable[[int, int | None, str], None]


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where the gates of a student stand.

    Attributes:
        structure: what they leave open.
        sparsity: the share of parameters (or of the parts' time) that is really gone so.
        expected: the share that they expect to be gone.
    """

    structure: Structure
    sparsity: float
    expected: float


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What a student was worth when it was judged.

    Attributes:
        stage: the name of its stage.
        step: the update before it.
        steps: updates of the stage.
        score: the main one; with gates, of what would be left if it were cut now to the sparsity of its stage.
        target: the sparsity that is wanted at this update; None without gates.
        standing: where its gates stand; None without.
        model: the student's.
    """

    stage: str
    step: int
    steps: int
    score: float
    target: float | None
    standing: Standing | None
    model: PreTrainedModel


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What all stages of a run have in common.

    Attributes:
        data: the task.
        out: the folder of the run; each stage has one below it.
        evaluations: in each stage.
        precision: as in `LoopConfig`.
        seed: of the order of examples and dropout.
        device: where models are judged.
        tell: told of every update as (bytes done, bytes in all or None, words).
        show: shown every student that was judged.
    """

    data: TaskData
    out: Path
    evaluations: int
    precision: str
    seed: int
    device: torch.device
    tell: Tell | None = None
    show: Callable[[Judged], None] | None = None

    @staticmethod
    def of(config: PruneConfig, data: TaskData, out: Path, *, tell: Tell | None = None) -> "Setting":
        """As the settings of a run have it, on the device of this process."""
        return Setting(
            data=data,
            out=out,
            evaluations=config.evaluations,
            precision=config.precision,
            seed=config.seed,
            device=PartialState().device,
            tell=tell,
        )

    def scores(self, model: torch.nn.Module) -> dict[str, float]:
        """All scores of a model on the valid split, the main one first; in float32, whatever it is trained in."""
        torch.nn.Module.to(model, self.device).train(False)
        with torch.autocast(self.device.type, enabled=False):
            return self.data.judge(model)


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One stage.

    Attributes:
        name: the folder below the run's.
        config: how long and how fast.
        student: what is trained, in place.
        objective: what it learns.
        sparsity: what is gone where it is judged; None for a student without gates.
    """

    name: str
    config: StageConfig
    student: Student
    objective: Cofi
    sparsity: float | None = None


def run_stage(setting: Setting, stage: Stage) -> dict[str, Any]:
    """Train a student and load the best of it; or only load it, where that was done before.

    Args:
        setting: what all stages share.
        stage: this one.

    Returns:
        What it came to: `steps`, `seconds`, and `scores` unless there was nothing to do.

    Raises:
        TrainingError: interrupted, or went wrong; the checkpoint continues it.
    """
    folder, student = setting.out / stage.name, stage.student
    steps = stage.config.steps(len(setting.data.train))
    if not steps:
        return {"steps": 0, "seconds": 0.0}
    loop, watch = _loop(setting, stage, steps), _Watch(setting, stage, steps)

    def learn(resume: bool) -> Outcome:
        watch.resumed = resume
        stream = ExampleStream(setting.data.train, pad_id=setting.data.pad_id, rows=stage.config.batch, seed=setting.seed)
        return train(
            student,
            stage.objective,
            stream,
            loop,
            folder,
            evaluate=watch.evaluate,
            report=watch.report,
            seed=setting.seed,
            resume=resume,
        )

    def sum_up(outcome: Outcome) -> dict[str, Any]:
        progress = outcome.progress
        # Another evaluation than the best of a run that was resumed may have come to the same main score.
        scores = watch.judge() if watch.resumed else watch.scores
        return {"steps": progress.step, "seconds": progress.seconds, "scores": scores}

    return learn_once(setting.out, stage.name, student, learn, sum_up, steps=steps, sparsity=stage.sparsity)


def learn_once(
    out: Path,
    name: str,
    student: Student,
    learn: Callable[[bool], Outcome],
    sum_up: Callable[[Outcome], dict[str, Any]],
    *,
    steps: int,
    sparsity: float | None,
) -> dict[str, Any]:
    """Train a student and load the best of it; or only load it, where that was done before.

    Args:
        out: the folder of the run.
        name: that of the stage below it.
        student: gets the best weights.
        learn: trains it; told whether to go on from a checkpoint.
        sum_up: says what it came to, with the best weights and what it is judged with.
        steps: updates of the stage.
        sparsity: what is gone where it is judged; None for a student without gates.

    Raises:
        TrainingError: interrupted, or went wrong; the checkpoint continues it.
        CorruptFileError: what a stage noted that was done before cannot be read.
    """
    folder = out / name
    if (folder / DONE).is_file():
        read_weights(require_checkpoint(folder / "checkpoints", BEST), student)
        return read_done(folder / DONE)
    outcome = learn(find_checkpoint(folder / "checkpoints") is not None)
    if not outcome.finished:
        raise stopped(out, outcome.progress.step, steps, stage=name)
    read_weights(require_checkpoint(folder / "checkpoints", BEST), student)
    student.wear_fixed(sparsity)
    done = sum_up(outcome)
    with open_atomic(folder / DONE, "w") as stream:
        json.dump(done, stream)
    keep_weights_only(folder / "checkpoints", BEST)
    return done


def _loop(setting: Setting, stage: Stage, steps: int) -> LoopConfig:
    every = math.ceil(steps / setting.evaluations)
    return LoopConfig(
        steps=steps,
        batch=stage.config.batch,
        optimizer=OptimizerConfig(name="adamw", beta2=0.999),
        schedule=ScheduleConfig(peak=stage.config.rate, warmup=0, decay="linear", floor=0.0),
        clip=1.0,
        precision=setting.precision,
        log_every=10,
        evaluate_every=every,
        checkpoint_every=every,
    )


class _Watch:
    """Judges a student from time to time, says how it goes, and remembers the best of what it saw."""

    def __init__(self, setting: Setting, stage: Stage, steps: int) -> None:
        self._setting, self._stage, self._steps = setting, stage, steps
        self._words = ""
        self._judged: tuple[float, Standing | None] | None = None
        self.best: float | None = None
        self.scores: dict[str, float] = {}
        self.resumed = False

    def judge(self) -> dict[str, float]:
        """All scores of what would be left of the student if it were cut now: it is quicker to read with than the whole."""
        student = self._stage.student
        masks = student.wear_fixed(self._stage.sparsity)
        return self._setting.scores(student.model if masks is None else cut(student.model, masks))

    def evaluate(self, module: torch.nn.Module) -> float:
        student, wanted, scores = self._stage.student, self._stage.sparsity, self.judge()
        score = main_score(scores)
        ranked, told, standing = rank(student, wanted, cost=score if self._setting.data.lower_is_better else -score)
        self._words, self._judged = f", score {score:.4f}{told}", (score, standing)
        if self.best is None or ranked < self.best:
            self.best, self.scores = ranked, scores
        return ranked

    def report(self, progress: Progress) -> None:
        if self._judged and self._setting.show:
            self._setting.show(self._seen(progress.step, *self._judged))
        self._judged = None
        if self._setting.tell:
            size = round(progress.bytes * self._steps / progress.step)
            words = f"{self._stage.name}, step {progress.step}/{self._steps}, loss {progress.loss:.3f}{self._words}"
            self._setting.tell(progress.bytes, size, words)

    def _seen(self, step: int, score: float, standing: Standing | None) -> Judged:
        constraint = self._stage.objective.constraint
        return Judged(
            stage=self._stage.name,
            step=step,
            steps=self._steps,
            score=score,
            target=constraint.target_at(step) if constraint else None,
            standing=standing,
            model=self._stage.student.model,
        )


def rank(student: Student, wanted: float | None, *, cost: float) -> tuple[float, str, Standing | None]:
    """What counts when the best of a stage is sought, lower being better; words for what is left; where the gates stand.

    Args:
        student: that was judged.
        wanted: what is gone where it is judged; None for a student without gates.
        cost: what it was judged to be worth.
    """
    if student.gates is None or wanted is None:
        return cost, "", None
    structure, expected = student.gates.fixed().structure(), float(student.gates.expected_sparsity().detach())
    standing = Standing(structure=structure, sparsity=structure.sparsity(student.gates.parts), expected=expected)
    words = f" if cut to {wanted:.1%}, {standing.sparsity:.1%} gone now: {structure_words(structure)}"
    # While the sparsity rises, the sparsest is the best there is: it is what a run that ends too early has to show.
    return (cost if expected > wanted - NEAR else NOT_YET - expected), words, standing


def structure_words(structure: Structure) -> str:
    """What is left of each layer, heads and units, in one line; and of the width, where that is pruned."""
    words = " ".join(f"{layer['heads']}|{layer['units']}" for layer in structure.counts())
    return words if structure.width is None else f"{words} of width {structure.width}"
