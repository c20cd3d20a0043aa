"""CoFi as one run: a teacher, a student with gates, and for each target a cut model, trained again, judged and written."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from accelerate import PartialState
from transformers import PreTrainedModel

from laconic.errors import UsageError
from laconic.pruning.cutting import count_all, cut
from laconic.pruning.gates import Gates
from laconic.pruning.objective import Cofi, ConstraintConfig, DistillConfig
from laconic.pruning.parts import Parts
from laconic.pruning.student import Student, narrowed
from laconic.pruning.teacher import AbstractTeacher
from laconic.recipes.language_data import LanguageTokenizer
from laconic.recipes.prune_baselines import CHOICES, train_baseline
from laconic.recipes.prune_checks import require_better_than_chance, require_possible
from laconic.recipes.prune_config import PruneConfig, scheduled
from laconic.recipes.prune_delivery import DONE, FOLDER, Deliverer, Score
from laconic.recipes.prune_loading import common_positions, load_data, load_student, load_task, load_teacher, own_files
from laconic.recipes.prune_measures import measure_models
from laconic.recipes.prune_progress import ProgressPage, dense_layer
from laconic.recipes.prune_stages import Setting, Stage, run_stage
from laconic.recipes.prune_targets import LATENCY, Target, Targets, find_targets
from laconic.recipes.prune_tuning import find_adviser, freeze_embeddings, scored, tune
from laconic.recipes.registry import RunOptions
from laconic.recipes.rundir import CONFIG, RECORD, begin_run, extend_run, interruptible, is_beyond, require_same_files
from laconic.recipes.settings import to_plain
from laconic.recipes.task_data import TaskData, main_score
from laconic.records.record import Record

TEACHER = "teacher"
NAME = "prune"


@dataclass(frozen=True, kw_only=True)
class _Run:
    """What all models of a run have in common."""

    config: PruneConfig
    setting: Setting
    targets: Targets
    deliverer: Deliverer


def prune(
    model: Path | str,
    out: Path | str,
    *,
    schedule: str = "",
    resume: bool = False,
    data_root: Path | None = None,
    progress: Callable[[int, int | None, str], None] | None = None,
    **settings: Any,
) -> Record:
    """Prune a model with CoFi, as `laconic prune` does.

    Args:
        model: a folder with a pretrained Hugging Face model and its tokenizer.
        out: the folder of the run.
        schedule: how long to train: one of `laconic.recipes.prune_config.SCHEDULES`; `quick`, or `text` for a text, if empty.
        resume: go on with the run that the folder holds.
        data_root: the folder with the named data sets; that of `LACONIC_DATA` if None.
        progress: told of every step as (bytes done, bytes in all or None, words).
        settings: fields of `laconic.recipes.prune_config.PruneConfig`, such as `task="sst2"` and `sparsities=(0.6, 0.95)`; what
            `--list` shows with a dot is given as `prune={"epochs": 12}`.

    Returns:
        The record, whose `results["models"]` has a row for each model. `laconic.load(out / row["folder"] / "model")` opens it.

    Raises:
        UsageError: settings that cannot be, and all that `run_prune` says.
        TrainingError: the run was interrupted (`resume` continues it), or went wrong.
        MissingDataError: the task is not at hand.
    """
    try:
        plain = {name: str(value) if isinstance(value, Path) else value for name, value in settings.items()}
        config = scheduled(schedule, model=str(model), **plain)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{error}; laconic prune MODEL --list shows what can be set") from error
    return run_prune(config, Path(out), RunOptions(data_root=data_root, resume=resume, progress=progress))


def run_prune(config: PruneConfig, out: Path, options: RunOptions) -> Record:
    """Prune a model; everything is written into `out`.

    `teacher/model` is the dense model of the task, `sparsity-0.95/model` what is left at that sparsity, or `speedup-10/model`
    at that speed-up; `record.json` says what all of them are worth. A run that is complete is not done again, but goes on where
    it is resumed with more targets, above those that it had.

    Raises:
        UsageError: a family, task or target that cannot be, a teacher of another task, or one that has learned nothing.
        TrainingError: the run was interrupted (the checkpoint continues it), or went wrong.
        MissingDataError: the task is not at hand.
    """
    state = PartialState()
    if state.num_processes > 1:
        raise UsageError(f"a pruning run is one process, but {state.num_processes} were launched: start it without a launcher")
    found = options.resume and (out / CONFIG).is_file()
    beyond = found and is_beyond(out, NAME, config, growing=("sparsities", "speedups"))
    if options.resume and (out / RECORD).is_file() and not beyond:
        begin_run(out, NAME, config, resume=True)
        return Record.load(out / RECORD)
    name = config.task or Path(config.data or config.text).name
    record = Record.start(kind=NAME, name=name, seed=config.seed, config=to_plain(config))
    tokenizer, data = load_data(config, options)
    if options.progress:
        options.progress(0, None, data.words())
    parts = require_possible(config, data, tokenizer)
    if not beyond:
        begin_run(out, NAME, config, resume=options.resume)
    require_same_files(out, own_files(config))
    if not options.resume:  # What a start left that came to no checkpoint may be of other settings.
        (out / LATENCY).unlink(missing_ok=True)
        (out / TEACHER / FOLDER / DONE).unlink(missing_ok=True)
    with interruptible(out):
        targets = find_targets(load_student(config, data), config, out, device=state.device)
        if beyond:  # Not before everything was seen to be possible: the record goes.
            extend_run(out, NAME, config)
        page = ProgressPage(out, data.name, targets.parts, counted="time" if config.speedups else "parameters")
        setting = Setting.of(config, data, out, tell=options.progress)
        if config.method in ("cofi", *CHOICES):  # Other models cannot be shown as what is left of this one.
            setting = replace(setting, show=page.show)
        run = _Run(config=config, setting=setting, targets=targets, deliverer=deliverer_of(config, setting, tokenizer, options))
        results = _measured(run, _all_models(run), parts)
        finished = record.finish(results=results, cost={"training_seconds": sum(row["seconds"] for row in results["models"])})
        page.finish()
        finished.save(out / RECORD)
    return finished


def _all_models(run: _Run) -> list[dict[str, Any]]:
    """Make the teacher and every smaller model, and say what each is worth."""
    teacher, taught = _teacher(run.config, run.setting)
    require_better_than_chance(taught["scores"], run.setting.data, steps=taught["steps"])
    delivery = run.deliverer.write(teacher, run.setting.out / TEACHER)
    adviser = find_adviser(run.config, run.setting, teacher)
    student, prepared = _begin(run, teacher, adviser)
    dense = {"parameters": count_all(teacher), "structure": None, "delivery": delivery}
    rows, start = [{"folder": TEACHER, "sparsity": 0.0, **taught, **dense}], 0.0
    for target in run.targets.all:
        if run.config.method == "cofi":
            row = _prune_to(run, adviser, student, start=start, target=target)
        else:
            row = train_baseline(run.config, run.setting, adviser, run.deliverer, student, target=target)
        if not start:  # What came before the gates counts for the first that has them.
            row |= {name: row[name] + prepared[name] for name in ("steps", "seconds")}
        rows.append(row)
        start = target.share
    return rows


def _measured(run: _Run, rows: list[dict[str, Any]], parts: Parts) -> dict[str, Any]:
    """The results of a run, with sizes and times of its models."""
    data, setting = run.setting.data, run.setting
    if setting.tell:
        setting.tell(0, None, "measuring")
    places = [setting.out / row["folder"] for row in rows]
    measured, how = measure_models(run.config.measure, places, length=run.deliverer.length, device=setting.device)
    results: dict[str, Any] = {
        "task": data.name,
        "metric": next(iter(rows[0]["scores"])),
        "lower_is_better": data.lower_is_better,
        "judged_on": _judged_on(data),
        "learned_from": {"examples": len(data.train), **({"labels": list(data.labels)} if data.labels else {})},
        "without_a_model": data.trivial,
        "models": [row | more for row, more in zip(rows, measured, strict=True)],
        "measured": how,
        "whole": dense_layer(parts),
    }
    if run.targets.table is not None:
        results["latency_table"] = run.targets.table.to_dict()
    return results


def _judged_on(data: TaskData) -> dict[str, int]:
    told = {"examples": len(data.valid), "bytes": sum(example.bytes for example in data.valid)}
    return told if data.questions is None else {"questions": data.questions, **told}


def deliverer_of(config: PruneConfig, setting: Setting, tokenizer: LanguageTokenizer, options: RunOptions) -> Deliverer:
    """What delivers the models of a run.

    Args:
        config: of the run.
        setting: what its stages have in common.
        tokenizer: of its models.
        options: where its data is.
    """

    def scores(other: Any) -> Score:
        if other is tokenizer:
            return setting.scores
        return replace(setting, data=load_task(replace(config, train_limit=1), other, options)).scores

    used: set[int] = set()
    if "trimmed" in config.deliver:
        used = {int(number) for example in setting.data.train for number in example.columns["input_ids"]}
    length = min(config.max_length, common_positions(config, setting.data))
    return Deliverer(asked=config.deliver, tokenizer=tokenizer, used=used, length=length, scores=scores)


def _teacher(config: PruneConfig, setting: Setting) -> tuple[PreTrainedModel, dict[str, Any]]:
    """The dense model of the task, and what it came to."""
    if config.teacher:
        model = load_teacher(config, setting.data)
        done: dict[str, Any] = {"steps": 0, "seconds": 0.0, "scores": setting.scores(model)}
    else:
        model = load_student(config, setting.data)
        labels = Cofi(setting.data.kind, distill=DistillConfig(prediction=0.0, layers=0.0, label=1.0))
        stage = Stage(name=TEACHER, config=config.fine_tune, student=Student(model), objective=labels)
        done = run_stage(setting, stage)
    return model, scored(setting, model, done)


def _begin(run: _Run, teacher: PreTrainedModel, adviser: AbstractTeacher) -> tuple[Student, dict[str, Any]]:
    """The student, trained a little before anything is pruned, and what that took."""
    config, data = run.config, run.setting.data
    model = load_student(config, data)
    if config.start == TEACHER:
        model.load_state_dict(teacher.state_dict())
    freeze_embeddings(config, model)
    student = Student(model, teacher_width=adviser.width, dropout=config.dropout)
    objective = Cofi(data.kind, distill=config.distill, teacher=adviser)
    stage = config.stages().get("prepare", replace(config.prepare, epochs=0))
    prepared = run_stage(run.setting, Stage(name="prepared", config=stage, student=student, objective=objective))
    if config.method != "cofi":
        return student, prepared
    gates = Gates(run.targets.parts, kinds=config.gates, seed=config.seed, units_at=config.units_at)
    gated = Student(model, gates=gates, teacher_width=adviser.width)
    gated.projection = student.projection
    return gated, prepared


def _prune_to(run: _Run, teacher: AbstractTeacher, student: Student, *, start: float, target: Target) -> dict[str, Any]:
    """Prune a student further, cut it, train what is left, judge and write it; the student can then be pruned further."""
    config, setting, name, share = run.config, run.setting, target.folder, target.share
    steps = config.prune.steps(len(setting.data.train))
    constraint = ConstraintConfig(
        sparsity=share,
        start=start,
        warmup=round(config.warmup * steps),
        rate=config.rate_of_gates(max(1, steps)),
        damping=config.damping,
        paces={kind: config.sublayer_pace for kind in ("attention", "ffn") if kind in config.gates},
    )
    objective = Cofi(setting.data.kind, distill=config.distill, teacher=teacher, constraint=constraint)
    stage = Stage(name=f"{name}/prune", config=config.prune, student=student, objective=objective, sparsity=share)
    pruned = run_stage(setting, stage)
    masks = student.wear_fixed(share)
    assert masks is not None and student.masking is not None
    student.masking.wear(None)
    model, structure = cut(student.model, masks), masks.structure()
    freeze_embeddings(config, model)
    projection = narrowed(student.projection, structure)
    tuned = tune(
        config, setting, teacher, model, name=name, stage=config.tune, projection=projection, before=pruned.get("scores")
    )
    real = structure.sparsity(student.masking.parts)
    return {
        "folder": name,
        "sparsity": real if target.speedup else share,
        "scores": tuned["scores"],
        "score_before_tuning": main_score(pruned["scores"]) if "scores" in pruned else None,
        "steps": pruned["steps"] + tuned["steps"],
        "seconds": pruned["seconds"] + tuned["seconds"],
        "parameters": count_all(model),
        "real_sparsity": real,
        "structure": structure.counts(),
        "width": structure.width,
        "delivery": run.deliverer.write(model, setting.out / name),
        **run.targets.describe(target, structure, student.model, model),
    }
