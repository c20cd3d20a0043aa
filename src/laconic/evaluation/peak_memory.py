"""How much memory a process needs at its peak: measured in a process of its own, on Linux."""

import contextlib
import importlib
import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from laconic.errors import LaconicError, UsageError

_STATUS = Path("/proc/self/status")


@dataclass(frozen=True, kw_only=True)
class PeakMemory:
    """The memory of a process that prepared something and ran it once.

    Attributes:
        before: bytes resident when Python, libraries and the code to run were loaded, but nothing else.
        peak: bytes resident at most, from then on.
    """

    before: int
    peak: int


def measure_peak(prepare: Callable[[], Callable[[], object]]) -> PeakMemory:
    """Prepare and run something once in a fresh process.

    Args:
        prepare: makes what is run, such as `partial(onnx_runner, path, batch=8, length=128)`. It is sent to the
            process by name, so it must be a function of a module, or a `partial` of one with plain arguments.

    Raises:
        UsageError: the system does not tell peaks as Linux does.
        LaconicError: the process failed.
    """
    if not _STATUS.is_file():
        raise UsageError(f"{_STATUS} is not there, which tells how much memory a process needs: measure on Linux")
    # Not one of multiprocessing's: those begin with the script of whoever measures, and would run that once more.
    child = [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; from {__name__} import answer; answer()"]
    ran = subprocess.run(child, input=pickle.dumps(prepare), stdout=subprocess.PIPE, check=False)
    if ran.returncode:
        raise LaconicError(
            f"the measured process ended with {ran.returncode} before it was done: run what it prepares by itself to see why"
        )
    return PeakMemory(**json.loads(ran.stdout.splitlines()[-1]))


def answer() -> None:
    """In the process of its own: measure what comes in, and print the numbers."""
    prepare = pickle.load(sys.stdin.buffer)
    _load_libraries()
    Path("/proc/self/clear_refs").write_text("5")  # Peaks begin anew.
    before = _resident("VmRSS:")
    prepare()()
    sys.stdout.write("\n" + json.dumps({"before": before, "peak": _resident("VmHWM:")}))


def _load_libraries() -> None:
    """What libraries take when they are first used is not the model's."""
    torch.ones(64, 64) @ torch.ones(64, 64)
    with contextlib.suppress(ImportError):
        importlib.import_module("onnxruntime")


def _resident(field: str) -> int:
    lines = _STATUS.read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))
