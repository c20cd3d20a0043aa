"""What is left of a model: numbers that its parts are multiplied with, and the bare structure of what is not zero."""

from dataclasses import dataclass, fields

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from laconic.pruning.parts import Parts


@dataclass(frozen=True, kw_only=True)
class Masks:
    """Factors of a model's parts, 0 for what is pruned.

    A sub-layer is off where its own factor is 0, and where all its heads or units are: it then passes on what it reads,
    without its norm.

    Attributes:
        head_LH: of heads.
        attention_L: of what attention says, its bias included.
        unit_LU: of feed-forward units.
        ffn_L: of what the feed-forward part says, its bias included.
        width_D: of the entries of the residual stream, in all layers; None where they are not pruned.
    """

    head_LH: Float[Tensor, "L H"]
    attention_L: Float[Tensor, "L"]
    unit_LU: Float[Tensor, "L U"]
    ffn_L: Float[Tensor, "L"]
    width_D: Float[Tensor, "D"] | None = None

    def structure(self) -> "Structure":
        """What is left, where sub-layers that are off have nothing left of them."""
        return Structure(
            head_LH=(self.head_LH != 0) & (self.attention_L != 0)[:, None],
            unit_LU=(self.unit_LU != 0) & (self.ffn_L != 0)[:, None],
            width_D=None if self.width_D is None else self.width_D != 0,
        )

    def to(self, device: torch.device) -> "Masks":
        """The same masks on another device."""
        return Masks(**{name: tensor.to(device) for name, tensor in to_tensors(self).items()})

    def only(self, structure: "Structure") -> "Masks":
        """The same factors for what is in a structure, and 0 for the rest."""
        width_D = self.width_D
        if width_D is not None and structure.width_D is not None:
            width_D = width_D * structure.width_D
        return Masks(
            head_LH=self.head_LH * structure.head_LH,
            attention_L=self.attention_L * structure.head_LH.any(-1),
            unit_LU=self.unit_LU * structure.unit_LU,
            ffn_L=self.ffn_L * structure.unit_LU.any(-1),
            width_D=width_D,
        )


@dataclass(frozen=True, kw_only=True)
class Structure:
    """Which parts are left. An attention without heads, or a feed-forward part without units, is not there at all.

    Attributes:
        head_LH: heads.
        unit_LU: feed-forward units.
        width_D: entries of the residual stream; None for all.
    """

    head_LH: Bool[Tensor, "L H"]
    unit_LU: Bool[Tensor, "L U"]
    width_D: Bool[Tensor, "D"] | None = None

    @staticmethod
    def whole(parts: Parts) -> "Structure":
        """All there is."""
        return Structure(
            head_LH=torch.ones(parts.layers, parts.heads, dtype=torch.bool),
            unit_LU=torch.ones(parts.layers, parts.units, dtype=torch.bool),
        )

    def alive(self) -> Bool[Tensor, "L"]:
        """Which layers have anything left in them."""
        return self.head_LH.any(-1) | self.unit_LU.any(-1)

    @property
    def width(self) -> int | None:
        """How many entries are left of the residual stream; None for all."""
        return None if self.width_D is None else int(self.width_D.sum())

    def size(self, parts: Parts) -> int | float:
        """Parameters (or seconds) that are left, of those that `parts.total` counts."""
        width = parts.width if self.width is None else self.width
        attention = int(self.head_LH.any(-1).sum()) * parts.attention.at(width)
        ffn = int(self.unit_LU.any(-1).sum()) * parts.ffn.at(width)
        return attention + int(self.head_LH.sum()) * parts.head.at(width) + ffn + int(self.unit_LU.sum()) * parts.unit.at(width)

    def sparsity(self, parts: Parts) -> float:
        """The share of parameters (or seconds) that is gone."""
        return 1.0 - self.size(parts) / parts.total

    def counts(self) -> list[dict[str, int]]:
        """Heads and units of each layer."""
        pairs = zip(self.head_LH.sum(-1).tolist(), self.unit_LU.sum(-1).tolist(), strict=True)
        return [{"heads": heads, "units": units} for heads, units in pairs]

    def masks(self) -> Masks:
        """As factors of 1 and 0."""
        return Masks(
            head_LH=self.head_LH.float(),
            attention_L=self.head_LH.any(-1).float(),
            unit_LU=self.unit_LU.float(),
            ffn_L=self.unit_LU.any(-1).float(),
            width_D=None if self.width_D is None else self.width_D.float(),
        )


def to_tensors(masks: Masks | Structure) -> dict[str, Tensor]:
    """Its tensors by their names, for a file."""
    return {field.name: value for field in fields(masks) for value in [getattr(masks, field.name)] if value is not None}
