"""TRIME: every token is predicted from the vocabulary and from a memory that is the batch itself."""

import math
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from laconic.memory.gather import gather_rows, place_of
from laconic.memory.keys import KeyTap
from laconic.memory.mass import memory_mass, similarity_scale
from laconic.memory.visibility import Visibility, see_earlier, see_other_rows
from laconic.training.language_modeling import vocabulary_mass
from laconic.training.objective import AbstractObjective, Batch, LossOutput

REACHES = ("local", "long", "external")


@dataclass(frozen=True, kw_only=True)
class TrimeConfig:
    """What the memory of a training batch is (Zhong, Lei and Chen 2022, section 4).

    Attributes:
        reach: `local`: the earlier tokens of the same segment (TrimeLM); `long`: also those of earlier segments of the
            same document, which lie in the rows before (TrimeLMlong); `external`: all tokens of all other segments, and,
            unless it is left out, the earlier ones of the same (TrimeLMext, for batches of similar segments).
        temperature: similarities are divided by it; the paper trains with 1.
        warmup: updates at the beginning with the vocabulary alone; without any, training is unstable.
        without_local: `external` only: how often the own segment is left out, 0 to 1; one draw for each batch.
    """

    reach: str = "local"
    temperature: float = 1.0
    warmup: int = 0
    without_local: float = 0.9

    def __post_init__(self) -> None:
        if self.reach not in REACHES:
            raise ValueError(f"reach is {self.reach!r}, but must be one of {', '.join(REACHES)}")
        if not 0 < self.temperature < math.inf:
            raise ValueError(f"temperature is {self.temperature}, but must be positive")
        if self.warmup < 0:
            raise ValueError(f"warmup is {self.warmup}, but must not be negative")
        if not 0 <= self.without_local <= 1:
            raise ValueError(f"without_local is {self.without_local}, but must lie between 0 and 1")


@final
class Trime(AbstractObjective[Batch]):
    """Minus the logarithm of what is right over all there is, in the vocabulary and in memory (equation 5).

    With several processes, the memory holds the batches of all, and gradients reach all of it.

    Args:
        tap: on the model that is trained.
        vocab_size: V, how many ids carry text; `vocab_size` itself is the padding and start id.
        config: what the memory is.
    """

    def __init__(self, tap: KeyTap, *, vocab_size: int, config: TrimeConfig) -> None:
        self._tap, self._vocab_size, self._config = tap, vocab_size, config

    def loss(self, model: nn.Module, batch: Batch) -> LossOutput:
        """The mean in nats; statistic `nll` is the same, `vocabulary_nll` that of the vocabulary alone, and `gate` the
        share of the prediction that is in memory.
        """
        tokens_BT, count = batch.tokens_BT, max(batch.count, 1)
        partition_N, gold_N = vocabulary_mass(model, tokens_BT, vocab_size=self._vocab_size, start_id=batch.pad_id)
        keys_BTD = self._tap.take(len(tokens_BT))
        carries_N = (tokens_BT != batch.pad_id).flatten()
        vocabulary_nll = ((partition_N - gold_N) * carries_N).sum() / count
        if 0 < batch.step <= self._config.warmup:
            return LossOutput(loss=vocabulary_nll, statistics={"nll": vocabulary_nll.detach()})
        all_N, right_N = self._memory(keys_BTD, batch)
        nll = ((torch.logaddexp(partition_N, all_N) - torch.logaddexp(gold_N, right_N)) * carries_N).sum() / count
        gate = (torch.sigmoid(all_N - partition_N) * carries_N).sum() / count
        statistics = {"nll": nll, "vocabulary_nll": vocabulary_nll, "gate": gate}
        return LossOutput(loss=nll, statistics={name: value.detach() for name, value in statistics.items()})

    def _memory(self, keys_BTD: Float[Tensor, "B T D"], batch: Batch) -> tuple[Tensor, Tensor]:
        length, width = keys_BTD.shape[1:]
        target_N, scale = batch.tokens_BT.flatten(), similarity_scale(width, self._config.temperature)
        if torch.is_autocast_enabled(keys_BTD.device.type):
            keys_BTD = keys_BTD.to(torch.get_autocast_dtype(keys_BTD.device.type))
        query_ND = keys_BTD.flatten(0, 1)
        if self._config.reach == "local":
            visibility = see_earlier(_documents(batch), across_rows=False)
            return memory_mass(query_ND, query_ND, target_N, target_N, visibility, scale=scale, ignore=batch.pad_id)
        key_MD, value_M = gather_rows(keys_BTD).flatten(0, 1), gather_rows(batch.tokens_BT).flatten()
        visibility = self._reach_far(batch, len(value_M) // length)
        return memory_mass(query_ND, key_MD, target_N, value_M, visibility, scale=scale, ignore=batch.pad_id)

    def _reach_far(self, batch: Batch, all_rows: int) -> Visibility:
        rows, length = batch.tokens_BT.shape
        first = place_of(rows)
        if self._config.reach == "external":
            own = bool(torch.rand(()) >= self._config.without_local) if self._config.without_local else True
            device = batch.tokens_BT.device
            return see_other_rows(rows, length, own=own, first=first, all_rows=all_rows, device=device)
        everyone = see_earlier(gather_rows(_documents(batch)), across_rows=True)
        return everyone.of(slice(first * length, (first + rows) * length))


def _documents(batch: Batch) -> Int64[Tensor, "B T"]:
    """Where nobody knows the documents, each row is one."""
    if batch.documents_BT is not None:
        return batch.documents_BT
    rows, length = batch.tokens_BT.shape
    own_B = place_of(rows) + torch.arange(rows, device=batch.tokens_BT.device)
    return own_B[:, None].expand(rows, length)
