"""A recipe that prunes a byte model: a student with gates, cut, trained again, quantised, and ready for `laconic compress`."""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import PartialState
from transformers import PreTrainedModel

from laconic.bytelm.base import AbstractByteLM, CountFormat
from laconic.bytelm.dequantize import dequantize
from laconic.bytelm.registry import find_byte_lm, load_byte_lm, save_byte_lm
from laconic.bytelm.transformer import TransformerByteLM
from laconic.errors import UsageError
from laconic.evaluation.flops import flops_per_byte
from laconic.model.cut_folder import save_cut
from laconic.pruning.byte_objective import ByteCofi
from laconic.pruning.cutting import count_all, cut
from laconic.pruning.gates import USUAL, Gates, suitable_rate
from laconic.pruning.masks import Masks
from laconic.pruning.objective import ConstraintConfig, DistillConfig
from laconic.pruning.parts import count_parts
from laconic.pruning.student import Student
from laconic.recipes.byte_pruning_stages import ByteSetting, ByteStage, run_byte_stage
from laconic.recipes.bytelm import compare, held_out_segments, load_weights, open_corpora, read_share, to_byte_model
from laconic.recipes.ngram import BYTE_MODEL
from laconic.recipes.prune_config import require_gates, require_rising
from laconic.recipes.prune_targets import folder_of, require_reachable
from laconic.recipes.registry import Recipe, RunOptions
from laconic.recipes.rundir import MODEL, RECORD, begin_run
from laconic.recipes.settings import to_plain
from laconic.records.record import Record
from laconic.shapes import SYMBOLS
from laconic.text.corpus import Corpus
from laconic.training.loop import LoopConfig
from laconic.training.schedule import ScheduleConfig


def _loop(steps: int, peak: float) -> LoopConfig:
    return LoopConfig(
        steps=steps,
        batch=16,
        micro_batch=8,
        schedule=ScheduleConfig(peak=peak, warmup=10, decay="linear", floor=0.01),
        evaluate_every=100,
        checkpoint_every=50,
    )


