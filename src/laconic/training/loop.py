"""The training loop: one for every method, on `accelerate`, so that one process, DDP and a launcher look alike.

A step reads a global batch in micro-batches, weighs each by its predictions, clips the gradient, sets the learning rate and
updates. Between steps the loop logs, evaluates, keeps checkpoints, and stops when asked. Nothing here knows what the
loss means.
"""

import contextlib
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Generic, final

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedType
from torch import Tensor, nn

from laconic.errors import CorruptFileError, OutputError, TrainingError, UsageError
from laconic.training.checkpoint import (
    BEST,
    LAST,
    ProcessState,
    begin_checkpoint,
    commit_checkpoint,
    find_checkpoint,
    read_common_part,
    read_process_part,
    require_checkpoint,
    write_common_part,
    write_process_part,
)
from laconic.training.data import BatchStream
from laconic.training.interrupt import Interruption, note_interrupts
from laconic.training.objective import AbstractObjective, BatchT
from laconic.training.optimizer import OWN_RATE, OptimizerConfig, build_optimizer
from laconic.training.schedule import ScheduleConfig, learning_rate

PRECISIONS, DEVICES = ("auto", "fp32", "bf16"), ("auto", "cpu")


@dataclass(frozen=True, kw_only=True)
class LoopConfig:
    """How long and how to train.

    Attributes:
        steps: updates in the whole run.
        batch: segments in one update, over all processes and micro-batches.
        micro_batch: segments that one process computes at once; 0 for its whole share of the batch.
        optimizer: which optimiser.
        schedule: the learning rate.
        clip: largest norm of the gradient; longer ones are shortened to it; 0 for no limit.
        precision: `bf16` computes matrix products in bfloat16 and keeps weights in float32; `fp32` everything in
            float32; `auto` takes bf16 where the machine has instructions for it.
        log_every: steps between two lines of the log.
        evaluate_every: steps between two evaluations; 0 for one at the end only.
        checkpoint_every: steps between two checkpoints; 0 for one at the end only.
        device: `auto` for the accelerator where there is one, or `cpu`.
        trackers: names of `accelerate` trackers that get the log too, such as `tensorboard` or `wandb`.
    """

    steps: int
    batch: int = 32
    micro_batch: int = 0
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    clip: float = 1.0
    precision: str = "auto"
    log_every: int = 10
    evaluate_every: int = 0
    checkpoint_every: int = 0
    device: str = "auto"
    trackers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, least in {
            "steps": 1,
            "batch": 1,
            "log_every": 1,
            "micro_batch": 0,
            "evaluate_every": 0,
            "checkpoint_every": 0,
        }.items():
            if getattr(self, name) < least:
                raise ValueError(f"{name} is {getattr(self, name)}, but must be at least {least}")
        if self.clip < 0:
            raise ValueError(f"clip is {self.clip}, but must not be negative")
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision is {self.precision!r}, but must be one of {', '.join(PRECISIONS)}")
        if self.device not in DEVICES:
            raise ValueError(f"device is {self.device!r}, but must be 'auto' or 'cpu'")


