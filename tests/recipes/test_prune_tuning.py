import dataclasses
from copy import deepcopy
from pathlib import Path

import pytest
import torch
from tests.recipes.test_prune import config
from tests.recipes.test_prune_stages import LABELS, setting
from tests.tiny_encoder import tiny_encoder

from laconic.model.folder import load_with_head
from laconic.recipes.prune_config import StageConfig
from laconic.recipes.prune_tuning import find_adviser, freeze_embeddings, tune


def test_embeddings_and_the_norm_behind_them_are_frozen_where_wanted(tmp_path: Path) -> None:
    model = load_with_head(tiny_encoder(tmp_path / "encoder"), labels=("bad", "good"))
    freeze_embeddings(config(tmp_path, freeze_embeddings=False), model)
    assert all(parameter.requires_grad for parameter in model.parameters())
    freeze_embeddings(config(tmp_path), model)
    frozen = {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
    assert frozen == {name for name, _ in model.named_parameters() if ".embeddings." in name}


@pytest.mark.parametrize(
    ("lower_is_better", "before", "kept"), [(False, 0.6, 0.6), (False, 0.4, 0.5), (True, 0.4, 0.4), (True, 0.6, 0.5)]
)
def test_a_model_that_training_makes_worse_is_left_as_it_was(
    lower_is_better: bool, before: float, kept: float, tmp_path: Path
) -> None:
    common = setting(tmp_path)
    data = dataclasses.replace(common.data, judge=lambda model: {"score": 0.5}, lower_is_better=lower_is_better)
    common, settings = dataclasses.replace(common, data=data), config(tmp_path, distill=LABELS)
    model = load_with_head(tiny_encoder(tmp_path / "encoder"), labels=data.labels)
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    stage = StageConfig(epochs=1.0, rate=3e-3, batch=27)
    teacher = find_adviser(settings, common, deepcopy(model))
    tuned = tune(settings, common, teacher, model, name="one", stage=stage, before={"score": before})
    assert tuned["scores"] == {"score": kept}
    same = all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())
    assert same == (kept == before)
