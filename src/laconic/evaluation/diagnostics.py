"""What a memory contributes: to which tokens, how much, from where, and what it would say alone."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from laconic.evaluation.memory import MemoryConfig, Said
from laconic.memory.stores import Mass, slot_scores

BUCKETS = (
    (10_001, "more than 10,000"),
    (1_001, "1,001 to 10,000"),
    (101, "101 to 1,000"),
    (11, "11 to 100"),
    (0, "at most 10"),
)
"""How often tokens occur in the training text: the least count of each group, and its name, as Zhong et al. 2022 group them."""

BINS, SOURCES = 20, 5


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One prediction, looked into.

    Attributes:
        token: what was predicted.
        probability: that the model with its memory gave it.
        from_memory: the share of that probability which came from memory.
        gate: the share of all probability which was in memory.
        sources: how many tokens back the slots stand that gave most of it, and the share of the token's probability that
            each gave.
    """

    token: int
    probability: float
    from_memory: float
    gate: float
    sources: tuple[tuple[int, float], ...]

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data, without the token."""
        shares = {"probability": self.probability, "from_memory": self.from_memory, "gate": self.gate}
        return {**shares, "sources": [list(source) for source in self.sources]}


@dataclass(frozen=True, kw_only=True)
class Look:
    """All that is known of the predictions of a window.

    Attributes:
        said: what the model says of it.
        mass: what the slots weigh.
        log_p_N: logarithms of the probabilities, with memory.
        vocabulary_N: of those parts of them that the vocabulary gave.
        gate_N: shares of all probability which are in memory.
        score_NM, token_M, place_M: the slots, as `slot_scores` gives them.
    """

    said: Said
    mass: Mass
    log_p_N: Float[Tensor, "N"]
    vocabulary_N: Float[Tensor, "N"]
    gate_N: Float[Tensor, "N"]
    score_NM: Float[Tensor, "N M"]
    token_M: Int64[Tensor, "M"]
    place_M: Int64[Tensor, "M"]

    @property
    def first(self) -> int:
        """Where in the text its first prediction stands."""
        return self.said.window.begin + len(self.said.window.token_T) - self.said.window.asked


def diagnose(
    windows: Iterable[Said],
    memory: MemoryConfig,
    counts_V: Int64[np.ndarray, "V"],
    *,
    view: range = range(0),
    progress: Callable[[int], None] | None = None,
) -> tuple[dict[str, Any], list[Seen]]:
    """Read a text with a memory, and look into every prediction.

    Args:
        windows: what a model says of the text, as `laconic.evaluation.memory.read_windows` gives it; at least one.
        memory: with which memory to read it: one that has slots.
        counts_V: how often each id occurs in the training text.
        view: the positions of the text to be shown one by one.
        progress: told how many tokens are done.

    Returns:
        What a record of kind `memory` holds: perplexities, by frequency too; a histogram of the gates; and how often memory
        alone prefers the right token where it has it (the cache-only accuracy of Wan et al. 2023). And the predictions of
        `view`.
    """
    sums, seen, done = _Sums(counts_V), list[Seen](), 0
    for look in _looks(windows, memory):
        sums.add(look)
        asked = look.said.window.asked
        seen += [_see(look, row) for row in range(max(0, view.start - look.first), min(asked, view.stop - look.first))]
        done += asked
        if progress:
            progress(done)
    return sums.results(), seen


def _looks(windows: Iterable[Said], memory: MemoryConfig) -> Iterator[Look]:
    store, mixture = memory.memory(), memory.mixture()
    for said in windows:
        score_NM, token_M, place_M = slot_scores(said.window, store.slots(said.window), memory.temperature)
        right_NM = score_NM.masked_fill(token_M != said.window.asked_tokens[:, None], -math.inf)
        mass = torch.logsumexp(score_NM, -1), torch.logsumexp(right_NM, -1)
        gate_N = mixture.gate(said.partition_N, mass)
        yield Look(
            said=said,
            mass=mass,
            log_p_N=mixture.log_probability(said.partition_N, said.gold_N, mass),
            vocabulary_N=said.gold_N - said.partition_N + torch.log1p(-gate_N),
            gate_N=gate_N,
            score_NM=score_NM,
            token_M=token_M,
            place_M=place_M,
        )
        store.remember(said.window)


@final
class _Sums:
    def __init__(self, counts_V: Int64[np.ndarray, "V"]) -> None:
        least = np.array([least for least, _ in reversed(BUCKETS)])
        # Groups are numbered from the most frequent down.
        self._bucket_V = torch.from_numpy(len(BUCKETS) - np.searchsorted(least, counts_V, side="right"))
        self._buckets_3K = torch.zeros((3, len(BUCKETS)), dtype=torch.float64)
        self._gates = torch.zeros(BINS, dtype=torch.int64)
        self._reachable = self._right = 0

    def add(self, look: Look) -> None:
        said, target_N = look.said, look.said.window.asked_tokens
        bucket_N = self._bucket_V[target_N.cpu()]
        for sum_K, value_N in zip(
            self._buckets_3K, (torch.ones_like(look.log_p_N), look.log_p_N, said.gold_N - said.partition_N), strict=True
        ):
            sum_K.index_add_(0, bucket_N, value_N.double().cpu())
        self._gates += torch.bincount((look.gate_N.cpu() * BINS).long().clamp(max=BINS - 1), minlength=BINS)
        reachable_N: Bool[Tensor, "N"] = look.mass[1] > -math.inf
        self._reachable += int(reachable_N.sum())
        self._right += int((_favourites(look.score_NM[reachable_N], look.token_M) == target_N[reachable_N]).sum())

    def results(self) -> dict[str, Any]:
        total = float(self._buckets_3K[0].sum())
        _, log_p, vocabulary = self._buckets_3K.sum(-1).tolist()
        buckets = [
            {"bucket": name, "tokens": int(tokens), **_perplexities(tokens, with_memory, without)}
            for (_, name), (tokens, with_memory, without) in zip(BUCKETS, self._buckets_3K.T.tolist(), strict=True)
            if tokens
        ]
        accuracy = self._right / self._reachable if self._reachable else None
        return {
            "tokens": int(total),
            **_perplexities(total, log_p, vocabulary),
            "frequency_buckets": buckets,
            "gates": {"edges": [place / BINS for place in range(BINS + 1)], "tokens": self._gates.tolist()},
            "memory_only": {"reachable": self._reachable / total, "accuracy": accuracy},
        }


def _perplexities(tokens: float, log_p: float, vocabulary: float) -> dict[str, float]:
    return {"perplexity": math.exp(-log_p / tokens), "vocabulary_perplexity": math.exp(-vocabulary / tokens)}


def _favourites(score_NM: Float[Tensor, "N M"], token_M: Int64[Tensor, "M"]) -> Int64[Tensor, "N"]:
    """The token that weighs most in memory, for each prediction; each sees a slot."""
    if not len(score_NM):
        return token_M[:0]
    words, word_M = torch.unique(token_M, return_inverse=True)
    weight_NM = torch.exp(score_NM - score_NM.amax(-1, keepdim=True))
    weight_NW = weight_NM.new_zeros((len(weight_NM), len(words))).index_add_(1, word_M, weight_NM)
    favourite_N: Tensor = words[weight_NW.argmax(-1)]
    return favourite_N


def _see(look: Look, row: int) -> Seen:
    target, log_p = int(look.said.window.asked_tokens[row]), look.log_p_N[row]
    reachable = bool(look.mass[1][row] > -math.inf)
    from_memory = max(0.0, float(-torch.expm1(look.vocabulary_N[row] - log_p))) if reachable else 0.0
    right_M = torch.where(look.token_M == target, look.score_NM[row], -math.inf)
    share_M = torch.exp(right_M - look.mass[1][row]).nan_to_num(nan=0.0) * from_memory
    share_K, slot_K = share_M.topk(min(SOURCES, len(share_M)))
    back_K = look.first + row - look.place_M[slot_K]
    sources = [(back, share) for back, share in zip(back_K.tolist(), share_K.tolist(), strict=True) if share > 0]
    return Seen(
        token=target,
        probability=float(log_p.exp()),
        from_memory=from_memory,
        gate=float(look.gate_N[row]),
        sources=tuple(sources),
    )
