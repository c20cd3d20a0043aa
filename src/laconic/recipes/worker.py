"""Language-model runs as processes of their own: side by side, each on one core, as many as there are cores.

Small models gain little from a second thread, and lose much where the threads of one step must wait for each other on a
busy machine. One thread each also means that the result does not depend on the number of cores.
"""

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from laconic.errors import LaconicError, TrainingError, UsageError
from laconic.recipes.registry import RunOptions
from laconic.recipes.rundir import RECORD
from laconic.recipes.settings import from_plain, to_plain
from laconic.records.record import Record

_SECONDS_BETWEEN_WORDS = 0.2
_SECONDS_TO_STOP = 20.0


@final
@dataclass(frozen=True, kw_only=True)
class Order:
    """A run to carry out.

    Attributes:
        name: of the run, for its record.
        config: a `laconic.recipes.lm.LMConfig`.
        out: the folder of the run.
    """

    name: str
    config: Any
    out: Path


Tell = Callable[[int, int, str], None]


def run_side_by_side(orders: Sequence[Order], tell: Tell, *, cores: int | None = None) -> list[Record]:
    """Carry out language-model runs, as many at a time as there are cores.

    Args:
        orders: the runs; begun in this order, so the longest come first.
        tell: told of progress as (number of the run, bytes done, words).
        cores: how many processes at a time; those that this process may use if None.

    Returns:
        The records, in the order of `orders`.

    Raises:
        UsageError: a run refused what it was asked for, with its own sentence; the others are stopped.
        TrainingError: a run failed in another way, likewise.
    """
    waiting, running = list(enumerate(orders)), dict[int, subprocess.Popen[bytes]]()
    heard: queue.Queue[tuple[int, dict[str, Any]]] = queue.Queue()
    most = cores or _cores()
    try:
        while waiting or running:
            while waiting and len(running) < most:
                number, order = waiting.pop(0)
                running[number] = _begin(number, order, heard)
            number, message = heard.get()
            if "done" in message:
                tell(number, int(message["done"]), str(message["words"]))
            elif "ended" in message:
                _require_success(orders[number], running.pop(number).wait(), message)
    finally:
        _stop(list(running.values()))
    return [Record.load(order.out / RECORD) for order in orders]


def main() -> int:
    """Carry out the order on standard input; tell of it on standard output, a JSON object in each line."""
    order, last, voice = json.load(sys.stdin), 0.0, sys.stdout
    sys.argv = order["command"]

    def say(message: dict[str, Any]) -> None:
        voice.write(json.dumps(message) + "\n")
        voice.flush()

    def progress(done: int, total: int | None, words: str) -> None:
        nonlocal last
        if time.monotonic() - last > _SECONDS_BETWEEN_WORDS or done == total:
            last = time.monotonic()
            say({"done": done, "words": words})

    with redirect_stdout(sys.stderr):  # What a library prints is no message.
        from laconic.recipes.lm import LMConfig, run_lm

        try:
            config = from_plain(LMConfig, order["config"], name="the order")
            run_lm(order["name"], config, Path(order["out"]), RunOptions(progress=progress))
        except LaconicError as error:
            say({"error": str(error)})
            return error.exit_code
    return 0


def _begin(number: int, order: Order, heard: "queue.Queue[tuple[int, dict[str, Any]]]") -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(
        [sys.executable, "-m", "laconic.recipes.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    words = {"name": order.name, "config": to_plain(order.config), "out": str(order.out), "command": list(sys.argv)}
    assert process.stdin is not None
    with suppress(BrokenPipeError):  # A process that died at once says why on its standard error.
        process.stdin.write(json.dumps(words).encode())
        process.stdin.close()
    threading.Thread(target=_listen, args=(number, process, heard), daemon=True).start()
    return process


def _listen(number: int, process: "subprocess.Popen[bytes]", heard: "queue.Queue[tuple[int, dict[str, Any]]]") -> None:
    assert process.stdout is not None and process.stderr is not None
    complaints: list[bytes] = []
    drain = threading.Thread(target=lambda: complaints.extend(process.stderr or ()), daemon=True)
    drain.start()
    sentence = None
    try:
        for line in process.stdout:
            if message := _read(line):
                sentence = message.get("error", sentence)
                heard.put((number, message))
    finally:  # Whoever waits for the end must always hear of it.
        drain.join()
        last = next((line.decode(errors="replace").strip() for line in reversed(complaints) if line.strip()), "no word of why")
        heard.put((number, {"ended": True, "sentence": sentence, "last": last}))


def _read(line: bytes) -> dict[str, Any] | None:
    """A message, or None for a line that is none, such as what a library written in C prints."""
    with suppress(ValueError, RecursionError):
        message = json.loads(line)
        if isinstance(message, dict) and ("error" in message or {"done", "words"} <= set(message)):
            return message
    return None


def _require_success(order: Order, code: int, message: dict[str, Any]) -> None:
    if message["sentence"]:
        if code == UsageError.exit_code:
            raise UsageError(message["sentence"])
        raise TrainingError(message["sentence"])
    if code:
        raise TrainingError(f"the run {order.name!r} ended with code {code} ({message['last']}): run it again")


def _stop(processes: "Sequence[subprocess.Popen[bytes]]") -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(_SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # Not every system can say which cores are ours.
        return os.cpu_count() or 1


if __name__ == "__main__":
    sys.exit(main())
