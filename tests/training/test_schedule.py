"""The learning rate rises, holds and falls as its name says."""

import math

import pytest

from laconic.training.schedule import ScheduleConfig, learning_rate


def test_warmup_is_linear_and_reaches_the_peak() -> None:
    config = ScheduleConfig(peak=0.5, warmup=10, decay="linear", floor=0.0)
    assert [learning_rate(config, step, 100) for step in (1, 5, 10)] == pytest.approx([0.05, 0.25, 0.5])


@pytest.mark.parametrize(("decay", "middle"), [("linear", 0.55), ("cosine", 0.55), ("constant", 1.0)])
def test_decay_passes_the_middle_and_ends_at_the_floor(decay: str, middle: float) -> None:
    config = ScheduleConfig(peak=1.0, warmup=20, decay=decay, floor=0.1)
    assert learning_rate(config, 60, 100) == pytest.approx(middle)
    assert learning_rate(config, 100, 100) == pytest.approx(1.0 if decay == "constant" else 0.1)


def test_rsqrt_is_that_of_the_paper() -> None:
    """Base 1.0 with 10,000 warm-up steps: 0.01 for 10,000 steps, 0.00224 at 200,000 (T5X's rsqrt_decay)."""
    config = ScheduleConfig(peak=0.01, warmup=10_000, decay="rsqrt")
    assert learning_rate(config, 1, 200_000) == learning_rate(config, 10_000, 200_000) == pytest.approx(0.01)
    assert learning_rate(config, 200_000, 200_000) == pytest.approx(1 / math.sqrt(200_000))


def test_inverse_sqrt_rises_and_falls() -> None:
    config = ScheduleConfig(peak=0.5, warmup=100, decay="inverse_sqrt")
    rates = [learning_rate(config, step, 10_000) for step in (1, 50, 100, 400, 10_000)]
    assert rates == pytest.approx([0.005, 0.25, 0.5, 0.25, 0.05])


def test_wrong_settings_are_named() -> None:
    for settings, message in (
        ({"peak": 0.0}, "peak is 0.0"),
        ({"warmup": -1}, "warmup is -1"),
        ({"decay": "soon"}, "decay is 'soon', but must be one of constant"),
        ({"floor": 2.0}, "floor is 2.0"),
    ):
        with pytest.raises(ValueError, match=message):
            ScheduleConfig(**settings)
