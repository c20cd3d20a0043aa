"""CoFi as one run: a teacher, a student with gates, and for each sparsity a cut model, trained again, judged and written."""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from accelerate import PartialState
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from laconic.errors import UsageError
from laconic.model.anatomy import dissect
from laconic.model.cut_folder import save_with_tokenizer
from laconic.model.folder import load_any, load_with_head
from laconic.pruning.cutting import count_all, cut
from laconic.pruning.gates import Gates
from laconic.pruning.masks import Masks
from laconic.pruning.objective import Cofi, ConstraintConfig, DistillConfig
from laconic.pruning.parts import Parts, count_parts
from laconic.pruning.student import Student
from laconic.pruning.trimming import largest_sparsity
from laconic.recipes.prune_config import PruneConfig
from laconic.recipes.prune_delivery import Deliverer, Score, require_deliverable
from laconic.recipes.prune_measures import measure_models
from laconic.recipes.prune_progress import ProgressPage, dense_layer
from laconic.recipes.prune_stages import Setting, Stage, run_stage
from laconic.recipes.registry import RunOptions
from laconic.recipes.rundir import MODEL, RECORD, begin_run
from laconic.recipes.settings import to_plain
from laconic.recipes.task_data import Tables, TaskData, load_task_tokenizer, named_data, table_data
from laconic.records.record import Record

TEACHER = "teacher"
NAME = "prune"


def run_prune(config: PruneConfig, out: Path, options: RunOptions) -> Record:
    """Prune a model; everything is written into `out`.

    `teacher/model` is the dense model of the task, `sparsity-0.95/model` what is left at that sparsity; `record.json` says what
    all of them are worth. A run that is complete is not done again.

    Raises:
        UsageError: a family, task or sparsity that cannot be, a teacher of another task, or one that has learned nothing.
        TrainingError: the run was interrupted (the checkpoint continues it), or went wrong.
        MissingDataError: the task is not at hand.
    """
    state = PartialState()
    if state.num_processes > 1:
        raise UsageError(f"a pruning run is one process, but {state.num_processes} were launched: start it without a launcher")
    if options.resume and (out / RECORD).is_file():
        begin_run(out, NAME, config, resume=True)
        return Record.load(out / RECORD)
    record = Record.start(kind=NAME, name=config.task or Path(config.data).name, seed=config.seed, config=to_plain(config))
    tokenizer = load_task_tokenizer(Path(config.model))
    data = _load_data(config, tokenizer, options)
    parts = _require_possible(config, data, tokenizer)
    begin_run(out, NAME, config, resume=options.resume)
    page = ProgressPage(out, data.name, parts)
    setting = Setting(
        data=data,
        out=out,
        evaluations=config.evaluations,
        precision=config.precision,
        seed=config.seed,
        device=state.device,
        tell=options.progress,
        show=page.show,
    )
    deliverer = _deliverer(config, setting, tokenizer, options)
    rows = _all_models(config, setting, deliverer)
    places = [out / _folder(row["sparsity"]) for row in rows]
    if options.progress:
        options.progress(0, None, "measuring")
    measured, how = measure_models(config.measure, places, length=deliverer.length, device=state.device)
    rows = [row | more for row, more in zip(rows, measured, strict=True)]
    seconds = sum(row["seconds"] for row in rows)
    metric = next(iter(rows[0]["scores"]))
    results = {"task": data.name, "metric": metric, "models": rows, "measured": how, "whole": dense_layer(parts)}
    finished = record.finish(results=results, cost={"training_seconds": seconds})
    page.finish()
    finished.save(out / RECORD)
    return finished


def _all_models(config: PruneConfig, setting: Setting, deliverer: Deliverer) -> list[dict[str, Any]]:
    """Make the teacher and every smaller model, and say what each is worth."""
    teacher, taught = _teacher(config, setting)
    _require_better_than_chance(taught["scores"], setting.data)
    delivery = _save(teacher, setting.out / TEACHER, deliverer)
    student, prepared = _begin(config, teacher, setting.data, setting)
    rows = [{"sparsity": 0.0, **taught, "parameters": count_all(teacher), "structure": None, "delivery": delivery}]
    start = 0.0
    for sparsity in config.sparsities:
        row = _prune_to(config, setting, teacher, deliverer, student, start=start, sparsity=sparsity)
        if not start:  # What came before the gates counts for the first that has them.
            row |= {name: row[name] + prepared[name] for name in ("steps", "seconds")}
        rows.append(row)
        start = sparsity
    return rows


def _folder(sparsity: float) -> str:
    """Where a model lies below the run's folder."""
    return f"sparsity-{sparsity:g}" if sparsity else TEACHER


def _save(model: PreTrainedModel, place: Path, deliverer: Deliverer) -> dict[str, Any]:
    save_with_tokenizer(model, place / MODEL, deliverer.tokenizer)
    return deliverer.deliver(model, place)


