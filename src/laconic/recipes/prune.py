"""CoFi as one run: a teacher, a student with gates, and for each sparsity a cut model, trained again, judged and written."""

from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from accelerate import PartialState
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from laconic.errors import UsageError
from laconic.model.anatomy import dissect
from laconic.model.cut_folder import save_cut
from laconic.model.folder import load_any, load_with_head, save_model
from laconic.pruning.cutting import count_all, cut, require_cuttable
from laconic.pruning.gates import Gates
from laconic.pruning.objective import Cofi, ConstraintConfig, DistillConfig
from laconic.pruning.parts import Parts, count_parts
from laconic.pruning.student import Student
from laconic.recipes.language_data import (
    LanguageTokenizer,
    Texts,
    language_data,
    load_language_model,
    load_language_tokenizer,
)
from laconic.recipes.prune_baselines import shrink, train_baseline
from laconic.recipes.prune_config import PruneConfig
from laconic.recipes.prune_stages import Setting, Stage, run_stage
from laconic.recipes.prune_targets import LATENCY, Target, Targets, find_targets, size_targets
from laconic.recipes.prune_tuning import freeze_embeddings, tune
from laconic.recipes.registry import RunOptions
from laconic.recipes.rundir import MODEL, RECORD, begin_run
from laconic.recipes.settings import to_plain
from laconic.recipes.task_data import Tables, TaskData, load_task_tokenizer, named_data, table_data
from laconic.records.record import Record

TEACHER = "teacher"
NAME = "prune"


def run_prune(config: PruneConfig, out: Path, options: RunOptions) -> Record:
    """Prune a model; everything is written into `out`.

    `teacher/model` is the dense model of the task, `sparsity-0.95/model` what is left at that sparsity, or `speedup-10/model`
    at that speed-up; `record.json` says what all of them are worth. A run that is complete is not done again.

    Raises:
        UsageError: a family, task or target that cannot be, a teacher of another task, or one that has learned nothing.
        TrainingError: the run was interrupted (the checkpoint continues it), or went wrong.
        MissingDataError: the task is not at hand.
    """
    state = PartialState()
    if state.num_processes > 1:
        raise UsageError(f"a pruning run is one process, but {state.num_processes} were launched: start it without a launcher")
    if options.resume and (out / RECORD).is_file():
        begin_run(out, NAME, config, resume=True)
        return Record.load(out / RECORD)
    name = config.task or Path(config.data or config.text).name
    record = Record.start(kind=NAME, name=name, seed=config.seed, config=to_plain(config))
    tokenizer, data = _load_data(config, options)
    _require_possible(config, data, tokenizer)
    begin_run(out, NAME, config, resume=options.resume)
    if not options.resume:
        (out / LATENCY).unlink(missing_ok=True)
    setting = Setting(
        data=data,
        out=out,
        evaluations=config.evaluations,
        precision=config.precision,
        seed=config.seed,
        device=state.device,
        tell=options.progress,
    )
    targets = find_targets(load_student(config, data), config, out, device=state.device)
    rows = _all_models(config, setting, tokenizer, targets)
    seconds = sum(row["seconds"] for row in rows)
    metric = next(iter(rows[0]["scores"]))
    results: dict[str, Any] = {
        "task": data.name,
        "metric": metric,
        "lower_is_better": data.lower_is_better,
        "judged_on": {"examples": len(data.valid), "bytes": sum(example.bytes for example in data.valid)},
        "models": rows,
    }
    if targets.table is not None:
        results["latency_table"] = targets.table.to_dict()
    finished = record.finish(results=results, cost={"training_seconds": seconds})
    finished.save(out / RECORD)
    return finished


def _all_models(config: PruneConfig, setting: Setting, tokenizer: LanguageTokenizer, targets: Targets) -> list[dict[str, Any]]:
    """Make the teacher and every smaller model, and say what each is worth."""
    teacher, taught = _teacher(config, setting)
    _require_better_than_chance(taught["scores"], setting.data)
    save_model(teacher, setting.out / TEACHER / MODEL)
    tokenizer.save_pretrained(setting.out / TEACHER / MODEL)
    student, prepared = _begin(config, teacher, setting, targets.parts)
    first = {"folder": TEACHER, "sparsity": 0.0, **taught, "parameters": count_all(teacher), "structure": None}
    rows, start = [first], 0.0
    for target in targets.all:
        if config.method == "cofi":
            row = _prune_to(config, setting, teacher, tokenizer, student, targets, start=start, target=target)
        else:
            row = train_baseline(config, setting, teacher, tokenizer, student, target=target)
        if not start:  # What came before the gates counts for the first that has them.
            row |= {name: row[name] + prepared[name] for name in ("steps", "seconds")}
        rows.append(row)
        start = target.share
    return rows


def load_student(config: PruneConfig, data: TaskData) -> PreTrainedModel:
    """The pretrained model of a run: one with a head for its task, or a language model as it is.

    Raises:
        UsageError: no model, one whose head is for other labels or says something else, or one that cannot be pruned.
        CorruptFileError: weights that cannot be read.
    """
    if data.kind == "language":
        model = load_language_model(Path(config.model))
    else:
        model = load_with_head(Path(config.model), labels=data.labels, span=data.kind == "span", seed=config.seed)
        if not dissect(model).layout.post_norm:
            # A decoder's classifier reads the last token before the padding, and has to know it.
            model.config.pad_token_id = data.pad_id
    count_parts(model)
    require_cuttable(model)
    return model


