"""What a memory costs in training, in time and in bytes, against plain cross-entropy and the plain N x N form.

    python benchmarks/memory_step.py                          # up to 32,768 slots; half an hour on two cores, 20 GB
    python benchmarks/memory_step.py --slots 2048 --rounds 2  # a trial

A step is forward and backward of a language model of 6 layers, width 512 and 33,278 words, on a batch of N tokens in segments
of 512 that are all of one document, so that every token sees all earlier ones of the batch: N slots. Rounds of all kinds
follow each other, and medians are compared:

    cross-entropy   PyTorch's, on the matrix of all logits
    lm              laconic's plain objective, which builds no such matrix
    trime           TRIME, which builds no matrix of all similarities either
    trime, plain    the same from the matrix of all similarities

Peaks of memory are those of processes of their own that compute only the memory's part of the loss, above what they held
before; the form that builds the matrix is left out where it would need more than `--most-gb`.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers import PreTrainedModel

from laconic.memory import objective as trime_module
from laconic.memory.keys import KeyTap
from laconic.memory.mass import memory_mass, plain_mass, similarity_scale
from laconic.memory.objective import Trime, TrimeConfig
from laconic.memory.visibility import see_earlier
from laconic.model.sizes import build_model
from laconic.records.benchmark import markdown_table
from laconic.training.language_modeling import LanguageModeling, predict
from laconic.training.objective import AbstractObjective, Batch, LossOutput
from script import finish_record, new_parser, start_record

SIZE, LENGTH, WORDS, WIDTH = "25m", 512, 33_278, 512
MASSES = {"trime": memory_mass, "trime, plain": plain_mass}


class CrossEntropy(AbstractObjective[Batch]):
    """PyTorch's loss on all logits."""

    def loss(self, model: torch.nn.Module, batch: Batch) -> LossOutput:
        """The mean in nats."""
        logits_BTV = predict(model, batch.tokens_BT, vocab_size=WORDS, start_id=batch.pad_id)
        return LossOutput(loss=functional.cross_entropy(logits_BTV.flatten(0, 1), batch.tokens_BT.flatten()))


def time_steps(slots: int, options: argparse.Namespace) -> dict[str, float]:
    """Seconds of a step, of each kind."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = build_model(SIZE, vocab_size=WORDS + 1, context=LENGTH, seed=0).to(device)
    batch = a_batch(slots).to(torch.device(device))
    kinds = _kinds(model, plain=_plain_gb(slots) <= options.most_gb)
    seconds: dict[str, list[float]] = {name: [] for name in kinds}
    for round_number in range(options.rounds + 1):
        for name, step in kinds.items():
            began = time.perf_counter()
            step(batch)
            if device == "cuda":
                torch.cuda.synchronize()
            if round_number:  # The first one warms up.
                seconds[name].append(time.perf_counter() - began)
            model.zero_grad()
    return {name: statistics.median(values) for name, values in seconds.items()}


def a_batch(slots: int) -> Batch:
    """Tokens as frequent as words are, in segments of one document."""
    share_V = 1.0 / torch.arange(1.0, WORDS + 1)
    tokens_N = torch.multinomial(share_V, slots, replacement=True, generator=torch.Generator().manual_seed(0))
    tokens_BT = tokens_N.reshape(-1, LENGTH)
    return Batch(tokens_BT=tokens_BT, pad_id=WORDS, count=slots, bytes=slots, documents_BT=torch.zeros_like(tokens_BT))


def _kinds(model: PreTrainedModel, *, plain: bool) -> dict[str, Callable[[Batch], None]]:
    trime = Trime(KeyTap(model), vocab_size=WORDS, config=TrimeConfig(reach="long"))

    def step(objective: AbstractObjective[Batch], mass: Any = memory_mass) -> Callable[[Batch], None]:
        def run(batch: Batch) -> None:
            trime_module.memory_mass = mass
            with torch.autocast(batch.tokens_BT.device.type, torch.bfloat16):
                loss = objective.loss(model, batch).loss
            loss.backward()

        return run

    kinds = {
        "cross-entropy": step(CrossEntropy()),
        "lm": step(LanguageModeling(vocab_size=WORDS)),
        "trime": step(trime),
    }
    return {**kinds, "trime, plain": step(trime, plain_mass)} if plain else kinds


def peak_bytes(name: str, slots: int) -> int:
    """The peak of a process that computes one kind of memory, above what it held before."""
    command = [sys.executable, __file__, "--peak-of", name, "--slots", str(slots)]
    return int(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def print_peak(name: str, slots: int) -> None:
    """In the process of its own: forward and backward of the memory's part."""
    key_ND = torch.randn(slots, WIDTH, requires_grad=True)
    batch = a_batch(slots)
    assert batch.documents_BT is not None
    visibility, target_N = see_earlier(batch.documents_BT, across_rows=True), batch.tokens_BT.flatten()
    # Libraries load what they need for a small one.
    _both(MASSES[name], key_ND[:8], target_N[:8], visibility.of(slice(0, 8)))
    Path("/proc/self/clear_refs").write_text("5")  # Peaks begin anew.
    before = _peak()
    _both(MASSES[name], key_ND, target_N, visibility)
    print(_peak() - before)


def _both(mass: Any, key_ND: Tensor, target_N: Tensor, visibility: Any) -> None:
    all_N, right_N = mass(key_ND, key_ND, target_N, target_N, visibility, scale=similarity_scale(WIDTH, 1.0), ignore=WORDS)
    torch.logaddexp(all_N, right_N)[1:].sum().backward()


def _peak() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def _plain_gb(slots: int) -> float:
    """About what the plain form holds at its peak: some eight matrices of similarities."""
    return 8 * 4 * slots**2 / 1e9


def main() -> None:
    arguments = _arguments()
    if arguments.peak_of:
        print_peak(arguments.peak_of, arguments.slots[0])
        return
    record = start_record("memory-step", arguments, seed=0)
    rows = []
    for slots in sorted(arguments.slots, reverse=True):  # What needs most memory goes first.
        seconds = time_steps(slots, arguments)
        for name, value in seconds.items():
            peak = peak_bytes(name, slots) if name in MASSES else None
            ratios = {f"of_{peer}": round(value / seconds[peer], 3) for peer in ("cross-entropy", "lm")}
            rows.append({"slots": slots, "kind": name, "seconds": round(value, 3), **ratios, "peak_bytes": peak})
            print(rows[-1], flush=True)
    rows.sort(key=lambda row: row["slots"])
    table = markdown_table(rows)
    finish_record(record, table, {"rows": rows}, arguments)


def _arguments() -> argparse.Namespace:
    parser = new_parser(__doc__)
    slots = [1 << power for power in range(10, 16)]
    parser.add_argument("--slots", type=int, nargs="+", default=slots, help="N, multiples of 512")
    parser.add_argument("--rounds", type=int, default=3, help="steps of each kind that are timed")
    parser.add_argument("--most-gb", type=float, default=12.0, help="largest matrices of the plain form to be built")
    parser.add_argument("--peak-of", choices=tuple(MASSES), help="only print the peak of one kind (used by itself)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
