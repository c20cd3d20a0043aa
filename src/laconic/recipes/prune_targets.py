"""What a pruning run aims at, models so much smaller or so much faster, in one currency for gates and constraint."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

from laconic.errors import CorruptFileError, UsageError
from laconic.evaluation.latency import measure_latency, speed_ratios, torch_runner
from laconic.evaluation.latency_table import LatencyTable, measure_table
from laconic.pruning.masks import Structure
from laconic.pruning.parts import Parts, count_parts
from laconic.pruning.trimming import largest_sparsity
from laconic.recipes.prune_config import PruneConfig
from laconic.records.files import open_atomic

LATENCY = "latency.json"
"""The latency table in the folder of a run, which a resumed run must not measure again."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """One of the models that a run makes.

    Attributes:
        folder: its folder below that of the run.
        share: of what its parts cost, how much is to go.
        speedup: how many times faster it is to be; None where its size was asked for.
    """

    folder: str
    share: float
    speedup: float | None = None


@dataclass(frozen=True, kw_only=True)
class Targets:
    """All of them.

    Attributes:
        parts: what the model has, and what that costs: parameters, or seconds.
        all: the models to make, each smaller than the one before.
        table: where seconds are counted, what they were fitted to.
    """

    parts: Parts
    all: Sequence[Target]
    table: LatencyTable | None = None

    def describe(self, target: Target, structure: Structure, whole: PreTrainedModel, cut: PreTrainedModel) -> dict[str, Any]:
        """How fast a cut model is beside the whole one: wanted, by the table, and measured. Nothing where size was asked for.

        Args:
            target: what was asked for.
            structure: what is left.
            whole: the model that it was cut from; brought to the other's device.
            cut: the cut model, where it is to be timed.
        """
        if self.table is None or target.speedup is None:
            return {}
        how = self.table.config
        models = {"whole": torch.nn.Module.to(whole, cut.device), "cut": cut}
        runners = {
            name: torch_runner(model, batch=how.batch, length=how.length, threads=how.threads) for name, model in models.items()
        }
        timings = measure_latency(runners, rounds=how.rounds)
        measured = {name: timing.to_dict() for name, timing in timings.items()}
        return {
            "speedup": {
                "wanted": target.speedup,
                "by_table": self.table.times.speedup(structure, self.parts),
                "measured": speed_ratios(timings, "whole")["cut"],
                "timings": measured,
            }
        }


def find_targets(model: PreTrainedModel, config: PruneConfig, out: Path, *, device: torch.device) -> Targets:
    """What a run aims at; where that is speed, the model is timed first, unless the run's folder says how long it took.

    Args:
        model: uncut; put into evaluation mode, and moved, where it is timed.
        config: of the run.
        out: its folder, which exists where speed is asked for.
        device: where models are timed.

    Raises:
        UsageError: something that the gates cannot reach.
        CorruptFileError: what is kept of an earlier measurement is none.
    """
    parts = count_parts(model)
    return (
        speed_targets(config, parts, latency_table(model, config, out, device=device))
        if config.speedups
        else (size_targets(config, parts))
    )


def size_targets(config: PruneConfig, parts: Parts) -> Targets:
    """The sparsities of a run.

    Raises:
        UsageError: one that its gates cannot reach.
    """
    require_reachable(config.sparsities[-1], parts, config.gates)
    return Targets(parts=parts, all=[Target(folder=folder_of("sparsity", share), share=share) for share in config.sparsities])


def require_reachable(sparsity: float, parts: Parts, gates: tuple[str, ...]) -> None:
    """See that gates can make a model so sparse.

    Raises:
        UsageError: they cannot.
    """
    most = largest_sparsity(parts, gates)
    if sparsity > most:
        raise UsageError(
            f"a sparsity of {sparsity:g} cannot be reached with the gates {', '.join(gates)}: "
            f"the largest that can is {math.floor(most * 1000) / 1000:g}"
        )


def folder_of(kind: str, target: float) -> str:
    """The folder of a target, which no other one has."""
    short = f"{target:g}"
    return f"{kind}-{short if float(short) == target else repr(target)}"


def speed_targets(config: PruneConfig, parts: Parts, table: LatencyTable) -> Targets:
    """The speed-ups of a run.

    Raises:
        UsageError: one that its gates cannot reach.
    """
    wanted = [
        Target(folder=folder_of("speedup", speedup), share=table.times.share_for(parts, speedup, config.gates), speedup=speedup)
        for speedup in config.speedups
    ]
    return Targets(parts=table.times.priced(parts), all=wanted, table=table)


def latency_table(model: PreTrainedModel, config: PruneConfig, out: Path, *, device: torch.device) -> LatencyTable:
    """The table in the folder of a run, measured and written there if it is not yet.

    Args:
        model: uncut.
        config: of the run.
        out: its folder, which exists.
        device: where models are timed.

    Raises:
        UsageError: nothing can be fitted to what was measured.
        CorruptFileError: what is there is no table.
    """
    path = out / LATENCY
    if not path.is_file():
        table = measure_table(torch.nn.Module.to(model, device), config.latency)
        with open_atomic(path, "w") as stream:
            json.dump(table.to_dict(), stream, indent=2)
        return table
    try:
        return LatencyTable.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except (TypeError, KeyError, ValueError) as error:
        raise CorruptFileError(f"{path} is no latency table ({error!r}): start the run afresh in another folder") from error
