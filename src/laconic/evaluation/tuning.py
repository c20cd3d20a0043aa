"""The temperature and the size of a memory that suit a model, found on held-out text.

The model reads the text once. What is kept of it is small: the keys, and two numbers for each position. Similarities are not
kept, which would fill the memory of the machine; they are computed once for all settings of a round:

    round 1    all sizes x a wide range of temperatures (x weights of the cache)
    round 2    the best size x temperatures around the best
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from laconic.evaluation.memory import MemoryConfig, Said
from laconic.memory.stores import LocalMemory, LongTermMemory, Slots, Window, slots_masses

TEMPERATURES = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0)
FINER = (0.84, 0.92, 1.0, 1.09, 1.19)
WEIGHTS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
LEAST_SIZE = 500


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One setting, and what the text costs with it.

    Attributes:
        memory: the setting.
        nats: minus the logarithm of the probability of the whole text.
    """

    memory: MemoryConfig
    nats: float


def tune(windows: Sequence[Said], memory: MemoryConfig, *, progress: Callable[[int, int], None] | None = None) -> list[Trial]:
    """Find the best temperature, size and weight for a memory.

    Args:
        windows: what a model says of the text, as `laconic.evaluation.memory.read_windows` gives it.
        memory: what is tuned: `local` its temperature; `long` also its size, up to the given one, down to none (`local`);
            and the weight where there is one.
        progress: told how many windows of how many are done, over both rounds.

    Returns:
        All trials, the best first.

    Raises:
        ValueError: a memory that has no slots.
    """
    if memory.read not in ("local", "long"):
        raise ValueError(f"read is {memory.read!r}, but only local and long memories can be tuned")
    weights = (None,) if memory.cache_weight is None else WEIGHTS
    total, done = 2 * len(windows), 0

    def tell() -> None:
        nonlocal done
        done += 1
        if progress:
            progress(done, total)

    first = _round(windows, _sizes(memory), TEMPERATURES, memory, weights, tell)
    best = min(first, key=lambda trial: trial.nats).memory
    finer = [best.temperature * factor for factor in FINER]
    sizes = [0] if best.read == "local" else [best.size]
    return sorted([*first, *_round(windows, sizes, finer, memory, weights, tell)], key=lambda trial: trial.nats)


def _sizes(memory: MemoryConfig) -> list[int]:
    """From none up, each twice the one before."""
    sizes = [memory.size] if memory.read == "long" else []
    while sizes and sizes[-1] // 2 >= LEAST_SIZE:
        sizes.append(sizes[-1] // 2)
    return [0, *reversed(sizes)]


def _round(
    windows: Sequence[Said],
    sizes: Sequence[int],
    temperatures: Sequence[float],
    memory: MemoryConfig,
    weights: Sequence[float | None],
    tell: Callable[[], None],
) -> list[Trial]:
    settings = [
        replace(
            memory, read="long" if size else "local", size=size or memory.size, temperature=temperature, cache_weight=weight
        )
        for size in sizes
        for temperature in temperatures
        for weight in weights
    ]
    nats, mixtures = [0.0] * len(settings), [setting.mixture() for setting in settings]
    local, long = LocalMemory(), LongTermMemory(max(*sizes, 1))
    for said in windows:
        place = 0
        for all_KN, right_KN in _masses(said.window, local, long, sizes, temperatures):
            for all_N, right_N in zip(all_KN, right_KN, strict=True):
                for _ in weights:
                    log_p_N = mixtures[place].log_probability(said.partition_N, said.gold_N, (all_N, right_N))
                    nats[place] -= float(log_p_N.double().sum())
                    place += 1
        long.remember(said.window)
        tell()
    return [Trial(memory=setting, nats=cost) for setting, cost in zip(settings, nats, strict=True)]


def _masses(
    window: Window, local: LocalMemory, long: LongTermMemory, sizes: Sequence[int], temperatures: Sequence[float]
) -> Iterator[tuple[Float[Tensor, "K N"], Float[Tensor, "K N"]]]:
    """For each size in turn what the memory weighs at all temperatures: each adds the slots that the one before had not."""
    all_KN, right_KN = slots_masses(window, local.slots(window), temperatures)
    far, before = long.slots(window), 0
    for size in sizes:
        more_KN, more_right_KN = slots_masses(window, [_between(part, before, size) for part in far], temperatures)
        all_KN, right_KN, before = torch.logaddexp(all_KN, more_KN), torch.logaddexp(right_KN, more_right_KN), size
        yield all_KN, right_KN


def _between(slots: Slots, nearer: int, farther: int) -> Slots:
    """Those among the latest `farther` slots that are not among the latest `nearer`; every prediction sees them all."""
    count = len(slots.token_M)
    chosen = slice(max(0, count - farther), max(0, count - nearer))
    key_MD, token_M = slots.key_MD[chosen], slots.token_M[chosen]
    return Slots(
        key_MD=key_MD, token_M=token_M, begin=slots.begin + chosen.start, end_N=torch.full_like(slots.end_N, len(token_M))
    )
