"""Drawing a token from probabilities."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How a token is drawn.

    Attributes:
        temperature: logarithms of probabilities are divided by it; below 1 the probable becomes more so.
        top_p: share of all probability, above 0 and at most 1: only the fewest, most probable tokens that have it together are
            drawn (Holtzman et al. 2020, section 3.1, arXiv 1904.09751).
        greedy: the most probable token is taken, whatever the rest says.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    greedy: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.temperature < math.inf:
            raise ValueError(f"sampling temperature is {self.temperature}, but must be positive")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p is {self.top_p}, but must be above 0 and at most 1")

    def shares(self, log_p_V: Float[Tensor, "V"]) -> Float[Tensor, "V"]:
        """Probabilities to draw with, in float64; 0 for tokens that are never drawn.

        Args:
            log_p_V: logarithms of probabilities.
        """
        p_V = torch.softmax((log_p_V.double() - log_p_V.max()) / self.temperature, -1)
        if self.top_p == 1:
            return p_V
        falling_V, token_V = p_V.sort(descending=True, stable=True)
        # A token stays while those before it have less than their share: so the first one always does.
        falling_V = torch.where(falling_V.cumsum(-1) - falling_V < self.top_p, falling_V, 0.0)
        return torch.zeros_like(p_V).index_copy(0, token_V, falling_V / falling_V.sum())

    def draw(self, log_p_V: Float[Tensor, "V"], generator: torch.Generator) -> int:
        """A token.

        Args:
            log_p_V: logarithms of probabilities.
            generator: where chance comes from, on the CPU; nothing is taken from it when `greedy`.
        """
        if self.greedy:
            return int(log_p_V.argmax())
        return int(torch.multinomial(self.shares(log_p_V.cpu()), 1, generator=generator))
