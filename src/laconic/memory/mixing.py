"""How what the vocabulary says and what a memory says become one prediction."""

import math
from abc import ABC, abstractmethod
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from laconic.memory.stores import Mass


class AbstractMixture(ABC):
    """Vocabulary and memory as one distribution."""

    @abstractmethod
    def log_probability(self, partition_N: Float[Tensor, "N"], gold_N: Float[Tensor, "N"], mass: Mass) -> Float[Tensor, "N"]:
        """Of the right tokens.

        Args:
            partition_N: logarithm of what all words of the vocabulary weigh.
            gold_N: the logit of the right one.
            mass: of the memory.
        """

    @abstractmethod
    def log_probabilities(self, logits_V: Float[Tensor, "V"], word_V: Float[Tensor, "V"]) -> Float[Tensor, "V"]:
        """Of all words at one position.

        Args:
            logits_V: logarithms of what the words of the vocabulary weigh.
            word_V: of what their slots do; minus infinity for words without a slot.
        """

    @abstractmethod
    def gate(self, partition_N: Float[Tensor, "N"], mass: Mass) -> Float[Tensor, "N"]:
        """The share of all probability that lies in memory, 0 to 1.

        Args:
            partition_N: logarithm of what all words of the vocabulary weigh.
            mass: of the memory.
        """


@final
class OneSum(AbstractMixture):
    """Words and slots weigh together: the more a memory finds, the more it says (Zhong, Lei and Chen 2022, equation 6)."""

    def log_probability(self, partition_N: Float[Tensor, "N"], gold_N: Float[Tensor, "N"], mass: Mass) -> Float[Tensor, "N"]:
        """What is right of all there is."""
        all_N, right_N = mass
        return torch.logaddexp(gold_N, right_N) - torch.logaddexp(partition_N, all_N)

    def log_probabilities(self, logits_V: Float[Tensor, "V"], word_V: Float[Tensor, "V"]) -> Float[Tensor, "V"]:
        """Words and their slots, of all there is."""
        return torch.log_softmax(torch.logaddexp(logits_V, word_V), -1)

    def gate(self, partition_N: Float[Tensor, "N"], mass: Mass) -> Float[Tensor, "N"]:
        """What the slots weigh of all there is."""
        return torch.sigmoid(mass[0] - partition_N)


@final
class ContinuousCache(AbstractMixture):
    """Two distributions with a fixed weight (Grave, Joulin and Usunier 2017); where nothing is seen, the vocabulary's alone.

    Args:
        weight: of the memory, 0 to 1, both excluded.
    """

    def __init__(self, weight: float) -> None:
        if not 0 < weight < 1:
            raise ValueError(f"weight is {weight}, but must lie between 0 and 1")
        self._weight = weight

    def log_probability(self, partition_N: Float[Tensor, "N"], gold_N: Float[Tensor, "N"], mass: Mass) -> Float[Tensor, "N"]:
        """The mean of both, weighted."""
        all_N, right_N = mass
        vocabulary_N, memory_N = gold_N - partition_N, (right_N - all_N).nan_to_num(nan=0.0)
        mixed_N = torch.logaddexp(vocabulary_N + math.log1p(-self._weight), memory_N + math.log(self._weight))
        return torch.where(all_N == -math.inf, vocabulary_N, mixed_N)

    def log_probabilities(self, logits_V: Float[Tensor, "V"], word_V: Float[Tensor, "V"]) -> Float[Tensor, "V"]:
        """The mean of both distributions, weighted."""
        vocabulary_V = torch.log_softmax(logits_V, -1)
        if not bool((word_V > -math.inf).any()):
            return vocabulary_V
        memory_V = torch.log_softmax(word_V, -1)
        return torch.logaddexp(vocabulary_V + math.log1p(-self._weight), memory_V + math.log(self._weight))

    def gate(self, partition_N: Float[Tensor, "N"], mass: Mass) -> Float[Tensor, "N"]:
        """The weight, where anything is seen."""
        return torch.full_like(partition_N, self._weight).masked_fill(mass[0] == -math.inf, 0.0)
