"""How long each part of a model takes on this machine, from the times of cut versions of it, measured in turn."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from transformers import PreTrainedModel

from laconic.errors import UsageError
from laconic.evaluation.latency import measure_latency, torch_runner
from laconic.pruning.cutting import cut
from laconic.pruning.masks import Structure
from laconic.pruning.parts import Parts, count_parts
from laconic.pruning.speed import PartTimes


@dataclass(frozen=True, kw_only=True)
class LatencyConfig:
    """How models are timed.

    Attributes:
        batch: rows that are read at once.
        length: tokens in a row.
        threads: that compute.
        rounds: of timing, of which the median counts.
    """

    batch: int = 1
    length: int = 128
    threads: int = 1
    rounds: int = 9

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value < 1:
                raise ValueError(f"{name} is {value}, but must be at least 1")


@dataclass(frozen=True, kw_only=True)
class Point:
    """What one version of the model took.

    Attributes:
        heads: of `Parts.heads`, in each layer.
        units: in each layer.
        seconds: the median.
    """

    heads: int
    units: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class LatencyTable:
    """What was measured, and what it says of the parts.

    Attributes:
        config: how it was measured.
        points: what was measured.
        times: of the parts, fitted to the points.
        error: the largest relative distance of a point from the fit.
    """

    config: LatencyConfig
    points: tuple[Point, ...]
    times: PartTimes
    error: float

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data for a record."""
        return {**asdict(self), "points": [asdict(point) for point in self.points]}

    @staticmethod
    def from_dict(plain: dict[str, Any]) -> "LatencyTable":
        """What `to_dict` gave.

        Raises:
            TypeError, KeyError, ValueError: something else.
        """
        return LatencyTable(
            config=LatencyConfig(**plain["config"]),
            points=tuple(Point(**point) for point in plain["points"]),
            times=PartTimes(**plain["times"]),
            error=float(plain["error"]),
        )


def measure_table(model: PreTrainedModel, config: LatencyConfig) -> LatencyTable:
    """Time a model and versions of it with fewer heads and units, on its device.

    Hazard: the model is put into evaluation mode.

    Args:
        model: uncut, not wearing masks; its tensors are shared with the versions, not copied, where they are the same.
        config: how.

    Raises:
        UsageError: a family that cannot be cut, or times that do not grow with heads and units.
    """
    parts = count_parts(model)
    sizes = list(_sizes(parts))
    runners = {
        f"{heads}|{units}": torch_runner(
            _version(model, parts, heads, units), batch=config.batch, length=config.length, threads=config.threads
        )
        for heads, units in sizes
    }
    timings = list(measure_latency(runners, rounds=config.rounds).values())
    points = [
        Point(heads=heads, units=units, seconds=timing.median) for (heads, units), timing in zip(sizes, timings, strict=True)
    ]
    times, error = fit_times(points, layers=parts.layers)
    return LatencyTable(config=config, points=tuple(points), times=times, error=error)


def _sizes(parts: Parts) -> Iterator[tuple[int, int]]:
    """Heads and units of the versions: one kind is made fewer at a time, and both together."""
    quarters = (0.0, 0.25, 0.5, 0.75, 1.0)
    pairs = [(share, 1.0) for share in quarters] + [(1.0, share) for share in quarters]
    pairs += [(0.0, 0.0), (0.25, 0.25), (0.5, 0.5), (0.25, 0.05)]
    counts = ((_some(parts.heads, heads), _some(parts.units, units)) for heads, units in pairs)
    yield from dict.fromkeys(counts)


def _some(count: int, share: float) -> int:
    return max(1, round(count * share)) if share else 0


def _version(model: PreTrainedModel, parts: Parts, heads: int, units: int) -> PreTrainedModel:
    whole = Structure.whole(parts)
    left = Structure(
        head_LH=whole.head_LH & (torch.arange(parts.heads) < heads), unit_LU=whole.unit_LU & (torch.arange(parts.units) < units)
    )
    version = torch.nn.Module.to(cut(model, left.masks()), model.device)
    own = dict(model.named_parameters())
    for name, parameter in version.named_parameters():
        if name in own and own[name].shape == parameter.shape:
            parameter.data = own[name].data
    return version


def fit_times(points: Sequence[Point], *, layers: int) -> tuple[PartTimes, float]:
    """The times of the parts that come nearest to what was measured, relative to it; none of them is negative.

    Args:
        points: with many heads and few, many units and few, and none.
        layers: of each model.

    Returns:
        The times, and the largest relative distance of a point from what they say.

    Raises:
        UsageError: times that do not grow with heads and units.
    """
    seconds_N = np.array([point.seconds for point in points])
    rows_N5 = np.array(
        [[layers * (p.heads > 0), layers * p.heads, layers * (p.units > 0), layers * p.units, 1.0] for p in points]
    )
    # With one head or unit at most, it cannot be told from what its part takes besides.
    told = [max(p.heads for p in points) > 1, True, max(p.units for p in points) > 1, True, True]
    times_5 = np.zeros(5)
    times_5[told] = _least_squares((rows_N5 / seconds_N[:, None])[:, told])
    attention, head, ffn, unit, rest = times_5.tolist()
    if not head or not unit:
        raise UsageError(
            "the times that were measured do not grow with heads and units, which other work on the machine may have done: "
            "measure when it is idle, or with more latency.rounds, or a greater latency.length or latency.batch"
        )
    error = float(np.abs(rows_N5 @ times_5 / seconds_N - 1).max())
    return PartTimes(attention=attention, head=head, ffn=ffn, unit=unit, rest=rest), error


def _least_squares(rows_NM: Float[np.ndarray, "N M"]) -> Float[np.ndarray, "M"]:
    """What makes all rows nearest to 1 without being negative: the best of all choices of what is 0."""
    columns = range(rows_NM.shape[1])
    scale_M = np.abs(rows_NM).max(0)
    best_M, least = np.zeros(len(columns)), np.inf
    for count in range(1, len(columns) + 1):
        for chosen in map(list, combinations(columns, count)):
            solution = np.linalg.lstsq(rows_NM[:, chosen] / scale_M[chosen], np.ones(len(rows_NM)), rcond=None)[0]
            tried_M = np.zeros(len(columns))
            tried_M[chosen] = solution / scale_M[chosen]
            distance = float(np.square(rows_NM @ tried_M - 1).sum())
            if (solution >= 0).all() and distance < least:
                best_M, least = tried_M, distance
    return best_M
