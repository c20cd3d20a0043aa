"""What is seen before anything is trained: that everything can be, and that a teacher has something to teach."""

from collections.abc import Mapping
from itertools import chain

from transformers import PreTrainedModel

from laconic.errors import UsageError
from laconic.model.folder import same_labels, told_labels
from laconic.pruning.masking import require_width
from laconic.pruning.parts import Parts, count_parts
from laconic.recipes.language_data import LanguageTokenizer
from laconic.recipes.prune_baselines import shrink
from laconic.recipes.prune_config import PruneConfig
from laconic.recipes.prune_delivery import require_deliverable
from laconic.recipes.prune_loading import common_positions, load_student, load_teacher, positions_of
from laconic.recipes.prune_targets import size_targets
from laconic.recipes.task_data import TaskData


def require_possible(config: PruneConfig, data: TaskData, tokenizer: LanguageTokenizer) -> Parts:
    """See that a run can come to its end; what there is to prune.

    Raises:
        UsageError: a target that cannot be reached, or data, tokenizer, model and deliveries that do not go together.
        MissingExtraError: a delivery needs a package that is not installed.
    """
    model = load_student(config, data)
    parts = count_parts(model)
    if "width" in config.gates:
        require_width(model)
    if config.method != "cofi":
        shrink(config, model, config.sparsities[-1])
    elif config.sparsities:
        size_targets(config, parts)
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
    if config.teacher:
        teacher = load_teacher(config, data)
        _require_same_task(teacher, model, data, config.teacher)
        if config.start == "teacher":
            _require_same_shape(teacher, model)
    require_deliverable(config.deliver, tokenizer, data.kind)
    _require_measurable(config, common_positions(config, data))
    return parts


def _require_same_shape(teacher: PreTrainedModel, model: PreTrainedModel) -> None:
    shapes = [{name: tensor.shape for name, tensor in one.state_dict().items()} for one in (teacher, model)]
    if shapes[0] != shapes[1]:
        raise UsageError(
            "the student cannot begin as its teacher, which has another shape: start it otherwise (--set start=pretrained "
            "--set prepare.epochs=1)"
        )


def _require_measurable(config: PruneConfig, positions: int) -> None:
    lengths = {
        "latency.length": config.latency.length if config.speedups else 0,
        "measure.length": (config.measure.length or 0) if config.measure.rounds else 0,
    }
    for name, length in lengths.items():
        if length > positions:
            raise UsageError(f"{name} is {length}, but the models have {positions} positions: set it lower")


def _require_positions(model: PreTrainedModel, data: TaskData, folder: str) -> None:
    longest = max(len(example.columns["input_ids"]) for example in chain(data.train, data.valid))
    positions = positions_of(model)
    if longest > positions:
        raise UsageError(
            f"there are examples of {longest} tokens, but the model in {folder} has {positions}: set max_length lower"
        )


def require_better_than_chance(scores: Mapping[str, float], data: TaskData, *, steps: int) -> None:
    """A teacher that has learned nothing cannot teach.

    Args:
        scores: of the teacher.
        data: that it was judged on.
        steps: updates that it was trained for.

    Raises:
        UsageError: it is no better than what needs no model.
    """
    name, value = next(iter(scores.items()))
    if not data.beats(value, data.trivial):
        raise UsageError(
            f"the teacher's {name} on {data.name} is {value:.4f} after {steps:,} updates, no better than "
            f"{_without_a_model(data)} ({data.trivial:.4f}): train it longer and faster in another folder, such as with "
            "--set fine_tune.epochs=15 --set fine_tune.rate=1e-4"
        )


def _without_a_model(data: TaskData) -> str:
    """What is worth `data.trivial` and needs no model."""
    easy = {
        "language": "knowing how often each token occurs",
        "regression": "always giving the same number",
        "span": "always giving the first sentence",
    }
    return easy.get(data.kind, "always giving the commonest answer")


def _require_same_task(teacher: PreTrainedModel, model: PreTrainedModel, data: TaskData, folder: str) -> None:
    """A teacher has to answer the same question about the same ids."""
    known, wanted = teacher.config.vocab_size, model.config.vocab_size
    if data.kind != "language":
        _require_same_labels(teacher, data, folder)
    elif known != wanted:
        raise UsageError(
            f"the teacher in {folder} tells one of {known:,} ids, but the model one of {wanted:,}: name a teacher with as many"
        )
    highest = max(int(max(example.columns["input_ids"])) for example in chain(data.train, data.valid))
    if highest >= known:
        raise UsageError(f"the teacher in {folder} has {known:,} ids, fewer than the tokenizer of the model: name another one")
    _require_positions(teacher, data, folder)


def _require_same_labels(model: PreTrainedModel, data: TaskData, folder: str) -> None:
    ending, wanted = (
        ("ForQuestionAnswering", 2) if data.kind == "span" else ("ForSequenceClassification", len(data.labels) or 1)
    )
    if not type(model).__name__.endswith(ending):
        raise UsageError(
            f"the teacher in {folder} is a {type(model).__name__}, but {data.name} needs one ...{ending}: "
            "name one that was trained for the task, or none"
        )
    if model.config.num_labels != wanted:
        raise UsageError(
            f"the teacher in {folder} tells {model.config.num_labels} labels, but {data.name} has {wanted}: "
            "name one of this task"
        )
    names = told_labels(model.config)
    if data.labels and names and not same_labels(names, data.labels):
        raise UsageError(
            f"the teacher in {folder} tells {', '.join(names)}, but {data.name} has {', '.join(data.labels)}, in this order: "
            "name one of this task, or none"
        )
