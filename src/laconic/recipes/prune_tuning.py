"""The last stage of every smaller model: what is left is trained again, by the same teacher."""

from typing import Any

from torch import nn
from transformers import PreTrainedModel

from laconic.model.anatomy import dissect
from laconic.pruning.objective import Cofi
from laconic.pruning.student import Student
from laconic.recipes.prune_config import PruneConfig, StageConfig
from laconic.recipes.prune_stages import Setting, Stage, run_stage


def tune(
    config: PruneConfig,
    setting: Setting,
    teacher: PreTrainedModel,
    model: PreTrainedModel,
    *,
    name: str,
    stage: StageConfig,
    projection: nn.Linear | None = None,
) -> dict[str, Any]:
    """Train a smaller model; what `run_stage` returns.

    Args:
        config: what it learns from.
        setting: what all stages share.
        teacher: the dense model of the task.
        model: trained in place.
        name: the folder of the sparsity, below the run's.
        stage: how long and how fast.
        projection: from its layers to the teacher's, as learned so far; None to begin with the identity.
    """
    student = Student(model, teacher_width=teacher.config.hidden_size)
    if student.projection is not None and projection is not None:
        student.projection.load_state_dict(projection.state_dict())
    objective = Cofi(setting.data.kind, distill=config.distill, teacher=teacher)
    return run_stage(setting, Stage(name=f"{name}/tune", config=stage, student=student, objective=objective))


def freeze_embeddings(config: PruneConfig, model: PreTrainedModel) -> None:
    """Let embeddings stay as they are, where that is wanted."""
    if config.freeze_embeddings:
        anatomy = dissect(model)
        # The norms outside of an encoder's layers belong to its embeddings; those of a decoder come last.
        for module in (*anatomy.embeddings, *(anatomy.outer_norms if anatomy.layout.post_norm else ())):
            module.requires_grad_(False)
