"""The last stage of every smaller model: what is left is trained again, by the same teacher."""

from copy import deepcopy
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from laconic.model.anatomy import dissect
from laconic.pruning.objective import Cofi
from laconic.pruning.student import Student
from laconic.pruning.teacher import AbstractTeacher, LiveTeacher, NotedTeacher, noted_bytes
from laconic.recipes.prune_config import PruneConfig, StageConfig
from laconic.recipes.prune_stages import Setting, Stage, run_stage
from laconic.recipes.task_data import main_score
from laconic.training.loop import resolve_precision


def tune(
    config: PruneConfig,
    setting: Setting,
    teacher: AbstractTeacher,
    model: PreTrainedModel,
    *,
    name: str,
    stage: StageConfig,
    projection: nn.Linear | None = None,
    before: dict[str, float] | None = None,
) -> dict[str, Any]:
    """Train a smaller model, unless that only makes it worse; what `scored` returns.

    Args:
        config: what it learns from.
        setting: what all stages share.
        teacher: who it learns from.
        model: trained in place.
        name: the folder of the sparsity, below the run's.
        stage: how long and how fast.
        projection: from its layers to the teacher's, as learned so far; None to begin with the identity.
        before: the scores that it has already, and keeps with its weights where training brings no others as good; None for a
            model that is worth nothing yet.
    """
    weights = deepcopy(model.state_dict()) if before else {}
    student = Student(model, teacher_width=teacher.width, dropout=config.dropout)
    if student.projection is not None and projection is not None:
        student.projection.load_state_dict(projection.state_dict())
    objective = Cofi(setting.data.kind, distill=config.distill, teacher=teacher)
    done = run_stage(setting, Stage(name=f"{name}/tune", config=stage, student=student, objective=objective))
    tuned = scored(setting, model, done)
    if before and setting.data.beats(main_score(before), main_score(tuned["scores"])):
        model.load_state_dict(weights)
        return {**tuned, "scores": before}
    return tuned


def scored(setting: Setting, model: PreTrainedModel, done: dict[str, Any]) -> dict[str, Any]:
    """What a stage came to, and what its model is worth where the stage had nothing to do and does not know."""
    torch.nn.Module.to(model, setting.device).train(False)  # As after training, also where it was done before.
    return done if "scores" in done else {**done, "scores": setting.scores(model)}


def find_adviser(config: PruneConfig, setting: Setting, teacher: PreTrainedModel) -> AbstractTeacher:
    """The teacher as students hear it: its notes where they are small enough, else the model itself."""
    data, live = setting.data, LiveTeacher(teacher, setting.data.kind)
    layers = config.distill.teaching if config.distill.layers else 0
    depth = teacher.config.num_hidden_layers
    learns = config.distill.prediction or config.distill.layers
    if data.kind == "language" or not learns:
        return live
    if noted_bytes(data.train, layers=layers, depth=depth, width=live.width) > config.notes_gb * 1e9:
        return live

    def tell(done: int) -> None:
        if setting.tell:
            setting.tell(0, None, f"noting what the teacher says, {done:,} of {len(data.train):,} examples")

    return NotedTeacher(
        live,
        data.train,
        data.kind,
        layers=layers,
        depth=depth,
        folder=setting.out,
        pad_id=data.pad_id,
        autocast=resolve_precision(setting.precision, setting.device) == "bf16",
        tell=tell,
    )


def freeze_embeddings(config: PruneConfig, model: PreTrainedModel) -> None:
    """Let embeddings stay as they are, where that is wanted."""
    if config.freeze_embeddings:
        anatomy = dissect(model)
        # The norms outside of an encoder's layers belong to its embeddings; those of a decoder come last.
        for module in (*anatomy.embeddings, *(anatomy.outer_norms if anatomy.layout.post_norm else ())):
            module.requires_grad_(False)
