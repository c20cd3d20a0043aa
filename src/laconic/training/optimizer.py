"""Optimisers: AdamW, Adafactor with T5X's settings, and Muon with AdamW for what is no hidden matrix."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import nn

from laconic.training.objective import OwnRate

OPTIMIZERS = ("adamw", "adafactor", "muon", "nag")

OWN_RATE = "own_rate"
"""The key of a parameter group whose learning rate the schedule does not touch."""

_TABLES = ("embed", "lm_head", "wte", "wpe")
"""Parts of the names of matrices that are look-up tables or outputs: Muon is not for them."""


@dataclass(frozen=True, kw_only=True)
class OptimizerConfig:
    """Which optimiser. The learning rate comes from the schedule.

    Attributes:
        name: `adamw`; `adafactor`: factored second moments, updates scaled by each parameter's size, no momentum; or `muon`:
            orthogonalised momentum for the matrices of the layers, scaled to the size of AdamW's updates so that one
            learning rate serves both, and AdamW for the rest; `nag`: Nesterov's accelerated gradient.
        beta1: decay of AdamW's mean of gradients; the momentum of `nag`.
        beta2: decay of AdamW's mean of squared gradients.
        weight_decay: decoupled, on matrices only; the paper uses none.
    """

    name: str = "adamw"
    beta1: float = 0.9
    beta2: float = 0.95
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        if self.name not in OPTIMIZERS:
            raise ValueError(f"name is {self.name!r}, but must be one of {', '.join(OPTIMIZERS)}")
        for field in ("beta1", "beta2"):
            if not 0 <= getattr(self, field) < 1:
                raise ValueError(f"{field} is {getattr(self, field)}, but must be at least 0 and below 1")
        if not self.weight_decay >= 0:
            raise ValueError(f"weight_decay is {self.weight_decay}, but must not be negative")


def build_optimizer(
    config: OptimizerConfig, parameters: Iterable[tuple[str, nn.Parameter]], *, own_rates: Sequence[OwnRate] = ()
) -> torch.optim.Optimizer:
    """An optimiser over all parameters that learn; vectors (norms, biases) are free of weight decay.

    Args:
        config: which one.
        parameters: with their names, as `named_parameters` gives them.
        own_rates: which of them learn at rates of their own.

    Raises:
        ValueError: rates of their own with another optimiser than AdamW, or for parameters that there are none of.
    """
    named = [(name, parameter) for name, parameter in parameters if parameter.requires_grad]
    if own_rates:
        return _adamw_with_own_rates(config, named, own_rates)
    if config.name == "muon":
        return SplitOptimizer(config, named)
    groups = _by_decay(config, [parameter for _, parameter in named])
    if config.name == "adamw":
        return _adamw(config, groups)
    if config.name == "nag":
        return torch.optim.SGD(groups, lr=1.0, momentum=config.beta1, nesterov=config.beta1 > 0)
    # T5X adds epsilon1 = 1e-30 to squared gradients; torch clamps at the square of its own.
    return torch.optim.Adafactor(groups, lr=1.0, beta2_decay=-0.8, eps=(1e-15, 1e-3), d=1.0)


def _by_decay(config: OptimizerConfig, trained: Sequence[nn.Parameter]) -> list[dict[str, Any]]:
    groups: list[dict[str, Any]] = [
        {"params": [parameter for parameter in trained if parameter.dim() >= 2], "weight_decay": config.weight_decay},
        {"params": [parameter for parameter in trained if parameter.dim() < 2], "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def _adamw_with_own_rates(
    config: OptimizerConfig, named: Sequence[tuple[str, nn.Parameter]], own_rates: Sequence[OwnRate]
) -> torch.optim.Optimizer:
    if config.name != "adamw":
        raise ValueError(f"name is {config.name!r}, but parameters with learning rates of their own need adamw")
    groups, taken = list[dict[str, Any]](), set[str]()
    for own in own_rates:
        fitting = {name: parameter for name, parameter in named if name.startswith(own.prefix)}
        if not fitting:
            raise ValueError(f"no parameter that learns has a name beginning with {own.prefix!r}")
        settings = {"weight_decay": 0.0, "maximize": own.maximize, OWN_RATE: own.rate}
        if chosen := [parameter for name, parameter in fitting.items() if name not in taken]:
            groups.append({"params": chosen, **settings})
        taken |= fitting.keys()
    rest = _by_decay(config, [parameter for name, parameter in named if name not in taken])
    return _adamw(config, [*rest, *groups])


def _adamw(config: OptimizerConfig, groups: Any) -> torch.optim.AdamW:
    """In one pass over each parameter, instead of one for each operation."""
    return torch.optim.AdamW(groups, lr=1.0, betas=(config.beta1, config.beta2), fused=True)


@final
class SplitOptimizer(torch.optim.Optimizer):
    """Muon (torch's, of Jordan et al. 2024) for the matrices of the layers, AdamW for tables, outputs and vectors.

    Args:
        config: momentum and decay.
        named: parameters that learn, with their names.
    """

    def __init__(self, config: OptimizerConfig, named: Iterable[tuple[str, nn.Parameter]]) -> None:
        matrices, others = list[nn.Parameter](), list[nn.Parameter]()
        for name, parameter in named:
            hidden = parameter.dim() == 2 and not any(table in name for table in _TABLES)
            (matrices if hidden else others).append(parameter)
        if not matrices:
            raise ValueError("muon needs matrices between embedding and output, but this model has none: use adamw")
        decay = config.weight_decay
        self._parts: tuple[torch.optim.Optimizer, ...] = (
            torch.optim.Muon(matrices, lr=1.0, weight_decay=decay, adjust_lr_fn="match_rms_adamw"),
            torch.optim.AdamW(others, lr=1.0, betas=(config.beta1, config.beta2), weight_decay=0.0),
        )
        super().__init__([group for part in self._parts for group in part.param_groups], {})
        self._share()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One update of all parameters."""
        loss = closure() if closure else None
        for part in self._parts:
            part.step()
        return loss

    def load_state_dict(self, state_dict: Any) -> None:
        """Take over what `state_dict` returned."""
        super().load_state_dict(state_dict)
        self._share()

    def _share(self) -> None:
        """Let both parts work on the groups and the state that this optimiser shows, saves and loads."""
        for part, group in zip(self._parts, self.param_groups, strict=True):
            part.param_groups, part.state = [group], self.state