def _load_data(config: PruneConfig, options: RunOptions) -> tuple[LanguageTokenizer, TaskData]:
    limits: dict[str, Any] = {"max_length": config.max_length, "limit": config.train_limit}
    if config.text:
        load_language_model(Path(config.model))  # That there is one is seen before a long text is read.
        reader = load_language_tokenizer(Path(config.model))
        texts = Texts(train=config.text, valid=config.valid_text, valid_bytes=config.valid_bytes)
        return reader, language_data(texts, reader, data_root=options.data_root, **limits)
    tokenizer = load_task_tokenizer(Path(config.model))
    return tokenizer, _load_task(config, tokenizer, options, limits)


def _load_task(
    config: PruneConfig, tokenizer: PreTrainedTokenizerBase, options: RunOptions, limits: dict[str, Any]
) -> TaskData:
    if config.task:
        return named_data(config.task, tokenizer, data_root=options.data_root, **limits)
    valid = Path(config.valid_data) if config.valid_data else None
    tables = Tables(train=Path(config.data), valid=valid, text_columns=config.text_columns, label=config.label)
    return table_data(tables, tokenizer, **limits)


def _require_possible(config: PruneConfig, data: TaskData, tokenizer: LanguageTokenizer) -> None:
    """See before anything is trained that everything can be."""
    model = load_student(config, data)
    if config.method != "cofi":
        shrink(config, model, config.sparsities[-1])
    elif config.sparsities:
        size_targets(config, count_parts(model))
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
    if config.speedups and config.latency.length > _positions(model):
        raise UsageError(
            f"latency.length is {config.latency.length}, but the model in {config.model} has {_positions(model)} positions: "
            "set it lower"
        )


def _require_positions(model: PreTrainedModel, data: TaskData, folder: str) -> None:
    longest = max(len(example.columns["input_ids"]) for example in chain(data.train, data.valid))
    positions = _positions(model)
    if longest > positions:
        raise UsageError(
            f"there are examples of {longest} tokens, but the model in {folder} has {positions}: set max_length lower"
        )


def _positions(model: PreTrainedModel) -> int:
    positions: int = model.config.max_position_embeddings
    return positions - (model.config.pad_token_id + 1 if "roberta" in model.config.model_type else 0)


def _require_better_than_chance(scores: Mapping[str, float], data: TaskData) -> None:
    name, value = next(iter(scores.items()))
    easy = "knowing how often each token occurs" if data.kind == "language" else "always giving the commonest answer"
    if not data.beats(value, data.trivial):
        raise UsageError(
            f"the teacher's {name} on {data.name} is {value:.4f}, no better than {easy} "
            f"({data.trivial:.4f}): train it longer, or with another rate (fine_tune.epochs, fine_tune.rate), in another folder"
        )


def _teacher(config: PruneConfig, setting: Setting) -> tuple[PreTrainedModel, dict[str, Any]]:
    """The dense model of the task, and what it came to."""
    if config.teacher:
        load = load_language_model if setting.data.kind == "language" else load_any
        model = load(Path(config.teacher))
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
    if data.kind != "language":
        _require_same_labels(model, data, folder)
    highest = max(max(example.columns["input_ids"]) for example in data.train)
    if highest >= model.config.vocab_size:
        raise UsageError(f"the teacher in {folder} has {model.config.vocab_size:,} ids, fewer than the tokenizer of the model")
    _require_positions(model, data, folder)


def _require_same_labels(model: PreTrainedModel, data: TaskData, folder: str) -> None:
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


def _begin(config: PruneConfig, teacher: PreTrainedModel, setting: Setting, parts: Parts) -> tuple[Student, dict[str, Any]]:
    """The student, trained a little before anything is pruned, and what that took."""
    data = setting.data
    model = load_student(config, data)
    if config.start == TEACHER:
        _copy_weights(teacher, model)
    freeze_embeddings(config, model)
    width = teacher.config.hidden_size
    student = Student(model, teacher_width=width)
    objective = Cofi(data.kind, distill=config.distill, teacher=teacher)
    prepared = run_stage(setting, Stage(name="prepared", config=config.prepare, student=student, objective=objective))
    if config.method != "cofi":
        return student, prepared
    gates = Gates(parts, kinds=config.gates, seed=config.seed, units_at=config.units_at)
    gated = Student(model, gates=gates, teacher_width=width)
    gated.projection = student.projection
    return gated, prepared


def _copy_weights(teacher: PreTrainedModel, model: PreTrainedModel) -> None:
    given, wanted = teacher.state_dict(), model.state_dict()
    if {name: tensor.shape for name, tensor in given.items()} != {name: tensor.shape for name, tensor in wanted.items()}:
        raise UsageError("the student cannot begin as its teacher, which has another shape: set start to pretrained")
    model.load_state_dict(given)


def _prune_to(
    config: PruneConfig,
    setting: Setting,
    teacher: PreTrainedModel,
    tokenizer: LanguageTokenizer,
    student: Student,
    targets: Targets,
    *,
    start: float,
    target: Target,
) -> dict[str, Any]:
    """Prune a student further, cut it, train what is left, judge and write it; the student can then be pruned further."""
    name, sparsity = target.folder, target.share
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
    model = cut(student.model, masks)
    freeze_embeddings(config, model)
    tuned = tune(config, setting, teacher, model, name=name, stage=config.tune, projection=student.projection)
    save_cut(model, setting.out / name / MODEL, tokenizer=tokenizer)
    structure = masks.structure()
    real = structure.sparsity(student.masking.parts)
    return {
        "folder": name,
        "sparsity": real if target.speedup else sparsity,
        "scores": setting.scores(model),
        "score_before_tuning": pruned.get("score"),
        "steps": pruned["steps"] + tuned["steps"],
        "seconds": pruned["seconds"] + tuned["seconds"],
        "parameters": count_all(model),
        "real_sparsity": real,
        "structure": structure.counts(),
        **targets.describe(target, structure, student.model, model),
    }