@dataclass(frozen=True, kw_only=True)
class BytePruneConfig:
    """A run of CoFi on a transformer byte model; the model is teacher, and student at first.

    Attributes:
        model: a transformer byte model: a name, or the path of a `.safetensors` file. Its blocks are all alike.
        initial: a `.safetensors` file with the weights of its float parent; none for what its integers stand for.
        corpora: as in `laconic.recipes.bytelm.ByteLMConfig`; likewise those that follow.
        wrapped: the share of the first corpus's training documents that are read in lines.
        context: symbols in a training segment.
        short: the share of segments that are cut into pieces of 32 symbols.
        valid_bytes: of the first corpus's valid split, for evaluations during the run.
        test_split: the split of the final measurement.
        test_bytes: bytes of it.
        calibration_bytes: of its train split, to find the range of keys and values.
        precision: bits of the counts in the final measurement.
        sparsities: shares of the parameters of attention and feed-forward parts that are to go, rising; a model for each.
        gates: which parts may go (`laconic.pruning.gates.USUAL`).
        units_at: log-odds that units begin with.
        gate_rate: learning rate of gates and prices; 0 for one that suits the length of the run.
        warmup: share of the pruning updates over which the sparsity rises.
        distill: what the student learns from.
        prune: the training with gates, for each sparsity; by AdamW.
        tune: of each cut model.
        seed: of gates and the order of the text.
    """

    model: str = "default"
    initial: str | None = None
    corpora: tuple[str, ...] = ("wikipedia-en:0.94", "stdlib:0.06")
    wrapped: float = 0.2
    context: int = 512
    short: float = 0.125
    valid_bytes: int = 131_072
    test_split: str = "test"
    test_bytes: int = 1_000_000
    calibration_bytes: int = 131_072
    precision: int = 20
    sparsities: tuple[float, ...] = (0.5, 0.75)
    gates: tuple[str, ...] = USUAL
    units_at: float = 2.0
    gate_rate: float = 0.0
    warmup: float = 0.4
    distill: DistillConfig = field(
        default_factory=lambda: DistillConfig(prediction=1.0, layers=0.1, label=0.0, temperature=1.0)
    )
    prune: LoopConfig = field(default_factory=lambda: _loop(250, 1e-3))
    tune: LoopConfig = field(default_factory=lambda: _loop(250, 1e-3))
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("context", "valid_bytes", "test_bytes", "calibration_bytes"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, but must be at least 1")
        if self.context % 32:
            raise ValueError(f"context is {self.context}, but must be a multiple of 32")
        for name in ("short", "wrapped", "warmup"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}, but must lie between 0 and 1")
        if not self.sparsities:
            raise ValueError("sparsities is empty, but must say how small")
        require_rising("sparsities", self.sparsities, least=0, most=1)
        require_gates(self.gates, USUAL)
        if not 0 <= self.gate_rate < math.inf:
            raise ValueError(f"gate_rate is {self.gate_rate}, but must be a number from 0 on")
        if self.prune.optimizer.name != "adamw":
            raise ValueError(f"prune.optimizer.name is {self.prune.optimizer.name!r}, but gates need adamw")
        CountFormat(precision=self.precision)
        for entry in self.corpora:
            read_share(entry)


def bytelm_pruned() -> Recipe:
    """The default byte model with a half and with a quarter of its layers' parameters."""
    return Recipe(name="bytelm-pruned", config=BytePruneConfig(), run=run_byte_pruning)


def run_byte_pruning(name: str, config: BytePruneConfig, out: Path, options: RunOptions) -> Record:
    """Prune, cut, tune, quantise and measure; everything is written into `out`.

    `sparsity-0.5/byte_model.safetensors` is the model at that sparsity, `sparsity-0.5/model` its float parent. A run that is
    complete is not done again.

    Raises:
        UsageError: a model that cannot be pruned, a sparsity that cannot be reached, or several processes.
        TrainingError: the run was interrupted (the checkpoint continues it), or went wrong.
        MissingDataError: a split is not at hand, or empty; found out before training.
    """
    state = PartialState()
    if state.num_processes > 1:
        raise UsageError(f"a pruning run is one process, but {state.num_processes} were launched: start it without a launcher")
    if options.resume and (out / RECORD).is_file():
        begin_run(out, name, config, resume=True)
        return Record.load(out / RECORD)
    record = Record.start(kind="byte-pruning", name=name, seed=config.seed, config={"recipe": name, **to_plain(config)})
    whole, teacher, prior = _load(config)
    corpora = open_corpora(config, options.data_root)
    first = read_share(config.corpora[0])[0]
    valid_BT = held_out_segments(first, "valid", config.valid_bytes, config.context, options.data_root)
    test_BT = held_out_segments(first, config.test_split, config.test_bytes, config.context, options.data_root)
    begin_run(out, name, config, resume=options.resume)
    setting = ByteSetting(
        text=config,
        corpora=corpora,
        prior=prior,
        valid_BT=valid_BT,
        out=out,
        device=state.device,
        tell=options.progress,
    )

    def judge(model: PreTrainedModel, byte_model: TransformerByteLM) -> dict[str, Any]:
        return _judge(config, model, byte_model, prior, test_BT)

    rows = [{"sparsity": 0.0, **judge(teacher, whole), "steps": 0, "seconds": 0.0, "structure": None}]
    rows += _all_models(config, setting, teacher, corpora[first][0], judge)
    seconds = sum(row["seconds"] for row in rows)
    notes = [f"Segments of {config.context} symbols, each from an empty context; ends of documents are charged for."]
    finished = record.finish(results={"models": rows, "notes": notes}, cost={"training_seconds": seconds})
    finished.save(out / RECORD)
    return finished


def _load(config: BytePruneConfig) -> tuple[TransformerByteLM, PreTrainedModel, AbstractByteLM | None]:
    """The model that is pruned, its float parent, and its prior."""
    whole = load_byte_lm(config.model)
    if not isinstance(whole, TransformerByteLM):
        raise UsageError(f"{config.model} has no layers to prune, it is {whole.description}: name a transformer")
    parent, known = dequantize(whole.weights), whole.weights.prior
    if config.initial is not None:
        load_weights(parent, Path(config.initial))
    require_reachable(config.sparsities[-1], count_parts(parent), config.gates)
    return whole, parent, None if known is None else find_byte_lm(known)


def _all_models(
    config: BytePruneConfig,
    setting: ByteSetting,
    teacher: PreTrainedModel,
    corpus: Corpus,
    judge: Callable[[PreTrainedModel, TransformerByteLM], dict[str, Any]],
) -> list[dict[str, Any]]:
    """Prune to one sparsity after the other, and say what each is worth."""
    model = copy.deepcopy(teacher)
    gates = Gates(count_parts(model), kinds=config.gates, seed=config.seed, units_at=config.units_at)
    student = Student(model, gates=gates, teacher_width=teacher.config.hidden_size)
    rows, start = list[dict[str, Any]](), 0.0
    for sparsity in config.sparsities:
        name = folder_of("sparsity", sparsity)
        pruned, masks = _prune(config, setting, teacher, student, name=name, start=start, sparsity=sparsity)
        smaller, tuned = _tune(config, setting, teacher, student, masks, name=name)
        torch.nn.Module.to(smaller, "cpu")
        save_cut(smaller, setting.out / name / MODEL)
        byte_model = to_byte_model(smaller, setting.prior, corpus, config)
        save_byte_lm(byte_model, setting.out / name / BYTE_MODEL)
        structure = masks.structure()
        rows.append(
            {
                "sparsity": sparsity,
                **judge(smaller, byte_model),
                "valid_bits_before_tuning": pruned["bits"],
                "valid_bits": tuned["bits"],
                "steps": pruned["steps"] + tuned["steps"],
                "seconds": pruned["seconds"] + tuned["seconds"],
                "real_sparsity": structure.sparsity(gates.parts),
                "structure": structure.counts(),
            }
        )
        start = sparsity
    return rows


def _prune(
    config: BytePruneConfig,
    setting: ByteSetting,
    teacher: PreTrainedModel,
    student: Student,
    *,
    name: str,
    start: float,
    sparsity: float,
) -> tuple[dict[str, Any], Masks]:
    """Train a student with gates, and the masks of what is left; it then wears none and can be pruned further."""
    steps = config.prune.steps
    constraint = ConstraintConfig(
        sparsity=sparsity,
        start=start,
        warmup=round(config.warmup * steps),
        rate=config.gate_rate or suitable_rate(steps),
    )
    objective = ByteCofi(
        prior=setting.prior, distill=config.distill, teacher=teacher, constraint=constraint, short=config.short
    )
    stage = ByteStage(name=f"{name}/prune", loop=config.prune, student=student, objective=objective, sparsity=sparsity)
    done = run_byte_stage(setting, stage)
    masks = student.wear_fixed(sparsity)
    assert masks is not None and student.masking is not None
    student.masking.wear(None)
    return done, masks


def _tune(
    config: BytePruneConfig,
    setting: ByteSetting,
    teacher: PreTrainedModel,
    student: Student,
    masks: Masks,
    *,
    name: str,
) -> tuple[PreTrainedModel, dict[str, Any]]:
    """Cut a student, which wears nothing, by masks, and train what is left on other text."""
    model = cut(student.model, masks)
    smaller = Student(model, teacher_width=teacher.config.hidden_size)
    if student.projection is not None and smaller.projection is not None:
        smaller.projection.load_state_dict(student.projection.state_dict())
    objective = ByteCofi(prior=setting.prior, distill=config.distill, teacher=teacher, short=config.short)
    elsewhere = replace(setting, text=replace(config, seed=config.seed + 1))
    done = run_byte_stage(elsewhere, ByteStage(name=f"{name}/tune", loop=config.tune, student=smaller, objective=objective))
    return model, done


def _judge(
    config: BytePruneConfig,
    model: PreTrainedModel,
    byte_model: TransformerByteLM,
    prior: AbstractByteLM | None,
    test_BT: np.ndarray,
) -> dict[str, Any]:
    """What a model is worth, in integers and as floats, and how large it is."""
    band = byte_model.weights.shape.band
    return {
        **compare(model, byte_model, prior, test_BT, config.precision),
        "description": byte_model.description,
        "fingerprint": f"{byte_model.fingerprint:016x}",
        "parameters": count_all(model),
        "flops_per_byte": flops_per_byte(model, vocab_size=SYMBOLS, bytes_per_token=1.0, context=band).paper,
    }
