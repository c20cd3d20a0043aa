"""How long models take on one batch: in turn, so that whatever else the machine does meets all alike."""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from transformers import PreTrainedModel

from laconic.errors import UsageError
from laconic.model.folder import load_any
from laconic.model.onnx import VOCAB_SIZE, open_session
from laconic.model.probe import answers, input_names, random_inputs

Runner = Callable[[], None]
"""Reads one batch."""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """How long one runner took.

    Attributes:
        median: of all rounds, in seconds.
        low: the first quartile, in seconds.
        high: the third quartile, in seconds.
        rounds: how many were timed.
    """

    median: float
    low: float
    high: float
    rounds: int

    def to_dict(self) -> dict[str, float | int]:
        """The same as plain data for a record."""
        return asdict(self)


def measure_latency(runners: Mapping[str, Runner], *, rounds: int, warmup: int = 2) -> dict[str, Timing]:
    """Time runners, all of them once in each round.

    Args:
        runners: what to run, by name.
        rounds: that are timed; at least 1.
        warmup: rounds before them that are not.

    Returns:
        The timing of each, in the order given.

    Raises:
        ValueError: rounds is less than 1, or warmup less than 0.
    """
    if rounds < 1 or warmup < 0:
        raise ValueError(f"rounds is {rounds} and warmup {warmup}, but they must be at least 1 and at least 0")
    seconds: dict[str, list[float]] = {name: [] for name in runners}
    for number in range(warmup + rounds):
        for name, run in runners.items():
            began = time.perf_counter()
            run()
            took = time.perf_counter() - began
            if number >= warmup:
                seconds[name].append(took)
    return {name: _timing(values) for name, values in seconds.items()}


def speed_ratios(timings: Mapping[str, Timing], base: str) -> dict[str, float]:
    """How many times faster each is than one of them, by medians.

    Args:
        timings: of one measurement.
        base: the name of the one to compare with; its own ratio is 1.

    Raises:
        UsageError: nothing of that name was measured.
    """
    if base not in timings:
        raise UsageError(f"nothing called {base!r} was measured: name one of {', '.join(timings)}")
    return {name: timings[base].median / timing.median for name, timing in timings.items()}


def torch_runner(model: PreTrainedModel, *, batch: int, length: int, seed: int = 0, threads: int | None = None) -> Runner:
    """A runner that reads random tokens with PyTorch, all rows of full length, on the device of the model.

    Hazard: the model is put into evaluation mode here, and stays in it; to switch at each call would take time too.

    Args:
        model: any; not to be trained while it is timed.
        batch: rows.
        length: tokens in a row.
        seed: of the tokens.
        threads: that compute, while it runs; as many as PyTorch has if None.
    """
    inputs = random_inputs(input_names(model), model.config.vocab_size, batch=batch, length=length, seed=seed)
    inputs = {name: value.to(model.device) for name, value in inputs.items()}
    model.train(False)

    def run() -> None:
        with _threads(threads), torch.inference_mode():
            answers(model, inputs)
            if model.device.type == "cuda":
                torch.cuda.synchronize(model.device)

    return run


def folder_runner(folder: Path, *, batch: int, length: int, seed: int = 0, threads: int | None = None) -> Runner:
    """As `torch_runner`, for a model that is read from a folder.

    Args:
        folder: with a model of any task.
        batch: rows.
        length: tokens in a row.
        seed: of the tokens.
        threads: that compute; as many as PyTorch has if None.

    Raises:
        UsageError: the folder holds no model.
        CorruptFileError: its files are damaged.
    """
    return torch_runner(load_any(folder), batch=batch, length=length, seed=seed, threads=threads)


def onnx_runner(
    path: Path | str,
    *,
    batch: int,
    length: int,
    seed: int = 0,
    threads: int | None = None,
    vocab_size: int | None = None,
) -> Runner:
    """A runner that reads random tokens with ONNX Runtime on the processor, all rows of full length.

    Args:
        path: of the file.
        batch: rows.
        length: tokens in a row.
        seed: of the tokens.
        threads: that compute; ONNX Runtime's choice if None.
        vocab_size: how many ids it knows; read from the file if None.

    Raises:
        MissingExtraError: onnxruntime is not installed.
        UsageError: there is no such file, or it does not say how many ids it knows.
        CorruptFileError: it is no ONNX file.
    """
    session = open_session(path, threads=threads)
    said = session.get_modelmeta().custom_metadata_map.get(VOCAB_SIZE)
    if vocab_size is None and said is None:
        raise UsageError(f"{path} does not say how many token ids it knows: give vocab_size, or write it with export_onnx")
    size = vocab_size or int(said)
    names = [item.name for item in session.get_inputs()]
    inputs = random_inputs(names, size, batch=batch, length=length, seed=seed)
    arrays = {name: value.numpy() for name, value in inputs.items()}

    def run() -> None:
        session.run(None, arrays)

    return run


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """So many threads of PyTorch, as long as this lasts."""
    before = torch.get_num_threads()
    if count is not None:
        torch.set_num_threads(count)
    try:
        yield
    finally:
        if count is not None:
            torch.set_num_threads(before)


def _timing(seconds: list[float]) -> Timing:
    if len(seconds) == 1:
        return Timing(median=seconds[0], low=seconds[0], high=seconds[0], rounds=1)
    low, median, high = statistics.quantiles(seconds, n=4, method="inclusive")
    return Timing(median=median, low=low, high=high, rounds=len(seconds))
