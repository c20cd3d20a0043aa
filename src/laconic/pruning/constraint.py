"""How sparse a model is to become, as a Lagrangian: prices of the distance to the target, which rise until it is reached.

The gates pay `p1 * d + p2 * d^2` for the distance `d` of the expected sparsity from the target, and the prices climb its
gradient (CoFi, section 3.1; Wang, Wohlwend and Lei 2020).
"""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn


@final
class Prices(nn.Module):
    """The two multipliers; both begin at 0. To be maximised."""

    def __init__(self) -> None:
        super().__init__()
        self.linear, self.square = nn.Parameter(torch.zeros(())), nn.Parameter(torch.zeros(()))

    def forward(self, sparsity: Float[Tensor, ""], target: float) -> Float[Tensor, ""]:
        """What the gates pay.

        Args:
            sparsity: what is expected.
            target: what is wanted at this update.
        """
        distance = sparsity - target
        return self.linear * distance + self.square * distance.square()