def _deliverer(config: PruneConfig, setting: Setting, tokenizer: PreTrainedTokenizerBase, options: RunOptions) -> Deliverer:
    def scores(other: PreTrainedTokenizerBase) -> Score:
        if other is tokenizer:
            return setting.scores
        return replace(setting, data=_load_data(replace(config, train_limit=1), other, options)).scores

    used = {number for example in setting.data.train for number in example.columns["input_ids"]}
    length = min(config.max_length, _positions(config, setting.data))
    return Deliverer(asked=config.deliver, tokenizer=tokenizer, used=used, length=length, scores=scores)


def load_student(config: PruneConfig, data: TaskData) -> PreTrainedModel:
    """The pretrained encoder of a run, with a head for its task.

    Raises:
        UsageError: no model, one whose head is for other labels, or a family that cannot be pruned.
        CorruptFileError: weights that cannot be read.
    """
    model = load_with_head(Path(config.model), labels=data.labels, span=data.kind == "span", seed=config.seed)
    count_parts(model)
    return model


def _load_data(config: PruneConfig, tokenizer: PreTrainedTokenizerBase, options: RunOptions) -> TaskData:
    limits: dict[str, Any] = {"max_length": config.max_length, "limit": config.train_limit}
    if config.task:
        return named_data(config.task, tokenizer, data_root=options.data_root, **limits)
    valid = Path(config.valid_data) if config.valid_data else None
    tables = Tables(train=Path(config.data), valid=valid, text_columns=config.text_columns, label=config.label)
    return table_data(tables, tokenizer, **limits)


def _require_possible(config: PruneConfig, data: TaskData, tokenizer: PreTrainedTokenizerBase) -> Parts:
    """See before anything is trained that everything can be; what there is to prune."""
    model = load_student(config, data)
    parts = count_parts(model)
    most = largest_sparsity(parts, config.gates)
    if config.sparsities[-1] > most:
        raise UsageError(
            f"a sparsity of {config.sparsities[-1]:g} cannot be reached with the gates {', '.join(config.gates)}: "
            f"the largest that can is {math.floor(most * 1000) / 1000:g}"
        )
    for name, stage in config.stages().items():
        if stage.batch > len(data.train):
            raise UsageError(
                f"{name}.batch is {stage.batch}, but there are {len(data.train)} examples to learn from: set it lower"
            )
    if len(tokenizer) > model.config.vocab_size:
        raise UsageError(
            f"the tokenizer in {config.model} has {len(tokenizer):,} ids, but the model {model.config.vocab_size:,}: "
            "name a folder whose tokenizer is the model's"
        )
    _require_positions(model, data, config.model)
    require_deliverable(config.deliver, tokenizer)
    positions = _positions(config, data)
    if config.measure.rounds and (config.measure.length or 0) > positions:
        raise UsageError(f"measure.length is {config.measure.length}, but the models have {positions} positions: set it lower")
    return parts


def _positions(config: PruneConfig, data: TaskData) -> int:
    """Tokens of the longest text that all models of a run can read."""
    models = [load_student(config, data), *([load_any(Path(config.teacher))] if config.teacher else [])]
    return min(map(_positions_of, models))


def _positions_of(model: PreTrainedModel) -> int:
    positions: int = model.config.max_position_embeddings
    return positions - (model.config.pad_token_id + 1 if "roberta" in model.config.model_type else 0)


def _require_positions(model: PreTrainedModel, data: TaskData, folder: str) -> None:
    longest = max(len(example.columns["input_ids"]) for example in (*data.train, *data.valid))
    positions = _positions_of(model)
    if longest > positions:
        raise UsageError(
            f"there are examples of {longest} tokens, but the model in {folder} has {positions}: set max_length lower"
        )


def _require_better_than_chance(scores: Mapping[str, float], data: TaskData) -> None:
    name, value = next(iter(scores.items()))
    if value <= data.trivial:
        raise UsageError(
            f"the teacher's {name} on {data.name} is {value:.4f}, no better than always giving the commonest answer "
            f"({data.trivial:.4f}): train it longer, or with another rate (fine_tune.epochs, fine_tune.rate), in another folder"
        )


def _teacher(config: PruneConfig, setting: Setting) -> tuple[PreTrainedModel, dict[str, Any]]:
    """The dense model of the task, and what it came to."""
    if config.teacher:
        model = load_any(Path(config.teacher))
        _require_same_task(model, setting.data, config.teacher)
        done: dict[str, Any] = {"steps": 0, "seconds": 0.0}
    else:
        model = load_student(config, setting.data)
        labels = Cofi(setting.data.kind, distill=DistillConfig(prediction=0.0, layers=0.0, label=1.0))
        stage = Stage(name=TEACHER, config=config.fine_tune, student=Student(model), objective=labels)
        done = run_stage(setting, stage)
    return model, {"steps": done["steps"], "seconds": done["seconds"], "scores": setting.scores(model)}


