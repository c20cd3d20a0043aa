"""What the models of a pruning run cost: bytes on disk, seconds for a batch, memory at the peak."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from laconic.errors import LaconicError
from laconic.evaluation.latency import Runner, folder_runner, measure_latency, onnx_runner, speed_ratios, torch_runner
from laconic.evaluation.peak_memory import measure_peak
from laconic.model.folder import load_any
from laconic.recipes.prune_delivery import FOLDER, INT8, ONNX
from laconic.recipes.rundir import MODEL


@dataclass(frozen=True, kw_only=True)
class MeasureConfig:
    """How models are timed: all in turn, on the same random tokens in rows of full length.

    Attributes:
        rounds: that are timed, after two that are not; 0 leaves out latency and memory.
        batch: rows.
        length: tokens in a row; None for `max_length`.
        threads: that compute.
    """

    rounds: int = 10
    batch: int = 8
    length: int | None = None
    threads: int = 1

    def __post_init__(self) -> None:
        if self.rounds < 0:
            raise ValueError(f"rounds is {self.rounds}, but must not be negative")
        for name in ("batch", "length", "threads"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} is {value}, but must be at least 1")


def measure_models(
    config: MeasureConfig, places: Sequence[Path], *, length: int, device: torch.device
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Measure models against the first of them.

    Args:
        config: how.
        places: the folders that hold `model`, and perhaps a delivery.
        length: tokens in a row, where the config does not say.
        device: where PyTorch computes; ONNX Runtime and what is measured for memory stay on the processor.

    Returns:
        For each model plain data by `model`, `delivery`, `torch`, `onnx` and `int8`: `file_bytes`, and where anything is
        measured `latency` (as `Timing.to_dict`), `throughput` (rows a second), `times_faster` and `peak_memory` (bytes that a
        process of its own took beyond the libraries; missing where the system does not tell, or the process failed); and how
        it was measured.

    Raises:
        UsageError, CorruptFileError: a folder that holds no model, or a damaged one.
    """
    rows: list[dict[str, Any]] = [{"file_bytes": _file_bytes(place)} for place in places]
    if not config.rounds:
        return rows, {}
    shape = {"batch": config.batch, "length": config.length or length, "threads": config.threads}
    for number, kinds in enumerate(_timed([_runners(place, shape, device) for place in places], config.rounds)):
        read = {kind: config.batch / timing["median"] for kind, timing in kinds["latency"].items()}
        rows[number] |= {**kinds, "throughput": read}
    for place, row in zip(places, rows, strict=True):
        row["peak_memory"] = _peaks(_preparations(place, shape))
    return rows, {**asdict(config), **shape, "device": device.type}


def _file_bytes(place: Path) -> dict[str, int]:
    """Of the weights, whatever they are called; of the folders that are there."""
    found = {name: sum(file.stat().st_size for file in (place / name).glob("*.safetensors")) for name in (MODEL, FOLDER)}
    found |= {kind: file.stat().st_size for kind, file in _onnx_files(place).items()}
    return {name: size for name, size in found.items() if size}


def _onnx_files(place: Path) -> dict[str, Path]:
    files = {"onnx": place / FOLDER / ONNX, "int8": place / FOLDER / INT8}
    return {kind: file for kind, file in files.items() if file.is_file()}


def _runners(place: Path, shape: Mapping[str, int], device: torch.device) -> dict[str, Runner]:
    model = load_any(place / MODEL)
    torch.nn.Module.to(model, device)
    return {
        "torch": torch_runner(model, **shape),
        **{kind: onnx_runner(file, **shape) for kind, file in _onnx_files(place).items()},
    }


def _timed(runners: Sequence[Mapping[str, Runner]], rounds: int) -> list[dict[str, dict[str, Any]]]:
    """Latencies of all models, one after the other in each round, and how they compare with the first model's of their kind."""
    named = {f"{number} {kind}": run for number, kinds in enumerate(runners) for kind, run in kinds.items()}
    timings = measure_latency(named, rounds=rounds)
    found: list[dict[str, dict[str, Any]]] = [{"latency": {}, "times_faster": {}} for _ in runners]
    for kind in runners[0]:
        ratios = speed_ratios(timings, f"0 {kind}")
        for number, row in enumerate(found):
            if kind in runners[number]:
                row["latency"][kind] = timings[f"{number} {kind}"].to_dict()
                row["times_faster"][kind] = ratios[f"{number} {kind}"]
    return found


def _preparations(place: Path, shape: Mapping[str, int]) -> dict[str, Callable[[], Runner]]:
    """What a process of its own prepares and runs, for each kind."""
    return {
        "torch": partial(folder_runner, place / MODEL, **shape),
        **{kind: partial(onnx_runner, file, **shape) for kind, file in _onnx_files(place).items()},
    }


def _peaks(preparations: Mapping[str, Callable[[], Runner]]) -> dict[str, int]:
    found = {}
    for kind, prepare in preparations.items():
        try:
            memory = measure_peak(prepare)
        except LaconicError:  # A run that has come to its end is worth its record without this number.
            continue
        found[kind] = memory.peak - memory.before
    return found
