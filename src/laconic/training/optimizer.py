"""Optimisers: AdamW, and Adafactor with T5X's settings."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import nn

OPTIMIZERS = ("adamw", "adafactor")


@dataclass(frozen=True, kw_only=True)
class OptimizerConfig:
    """Which optimiser. The learning rate comes from the schedule.

    Attributes:
        name: `adamw`, or `adafactor`: factored second moments, updates scaled by each parameter's size, no momentum.
        beta1: decay of AdamW's mean of gradients.
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


def build_optimizer(config: OptimizerConfig, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """An optimiser over all parameters that learn; vectors (norms, biases) are free of weight decay."""
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    groups = [
        {"params": [parameter for parameter in trained if parameter.dim() >= 2], "weight_decay": config.weight_decay},
        {"params": [parameter for parameter in trained if parameter.dim() < 2], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    if config.name == "adamw":
        return torch.optim.AdamW(groups, lr=1.0, betas=(config.beta1, config.beta2))
    # T5X adds epsilon1 = 1e-30 to squared gradients; torch clamps at the square of its own.
    return torch.optim.Adafactor(groups, lr=1.0, beta2_decay=-0.8, eps=(1e-15, 1e-3), d=1.0)
