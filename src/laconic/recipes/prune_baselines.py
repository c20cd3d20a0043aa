"""What CoFi is compared with: the same teacher, data and number of updates, and another way to become small."""

import copy
from collections.abc import Callable
from typing import Any

from transformers import PreTrainedModel

from laconic.pruning.baselines import by_magnitude, count_zeros, drop_weights, first_layers, keep_zeros, small_model
from laconic.pruning.cutting import count_all, cut
from laconic.pruning.masks import Structure
from laconic.pruning.parts import count_parts
from laconic.pruning.student import Student
from laconic.pruning.teacher import AbstractTeacher
from laconic.recipes.prune_config import PruneConfig
from laconic.recipes.prune_delivery import Deliverer
from laconic.recipes.prune_stages import Setting
from laconic.recipes.prune_targets import Target
from laconic.recipes.prune_tuning import freeze_embeddings, tune

CHOICES: dict[str, Callable[[PreTrainedModel, float], Structure]] = {"layers": first_layers, "magnitude": by_magnitude}
"""Baselines that choose at once what stays, and cut the rest."""


def train_baseline(
    config: PruneConfig,
    setting: Setting,
    teacher: AbstractTeacher,
    deliverer: Deliverer,
    student: Student,
    *,
    target: Target,
) -> dict[str, Any]:
    """Make a model smaller by the baseline that `config.method` names, train it, judge and write it.

    Args:
        config: the run; the stage has the updates of `prune` and `tune` together.
        setting: what all stages share.
        teacher: who it learns from.
        deliverer: writes the model.
        student: what the smaller model is made from; stays as it is.
        target: how small, and where to.

    Returns:
        The row of the record.
    """
    name, total = target.folder, count_parts(student.model).total
    model, structure = shrink(config, student.model, target.share)
    random = config.method == "small"
    if not random:
        freeze_embeddings(config, model)
    projection = None if random else student.projection
    stage = config.stages().get("tune", config.tune)
    tuned = tune(config, setting, teacher, model, name=name, stage=stage, projection=projection)
    if config.method == "weights":
        keep_zeros(model)
    counts = count_all(model)
    left = counts["pruned"]
    if config.method == "weights":
        left -= count_zeros(model)
    return {
        "folder": name,
        "sparsity": target.share,
        "scores": tuned["scores"],
        "steps": tuned["steps"],
        "seconds": tuned["seconds"],
        "parameters": counts,
        "real_sparsity": 1 - left / total,
        "structure": None if structure is None else structure.counts(),
        "delivery": deliverer.write(model, setting.out / name),
    }


def shrink(config: PruneConfig, model: PreTrainedModel, sparsity: float) -> tuple[PreTrainedModel, Structure | None]:
    """A smaller model by the baseline that `config.method` names, not trained yet, and what it has of the other's parts.

    Raises:
        UsageError: a sparsity that cannot be reached.
    """
    if config.method == "small":
        return small_model(model, sparsity, seed=config.seed), None
    if config.method == "weights":
        sparse = copy.deepcopy(model)
        drop_weights(sparse, sparsity)
        return sparse, None
    structure = CHOICES[config.method](model, sparsity)
    return cut(model, structure.masks()), structure
