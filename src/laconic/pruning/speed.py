"""Pruning for speed: what the parts of a model take is counted in seconds, and everything that counts parameters counts those.

An attention takes `a + b * heads`, a feed-forward part `c + d * units`, either takes nothing where it is off, and the rest of
the model takes what it takes. So the expected time of a model with gates is the same closed form as its expected size.
"""

import math
from dataclasses import dataclass, replace

from laconic.errors import UsageError
from laconic.pruning.masks import Structure
from laconic.pruning.parts import Cost, Parts
from laconic.pruning.trimming import largest_sparsity


@dataclass(frozen=True, kw_only=True)
class PartTimes:
    """How long the parts of a model take to read one batch, in seconds.

    Attributes:
        attention: an attention, beside its heads.
        head: one of what `Parts.heads` counts.
        ffn: a feed-forward part, beside its units.
        unit: one of its units.
        rest: all that cannot be pruned: embeddings, what follows the last layer, and the way there.
    """

    attention: float
    head: float
    ffn: float
    unit: float
    rest: float

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value >= 0:
                raise ValueError(f"{name} is {value}, but must not be negative")
        if not self.head or not self.unit:
            raise ValueError(f"head is {self.head} and unit {self.unit}, but both must be positive")

    def priced(self, parts: Parts) -> Parts:
        """The same parts, whose costs are seconds: sizes of them are times, and sparsities shares of the time that can go."""
        return replace(
            parts,
            attention=Cost(per_width=0, fixed=self.attention),
            head=Cost(per_width=0, fixed=self.head),
            ffn=Cost(per_width=0, fixed=self.ffn),
            unit=Cost(per_width=0, fixed=self.unit),
        )

    def speedup(self, structure: Structure, parts: Parts) -> float:
        """How many times faster than the whole model what is left of it is.

        Args:
            structure: what is left.
            parts: what the model has.
        """
        priced = self.priced(parts)
        return (self.rest + priced.total) / (self.rest + structure.size(priced))

    def share_for(self, parts: Parts, speedup: float, kinds: tuple[str, ...]) -> float:
        """The share of the time of all parts that has to go for a speed-up.

        Args:
            parts: what the model has.
            speedup: how many times faster it is to be, above 1.
            kinds: which gates there are, of `laconic.pruning.gates.KINDS`.

        Raises:
            UsageError: not even everything that may go is so much.
        """
        priced = self.priced(parts)
        whole = self.rest + priced.total
        share, most = (1 - 1 / speedup) * whole / priced.total, largest_sparsity(priced, kinds)
        if share >= most:
            left = max(whole - most * priced.total, 1e-9 * whole)
            largest = math.floor(100 * whole / left - 1e-6) / 100
            raise UsageError(
                f"a speed-up of {speedup:g} cannot be reached with the gates {', '.join(kinds)}: all that they can take away "
                f"makes {largest:g}, for {self.rest / whole:.1%} of the time is no layer's; ask for less"
            )
        return share
