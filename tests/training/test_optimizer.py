"""Optimisers are those of the papers: which parameters decay, and what Adafactor's first step is."""

import pytest
import torch
from torch import nn

from laconic.training.objective import OwnRate
from laconic.training.optimizer import OWN_RATE, OptimizerConfig, build_optimizer


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


def test_parts_with_a_rate_of_their_own_keep_it_and_may_climb() -> None:
    model = nn.ModuleDict({"body": nn.Linear(2, 2), "gates": nn.Linear(2, 1, bias=False), "price": nn.Linear(1, 1, bias=False)})
    own = (OwnRate(prefix="gates.", rate=0.5), OwnRate(prefix="price.", rate=0.25, maximize=True))
    optimizer = build_optimizer(OptimizerConfig(weight_decay=0.1), model.named_parameters(), own_rates=own)
    assert [group.get(OWN_RATE) for group in optimizer.param_groups] == [None, None, 0.5, 0.25]
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    for group in optimizer.param_groups:
        group["lr"] = group.get(OWN_RATE, 0.0)
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    moved = {name: (parameter - before[name]).detach() for name, parameter in model.named_parameters()}
    torch.testing.assert_close(moved["gates.weight"], torch.full((1, 2), -0.5))
    torch.testing.assert_close(moved["price.weight"], torch.full((1, 1), 0.25))
    assert not moved["body.weight"].any()


def test_the_first_prefix_that_fits_decides_about_a_rate() -> None:
    model = nn.ModuleDict(
        {"slow": nn.Linear(1, 1, bias=False), "gates": nn.ModuleDict({"slow": nn.Linear(1, 1), "heads": nn.Linear(1, 1)})}
    )
    own = (OwnRate(prefix="gates.slow.", rate=0.1), OwnRate(prefix="gates.", rate=0.5), OwnRate(prefix="gates.heads", rate=9.0))
    optimizer = build_optimizer(OptimizerConfig(), model.named_parameters(), own_rates=own)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    found = {names[id(one)]: group.get(OWN_RATE) for group in optimizer.param_groups for one in group["params"]}
    slow, heads = ({f"gates.{kind}.{name}" for name in ("weight", "bias")} for kind in ("slow", "heads"))
    assert found == {"slow.weight": None, **dict.fromkeys(slow, 0.1), **dict.fromkeys(heads, 0.5)}
    assert sum(len(group["params"]) for group in optimizer.param_groups) == 5


def test_rates_of_their_own_need_adamw_and_parameters() -> None:
    model = nn.Linear(2, 2)
    with pytest.raises(ValueError, match="need adamw"):
        build_optimizer(OptimizerConfig(name="nag"), model.named_parameters(), own_rates=(OwnRate(prefix="w", rate=1.0),))
    with pytest.raises(ValueError, match="no parameter that learns has a name beginning with 'gates'"):
        build_optimizer(OptimizerConfig(), model.named_parameters(), own_rates=(OwnRate(prefix="gates", rate=1.0),))
