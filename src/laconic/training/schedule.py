"""Learning rate as a pure function of the step, so that a resumed run needs no state of it."""

import math
from dataclasses import dataclass

DECAYS = ("constant", "linear", "cosine", "rsqrt", "inverse_sqrt")


@dataclass(frozen=True, kw_only=True)
class ScheduleConfig:
    """Warm-up, then decay.

    Attributes:
        peak: the highest learning rate.
        warmup: steps until the peak is reached, rising linearly. With `rsqrt` the rate already is at its peak during
            these steps, as with T5X's `rsqrt_decay` (10,000 steps at 1/sqrt(10,000) = 0.01 in Lester et al. 2024).
        decay: `linear` and `cosine` reach `floor` at the last step; `rsqrt` and `inverse_sqrt`, which rises during the warm-up,
            fall with 1/sqrt(step); or `constant`.
        floor: the last learning rate of `linear` and `cosine`, as a fraction of the peak.
    """

    peak: float = 1e-3
    warmup: int = 100
    decay: str = "cosine"
    floor: float = 0.1

    def __post_init__(self) -> None:
        if not self.peak > 0:
            raise ValueError(f"peak is {self.peak}, but must be positive")
        if self.warmup < 0:
            raise ValueError(f"warmup is {self.warmup}, but must not be negative")
        if self.decay not in DECAYS:
            raise ValueError(f"decay is {self.decay!r}, but must be one of {', '.join(DECAYS)}")
        if not 0 <= self.floor <= 1:
            raise ValueError(f"floor is {self.floor}, but must lie between 0 and 1")


def learning_rate(config: ScheduleConfig, step: int, steps: int) -> float:
    """The learning rate of one update.

    Args:
        config: the schedule.
        step: the number of the update, from 1 to `steps`.
        steps: the length of the whole run.
    """
    if config.decay == "rsqrt":
        return config.peak * math.sqrt(max(config.warmup, 1) / max(step, config.warmup, 1))
    if step <= config.warmup:
        return config.peak * step / config.warmup
    if config.decay == "inverse_sqrt":
        return config.peak * math.sqrt(max(config.warmup, 1) / step)
    if config.decay == "constant":
        return config.peak
    done = min(1.0, (step - config.warmup) / max(1, steps - config.warmup))
    left = 1.0 - done if config.decay == "linear" else 0.5 * (1.0 + math.cos(math.pi * done))
    return config.peak * (config.floor + (1.0 - config.floor) * left)
