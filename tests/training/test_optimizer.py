"""Optimisers are those of the papers: which parameters decay, and what Adafactor's first step is."""

import pytest
import torch

from laconic.training.optimizer import OptimizerConfig, build_optimizer


def test_only_matrices_decay() -> None:
    module = torch.nn.Linear(3, 2)
    groups = build_optimizer(OptimizerConfig(weight_decay=0.1), module.named_parameters()).param_groups
    assert [(len(group["params"][0].shape), group["weight_decay"]) for group in groups] == [(2, 0.1), (1, 0.0)]


def test_frozen_parameters_are_left_out() -> None:
    module = torch.nn.Linear(3, 2)
    module.bias.requires_grad_(False)
    assert len(build_optimizer(OptimizerConfig(), module.named_parameters()).param_groups) == 1


def test_adafactor_scales_updates_by_the_parameter() -> None:
    """First step: beta2 is 0, so the update of a rank-one gradient is its sign, times rate, times the parameter's size."""
    weight = torch.nn.Parameter(torch.full((4, 3), 2.0))
    optimizer = build_optimizer(OptimizerConfig(name="adafactor"), [("weight", weight)])
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


def test_muon_turns_hidden_matrices_and_leaves_the_rest_to_adamw() -> None:
    """An orthogonalised update changes all directions alike, however unlike their gradients are."""
    named = [(name, torch.nn.Parameter(torch.zeros(4, 4))) for name in ("layers.0.q_proj", "embed_tokens", "lm_head")]
    optimizer = build_optimizer(OptimizerConfig(name="muon"), [*named, ("norm", torch.nn.Parameter(torch.zeros(4)))])
    for group in optimizer.param_groups:
        group["lr"] = 0.01
    for _, parameter in named:
        parameter.grad = torch.diag(torch.tensor([1.0, 0.5, 0.25, 0.125]))
    optimizer.step()
    hidden, table, output = (parameter.detach() for _, parameter in named)
    sizes = hidden.diagonal().abs()
    assert (hidden < 1e-6).all() and sizes.max() < 2 * sizes.min()
    # AdamW's first step is the sign of the gradient: off the diagonal, nothing.
    assert torch.allclose(table, torch.diag(torch.full((4,), -0.01))) and torch.equal(table, output)


def test_muon_needs_hidden_matrices() -> None:
    with pytest.raises(ValueError, match="use adamw"):
        build_optimizer(OptimizerConfig(name="muon"), [("embed_tokens", torch.nn.Parameter(torch.zeros(4, 4)))])


def test_nag_looks_ahead_along_its_momentum() -> None:
    weight = torch.nn.Parameter(torch.ones(2, 2))
    optimizer = build_optimizer(OptimizerConfig(name="nag", beta1=0.5), [("hidden", weight)])
    optimizer.param_groups[0]["lr"] = 0.1
    for _ in range(2):
        weight.grad = torch.ones(2, 2)
        optimizer.step()
    # Momentum 1 and 1.5; each step goes by the gradient and half the new momentum.
    assert torch.allclose(weight, torch.full((2, 2), 1 - 0.1 * (1 + 0.5) - 0.1 * (1 + 0.75)))
