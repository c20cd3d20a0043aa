"""The stages of a run that prunes a byte model: each trains a student, keeps the best of it, and is not done again."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from laconic.bytelm.base import AbstractByteLM
from laconic.pruning.byte_objective import ByteCofi
from laconic.pruning.student import Student
from laconic.recipes.bytelm import ByteText, segment_bits, stream_segments
from laconic.recipes.prune_stages import learn_once, rank
from laconic.text.corpus import Corpus
from laconic.text.mixture import mix_corpora
from laconic.training.loop import LoopConfig, Outcome, Progress, train


@dataclass(frozen=True, kw_only=True)
class ByteSetting:
    """What stages of a run have in common.

    Attributes:
        text: what they read.
        corpora: the train splits, with their shares.
        prior: what the network adds to; None for nothing.
        valid_BT: held-out segments that students are judged on.
        out: the folder of the run; each stage has one below it.
        device: where students are judged.
        tell: told of every update as (bytes done, bytes in all or None, words).
    """

    text: ByteText
    corpora: Mapping[str, tuple[Corpus, float]]
    prior: AbstractByteLM | None
    valid_BT: np.ndarray
    out: Path
    device: torch.device
    tell: Callable[[int, int | None, str], None] | None = None

    def bits(self, student: Student) -> float:
        """Bits per byte of a student as it is, with what it wears."""
        torch.nn.Module.to(student.model, self.device).train(False)
        return segment_bits(student.model, self.prior, self.valid_BT)


@dataclass(frozen=True, kw_only=True)
class ByteStage:
    """One stage.

    Attributes:
        name: the folder below the run's.
        loop: how to train.
        student: what is trained, in place.
        objective: what it learns.
        sparsity: what is gone where it is judged; None for a student without gates.
    """

    name: str
    loop: LoopConfig
    student: Student
    objective: ByteCofi
    sparsity: float | None = None


def run_byte_stage(setting: ByteSetting, stage: ByteStage) -> dict[str, Any]:
    """Train a student and load the best of it; or only load it, where that was done before.

    Returns:
        What it came to: `steps`, `bytes`, `seconds`, and `bits` per byte of the valid split.

    Raises:
        TrainingError: interrupted, or went wrong; the checkpoint continues it.
    """
    student, watch = stage.student, _Watch(setting, stage)

    def learn(resume: bool) -> Outcome:
        return train(
            student,
            stage.objective,
            stream_segments(mix_corpora(dict(setting.corpora)), setting.text, 0, 1),
            stage.loop,
            setting.out / stage.name,
            evaluate=watch.evaluate,
            report=watch.report,
            seed=setting.text.seed,
            resume=resume,
        )

    def sum_up(outcome: Outcome) -> dict[str, Any]:
        progress = outcome.progress
        return {
            "steps": progress.step,
            "bytes": progress.bytes,
            "seconds": progress.seconds,
            "bits": setting.bits(student),
            "precision": outcome.precision,
        }

    return learn_once(setting.out, stage.name, student, learn, sum_up, steps=stage.loop.steps, sparsity=stage.sparsity)


class _Watch:
    """Judges a student from time to time, and says how it goes."""

    def __init__(self, setting: ByteSetting, stage: ByteStage) -> None:
        self._setting, self._stage, self._words = setting, stage, ""

    def evaluate(self, module: torch.nn.Module) -> float:
        student, wanted = self._stage.student, self._stage.sparsity
        student.wear_fixed(wanted)
        bits = self._setting.bits(student)
        ranked, told, _ = rank(student, wanted, cost=bits)
        self._words = f", {bits:.4f} bits/byte held out{told}"
        return ranked

    def report(self, progress: Progress) -> None:
        if self._setting.tell:
            steps = self._stage.loop.steps
            size = round(progress.bytes * steps / progress.step)
            words = (
                f"{self._stage.name}, step {progress.step}/{steps}, loss {progress.loss / math.log(2):.3f} bits{self._words}"
            )
            self._setting.tell(progress.bytes, size, words)
