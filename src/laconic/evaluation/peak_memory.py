"""How much memory a process needs at its peak: measured in a process of its own, on Linux."""

import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from laconic.errors import LaconicError, UsageError

_STATUS = Path("/proc/self/status")


@dataclass(frozen=True, kw_only=True)
class PeakMemory:
    """The memory of a process that prepared something and ran it once.

    Attributes:
        before: bytes resident when Python and the code to run were loaded, but nothing else.
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
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_measure, args=(prepare, sender))
    process.start()
    sender.close()
    try:
        before, peak = receiver.recv()
    except EOFError:
        process.join()
        raise LaconicError(
            f"the measured process ended with {process.exitcode} before it was done: run what it prepares by itself to see why"
        ) from None
    process.join()
    return PeakMemory(before=before, peak=peak)


def _measure(prepare: Callable[[], Callable[[], object]], sender: Connection) -> None:
    """In the process of its own."""
    Path("/proc/self/clear_refs").write_text("5")  # Peaks begin anew.
    before = _resident("VmRSS:")
    prepare()()
    sender.send((before, _resident("VmHWM:")))


def _resident(field: str) -> int:
    lines = _STATUS.read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))