def _require_same_task(model: PreTrainedModel, data: TaskData, folder: str) -> None:
    """A teacher has to answer the same question about the same ids."""
    ending, wanted = (
        ("ForQuestionAnswering", 2) if data.kind == "span" else ("ForSequenceClassification", len(data.labels) or 1)
    )
    if not type(model).__name__.endswith(ending):
        raise UsageError(f"the teacher in {folder} is a {type(model).__name__}, but {data.name} needs one ...{ending}")
    if model.config.num_labels != wanted:
        raise UsageError(
            f"the teacher in {folder} tells {model.config.num_labels} labels, but {data.name} has {wanted}: "
            "name one of this task"
        )
    names = list((model.config.id2label or {}).values())
    if data.labels and names != list(data.labels) and not names[0].startswith("LABEL_"):
        raise UsageError(
            f"the teacher in {folder} tells {', '.join(names)}, but {data.name} has {', '.join(data.labels)}, in this order"
        )
    highest = max(max(example.columns["input_ids"]) for example in data.train)
    if highest >= model.config.vocab_size:
        raise UsageError(f"the teacher in {folder} has {model.config.vocab_size:,} ids, fewer than the tokenizer of the model")
    _require_positions(model, data, folder)


def _begin(config: PruneConfig, teacher: PreTrainedModel, data: TaskData, setting: Setting) -> tuple[Student, dict[str, Any]]:
    """The student, trained a little before anything is pruned, and what that took."""
    model = load_student(config, data)
    if config.start == TEACHER:
        _copy_weights(teacher, model)
    _freeze(config, model)
    width = teacher.config.hidden_size
    student = Student(model, teacher_width=width)
    objective = Cofi(data.kind, distill=config.distill, teacher=teacher)
    prepared = run_stage(setting, Stage(name="prepared", config=config.prepare, student=student, objective=objective))
    gates = Gates(count_parts(model), kinds=config.gates, seed=config.seed, units_at=config.units_at)
    gated = Student(model, gates=gates, teacher_width=width)
    gated.projection = student.projection
    return gated, prepared


def _copy_weights(teacher: PreTrainedModel, model: PreTrainedModel) -> None:
    given, wanted = teacher.state_dict(), model.state_dict()
    if {name: tensor.shape for name, tensor in given.items()} != {name: tensor.shape for name, tensor in wanted.items()}:
        raise UsageError("the student cannot begin as its teacher, which has another shape: set start to pretrained")
    model.load_state_dict(given)


def _freeze(config: PruneConfig, model: PreTrainedModel) -> None:
    if config.freeze_embeddings:
        anatomy = dissect(model)
        for module in (*anatomy.embeddings, *anatomy.outer_norms):
            module.requires_grad_(False)


def _prune_to(
    config: PruneConfig,
    setting: Setting,
    teacher: PreTrainedModel,
    deliverer: Deliverer,
    student: Student,
    *,
    start: float,
    sparsity: float,
) -> dict[str, Any]:
    """Prune a student further, cut it, train what is left, judge and write it; the student can then be pruned further."""
    name = _folder(sparsity)
    steps = config.prune.steps(len(setting.data.train))
    constraint = ConstraintConfig(
        sparsity=sparsity, start=start, warmup=round(config.warmup * steps), rate=config.rate_of_gates(max(1, steps))
    )
    objective = Cofi(setting.data.kind, distill=config.distill, teacher=teacher, constraint=constraint)
    pruned = run_stage(
        setting,
        Stage(name=f"{name}/prune", config=config.prune, student=student, objective=objective, sparsity=sparsity),
    )
    masks = student.wear_fixed(sparsity)
    assert masks is not None and student.masking is not None
    student.masking.wear(None)
    model, tuned = _tune_cut(config, setting, teacher, student, masks, name=name)
    delivery = _save(model, setting.out / name, deliverer)
    structure = masks.structure()
    return {
        "sparsity": sparsity,
        "scores": setting.scores(model),
        "score_before_tuning": pruned.get("score"),
        "steps": pruned["steps"] + tuned["steps"],
        "seconds": pruned["seconds"] + tuned["seconds"],
        "parameters": count_all(model),
        "real_sparsity": structure.sparsity(student.masking.parts),
        "structure": structure.counts(),
        "delivery": delivery,
    }


def _tune_cut(
    config: PruneConfig, setting: Setting, teacher: PreTrainedModel, student: Student, masks: Masks, *, name: str
) -> tuple[PreTrainedModel, dict[str, Any]]:
    """Cut a student, which wears nothing, by masks, and train what is left."""
    model = cut(student.model, masks)
    _freeze(config, model)
    smaller = Student(model, teacher_width=teacher.config.hidden_size)
    if student.projection is not None and smaller.projection is not None:
        smaller.projection.load_state_dict(student.projection.state_dict())
    objective = Cofi(setting.data.kind, distill=config.distill, teacher=teacher)
    return model, run_stage(setting, Stage(name=f"{name}/tune", config=config.tune, student=smaller, objective=objective))
