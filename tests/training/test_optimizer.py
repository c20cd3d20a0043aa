"""Optimisers are those of the papers: which parameters decay, and what Adafactor's first step is."""

import pytest
import torch

from laconic.training.optimizer import OptimizerConfig, build_optimizer


def test_only_matrices_decay() -> None:
    module = torch.nn.Linear(3, 2)
    groups = build_optimizer(OptimizerConfig(weight_decay=0.1), module.parameters()).param_groups
    assert [(len(group["params"][0].shape), group["weight_decay"]) for group in groups] == [(2, 0.1), (1, 0.0)]


def test_frozen_parameters_are_left_out() -> None:
    module = torch.nn.Linear(3, 2)
    module.bias.requires_grad_(False)
    assert len(build_optimizer(OptimizerConfig(), module.parameters()).param_groups) == 1


def test_adafactor_scales_updates_by_the_parameter() -> None:
    """First step: beta2 is 0, so the update of a rank-one gradient is its sign, times rate, times the parameter's size."""
    weight = torch.nn.Parameter(torch.full((4, 3), 2.0))
    optimizer = build_optimizer(OptimizerConfig(name="adafactor"), [weight])
    optimizer.param_groups[0]["lr"] = 0.01
    weight.grad = torch.full((4, 3), -1e-4)
    optimizer.step()
    assert torch.allclose(weight, torch.full((4, 3), 2.0 + 0.01 * 2.0))


def test_wrong_settings_are_named() -> None:
    for settings, message in (
        ({"name": "sgd"}, "name is 'sgd', but must be one of adamw"),
        ({"beta1": 1.0}, "beta1 is 1.0"),
        ({"weight_decay": -1.0}, "weight_decay is -1.0"),
    ):
        with pytest.raises(ValueError, match=message):
            OptimizerConfig(**settings)