@dataclass(kw_only=True)
class Progress:
    """How far a run has come; part of every checkpoint.

    Attributes:
        step: updates done.
        tokens: predictions trained on, over all processes: tokens, or examples.
        bytes: bytes of text they stand for.
        seconds: time spent in steps, over all resumptions.
        loss: of the latest step, the mean over its tokens, in nats.
        best: lowest evaluation so far; None before the first.
        evaluation: the latest evaluation; None before the first.
    """

    step: int = 0
    tokens: int = 0
    bytes: int = 0
    seconds: float = 0.0
    loss: float = math.nan
    best: float | None = None
    evaluation: float | None = None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a run ended.

    Attributes:
        finished: False where it was interrupted; the last checkpoint then continues it.
        progress: how far it came.
        model: the trained model, unwrapped, in evaluation mode.
        precision: `fp32` or `bf16`, as `auto` was resolved.
    """

    finished: bool
    progress: Progress
    model: nn.Module
    precision: str


Evaluate = Callable[[nn.Module], float]
Report = Callable[[Progress], None]


def train(
    model: nn.Module,
    objective: AbstractObjective[BatchT],
    data: BatchStream[BatchT],
    config: LoopConfig,
    out: Path,
    *,
    evaluate: Evaluate | None = None,
    report: Report | None = None,
    seed: int = 0,
    resume: bool = False,
) -> Outcome:
    """Train a model.

    Args:
        model: changed in place.
        objective: what to minimise.
        data: this process's share of the data. A run also ends where all shares are exhausted.
        config: how long and how.
        out: gets `log.jsonl` and `checkpoints/`; made if missing.
        evaluate: gives a score, lower is better, which decides what the best checkpoint is.
        report: told after every step.
        seed: random numbers drawn while training (dropout) start from it; each process adds its number.
        resume: continue from the last checkpoint in `out`, exactly.

    Raises:
        TrainingError: the loss or the gradient is not finite. The model, and the last checkpoint, are those before it.
        UsageError: nothing to resume from, or a batch that the processes cannot share.
        OutputError: `out` cannot be written.
    """
    run = _Run(model, objective, data, config, Path(out), evaluate, report)
    torch.manual_seed(seed + run.accelerator.process_index)
    if resume:
        run.restore()
    with note_interrupts() as interruption:
        finished = run.advance(interruption)
    return Outcome(finished=finished, progress=run.progress, model=run.bare.eval(), precision=run.precision)


def shares(config: LoopConfig) -> tuple[int, int]:
    """Which process this is, and how many there are: what a data source needs to hand out shares."""
    accelerator = Accelerator(cpu=config.device == "cpu", mixed_precision="no")
    return accelerator.process_index, accelerator.num_processes


@final
class _Run(Generic[BatchT]):
    """The state of one run, between steps."""

    def __init__(
        self,
        model: nn.Module,
        objective: AbstractObjective[BatchT],
        data: BatchStream[BatchT],
        config: LoopConfig,
        out: Path,
        evaluate: Evaluate | None,
        report: Report | None,
    ) -> None:
        self.config, self.objective, self.data, self.out = config, objective, data, out
        self.evaluate, self.report = evaluate, report
        self.accelerator = _build_accelerator(config, out)
        self.precision = resolve_precision(config.precision, self.accelerator.device)
        self.rows = _share_of_batch(config, self.accelerator.num_processes)
        self.bare, self.progress, self.saved_step = model, Progress(), -1
        self.model, self.optimizer = self.accelerator.prepare(
            model, build_optimizer(config.optimizer, model.named_parameters(), own_rates=objective.own_rates())
        )
        self.root = out / "checkpoints"
        if self.accelerator.is_main_process:
            _make_folder(self.root)
        self.accelerator.wait_for_everyone()

    def restore(self) -> None:
        """Go to the last checkpoint, and forget what was logged after it."""
        folder = require_checkpoint(self.root)
        self.progress = Progress(**read_common_part(folder, self.bare, self.optimizer))
        own = read_process_part(folder, self.accelerator.process_index, self.accelerator.device)
        self.data.restore(own.data)
        try:
            self.objective.restore(own.objective)
        except (KeyError, ValueError) as error:
            raise CorruptFileError(
                f"{folder} is of another kind of training ({error}): resume with the same settings"
            ) from error
        self.saved_step = self.progress.step
        if self.accelerator.is_main_process:
            _trim_log(self.out / "log.jsonl", self.progress.step)

    def advance(self, interruption: Interruption) -> bool:
        """Run to the end, or until asked to stop; True for the end."""
        config, stopped = self.config, False
        while self.progress.step < config.steps and not stopped:
            report = self.step()
            if report is None:
                break
            step = self.progress.step
            stopped = self._any(interruption.requested)
            last = step == config.steps
            better = _due(config.evaluate_every, step, last) and self.score(report)
            if step % config.log_every == 0 or last or "evaluation" in report:
                self.log(report)
            if _due(config.checkpoint_every, step, last) or stopped or better:
                self.checkpoint((BEST, LAST) if better else (LAST,))
            if self.report:
                self.report(self.progress)
        if self.saved_step != self.progress.step:
            self.checkpoint((LAST,))
        self.accelerator.end_training()
        return not stopped

    def step(self) -> dict[str, Any] | None:
        """One update; what to log of it, or None where the data has ended."""
        start = time.perf_counter()
        micro = self.config.micro_batch or self.rows
        batches = [self.data.next_batch(min(micro, self.rows - at)) for at in range(0, self.rows, micro)]
        count, size = self._sum([float(sum(batch.count for batch in batches)), float(sum(batch.bytes for batch in batches))])
        if not count:
            return None
        self.model.train()
        step = self.progress.step + 1
        statistics = self._backward([batch.at(step) for batch in batches], count)
        groups = self.optimizer.param_groups
        scheduled = [parameter for group in groups if OWN_RATE not in group for parameter in group["params"]]
        norm = self.accelerator.clip_grad_norm_(scheduled, self.config.clip or math.inf)
        rate = learning_rate(self.config.schedule, step, self.config.steps)
        self._require_finite(statistics["loss"], float(norm), step, rate)
        for group in groups:
            group["lr"] = group.get(OWN_RATE, rate)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        seconds = time.perf_counter() - start
        progress = self.progress
        progress.step, progress.loss, progress.seconds = step, statistics["loss"], progress.seconds + seconds
        progress.tokens, progress.bytes = progress.tokens + int(count), progress.bytes + int(size)
        rates = {"gradient_norm": float(norm), "learning_rate": rate, "bytes_per_second": size / seconds}
        done = {"tokens": progress.tokens, "bytes": progress.bytes, "seconds": progress.seconds}
        return {"step": step, **done, **statistics, **rates}

    def score(self, report: dict[str, Any]) -> bool:
        """Evaluate; True where this is the best so far."""
        if self.evaluate is None:
            return False
        value = 0.0
        if self.accelerator.is_main_process:
            self.bare.eval()
            with torch.no_grad(), self._autocast():
                value = float(self.evaluate(self.bare))
        (value,) = self._sum([value])
        report["evaluation"] = self.progress.evaluation = value
        better = self.progress.best is None or value < self.progress.best
        if better:
            self.progress.best = value
        return better

    def log(self, report: dict[str, Any]) -> None:
        """Write one line of the log, and tell the trackers."""
        if self.accelerator.is_main_process:
            _append_line(self.out / "log.jsonl", report)
        self.accelerator.log({name: value for name, value in report.items() if name != "step"}, step=report["step"])

    def checkpoint(self, pointers: tuple[str, ...]) -> None:
        """Keep the present state."""
        step, accelerator = self.progress.step, self.accelerator
        part = self.root / f".step-{step:08d}.part"
        if accelerator.is_main_process:
            begin_checkpoint(self.root, step)
        accelerator.wait_for_everyone()
        own = ProcessState(data=self.data.state(), device=accelerator.device, objective=self.objective.state())
        write_process_part(part, accelerator.process_index, own)
        if accelerator.is_main_process:
            write_common_part(part, self.bare, self.optimizer, asdict(self.progress))
        accelerator.wait_for_everyone()
        if accelerator.is_main_process:
            commit_checkpoint(part, pointers)
        self.saved_step = step

    def _backward(self, batches: Sequence[BatchT], count: float) -> dict[str, float]:
        accelerator, sums = self.accelerator, dict[str, Tensor]()
        for number, batch in enumerate(batches):
            share = batch.count / count
            with accelerator.no_sync(self.model) if number < len(batches) - 1 else contextlib.nullcontext():
                with self._autocast():
                    output = self.objective.loss(self.model, batch.to(accelerator.device))
                # Processes average their gradients, which undoes the factor.
                accelerator.backward(output.loss * (share * accelerator.num_processes))
            for name, value in {"loss": output.loss.detach(), **output.statistics}.items():
                sums[name] = sums.get(name, torch.zeros((), device=accelerator.device)) + value.float() * share
        return dict(zip(sums, self._sum(torch.stack(list(sums.values())).tolist()), strict=True))

    def _require_finite(self, loss: float, norm: float, step: int, rate: float) -> None:
        if math.isfinite(loss) and math.isfinite(norm):
            return
        what = f"loss is {loss}" if not math.isfinite(loss) else f"gradient's norm is {norm}"
        kept = find_checkpoint(self.root, LAST)
        state = f"the checkpoint {kept} is kept" if kept else "no checkpoint was written yet"
        raise TrainingError(
            f"the {what} at step {step} with learning rate {rate:.3g}, but must be finite: lower schedule.peak or clip; {state}"
        )

    def _autocast(self) -> contextlib.AbstractContextManager[Any]:
        return torch.autocast(self.accelerator.device.type, dtype=torch.bfloat16, enabled=self.precision == "bf16")

    def _sum(self, values: list[float]) -> list[float]:
        if self.accelerator.num_processes == 1:
            return values
        summed = self.accelerator.reduce(torch.tensor(values, dtype=torch.float64, device=self.accelerator.device), "sum")
        result: list[float] = summed.tolist()
        return result

    def _any(self, flag: bool) -> bool:
        return self._sum([float(flag)])[0] > 0


def _build_accelerator(config: LoopConfig, out: Path) -> Accelerator:
    # Autocast is ours: accelerate's copies all logits to float32, and can be set only once in a process.
    accelerator = Accelerator(
        cpu=config.device == "cpu", mixed_precision="no", log_with=list(config.trackers) or None, project_dir=str(out)
    )
    simple = (DistributedType.NO, DistributedType.MULTI_CPU, DistributedType.MULTI_GPU)
    if accelerator.distributed_type not in simple:
        raise UsageError(f"{accelerator.distributed_type} is not supported yet: launch with plain data parallelism (torchrun)")
    if config.trackers:
        accelerator.init_trackers("laconic", config=dict(_flatten(asdict(config))))
    return accelerator


def _flatten(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value if isinstance(value, bool | int | float | str) else str(value)


def resolve_precision(wanted: str, device: torch.device) -> str:
    """Which of `fp32` and `bf16` a precision means on a device.

    Args:
        wanted: one of `PRECISIONS`.
        device: where the loop computes.
    """
    if wanted != "auto":
        return wanted
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    capability = torch.backends.cpu.get_cpu_capability()
    fast = capability.startswith("AVX512") and (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    return "bf16" if device.type == "cpu" and fast else "fp32"


def _share_of_batch(config: LoopConfig, processes: int) -> int:
    if config.batch % processes:
        raise UsageError(
            f"batch is {config.batch}, which {processes} processes cannot share evenly: set batch to a multiple of {processes}"
        )
    return config.batch // processes


def _due(every: int, step: int, last: bool) -> bool:
    return last or (every > 0 and step % every == 0)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make {folder}: {error.strerror}; choose a folder that is writable") from error


def _append_line(path: Path, report: dict[str, Any]) -> None:
    try:
        with path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(report) + "\n")
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}; free some space or choose another folder") from error


def _trim_log(path: Path, step: int) -> None:
    if not path.is_file():
        return
    kept: list[str] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        with contextlib.suppress(ValueError, KeyError, TypeError):
            if json.loads(line)["step"] <= step:
                kept.append(line + "\n")
    path.write_text("".join(kept), encoding="utf-8")
