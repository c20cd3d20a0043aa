"""Gates that learn whether to be open: hard-concrete numbers between 0 and 1, of which many are exactly either.

A gate has one parameter, its log-odds (Louizos, Welling and Kingma 2018, section 2.2; constants as in CoFi). It is drawn as a
stretched and clipped sigmoid, so its draw is 0 or 1 with a probability of its own, and differentiable between. The probability
that it is not 0 has a closed form, and so has the expected size of a model whose parts are all multiplied with gates.
"""

import math
from collections.abc import Sequence
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from laconic.pruning.masks import Masks
from laconic.pruning.parts import Parts
from laconic.pruning.trimming import Importance, trim

BETA, LEFT, RIGHT = 2 / 3, -0.1, 1.1
"""Temperature, and the ends of the stretched interval."""

EPSILON = 1e-6
LEAST, MOST = math.log(0.01), math.log(100.0)
"""Log-odds are kept within these, after every update."""

SHARPNESS = 0.8
"""Of the gates that stay open in a fixed mask; CoFi's number."""

KINDS = ("heads", "attention", "units", "ffn", "width")
"""What gates there are: of heads, whole attentions, units, whole feed-forward parts, and entries of the width."""

USUAL = KINDS[:4]

_HALVINGS = 24


def suitable_rate(steps: int) -> float:
    """A learning rate of gates and prices: CoFi's, or, for a short run, one that crosses a gate's range in an eighth of it.

    Args:
        steps: updates with gates.
    """
    return min(max(0.01, 8 * (MOST - LEAST) / max(1, steps)), 1.0)


def draw(log_odds: Float[Tensor, "*N"], uniform: Float[Tensor, "*N"]) -> Float[Tensor, "*N"]:
    """One value of each gate.

    Args:
        log_odds: parameters of the gates.
        uniform: random numbers between 0 and 1, one for each.
    """
    uniform = uniform.clamp(EPSILON, 1 - EPSILON)
    soft = torch.sigmoid((torch.log(uniform) - torch.log1p(-uniform) + log_odds) / BETA)
    return (soft * (RIGHT - LEFT) + LEFT).clamp(0, 1)


def open_probability(log_odds: Float[Tensor, "*N"]) -> Float[Tensor, "*N"]:
    """The probability that a gate is not 0."""
    return torch.sigmoid(log_odds - BETA * math.log(-LEFT / RIGHT)).clamp(EPSILON, 1 - EPSILON)


def soft(log_odds: Float[Tensor, "*N"]) -> Float[Tensor, "*N"]:
    """Values without chance of gates that stay open."""
    return torch.sigmoid(log_odds / BETA * SHARPNESS)


def fix(log_odds: Float[Tensor, "... N"], *, least: int = 0) -> Float[Tensor, "... N"]:
    """Values without chance: of each row as many gates are 0 as are expected to be, the others stay soft.

    Args:
        log_odds: rows of gates that compete with each other.
        least: how many of each row stay open in any case.
    """
    count = log_odds.shape[-1]
    closed = torch.round(count - open_probability(log_odds).sum(-1, keepdim=True)).clamp(max=count - least)
    rank = log_odds.argsort(dim=-1, stable=True).argsort(dim=-1)
    return soft(log_odds) * (rank >= closed)


def fix_alone(log_odds: Float[Tensor, "N"]) -> Float[Tensor, "N"]:
    """Values without chance of gates that each stand for themselves: 0 where they are rather closed than open."""
    return fix(log_odds[:, None])[:, 0]


def _any_open(open_LN: Float[Tensor, "L N"]) -> Float[Tensor, "L"]:
    """The probability that at least one gate of a row is open."""
    return -torch.expm1(torch.log1p(-open_LN).sum(-1))


@final
class Gates(nn.Module):
    """The gates of a model.

    Args:
        parts: what the model has.
        kinds: which of `KINDS` there are gates of; everything else is open for ever.
        seed: of the first values, and of all draws.
        units_at: log-odds of units at first. CoFi begins in the middle, at 0, where a unit counts half; a short run has no time
            to mend that.

    Raises:
        ValueError: a kind that does not exist, or none at all.
    """

    def __init__(self, parts: Parts, *, kinds: Sequence[str] = USUAL, seed: int = 0, units_at: float = 0.0) -> None:
        super().__init__()
        unknown = [kind for kind in kinds if kind not in KINDS]
        if unknown or not kinds:
            raise ValueError(f"kinds is {tuple(kinds)}, but must be one or several of {', '.join(KINDS)}")
        self.parts, self.kinds, self.seed = parts, tuple(kinds), seed
        random = torch.Generator().manual_seed(seed)
        shapes = {
            "heads": (parts.layers, parts.heads),
            "attention": (parts.layers,),
            "units": (parts.layers, parts.units),
            "ffn": (parts.layers,),
            "width": (parts.width,),
        }
        first = {kind: units_at if kind == "units" else MOST for kind in KINDS}
        self.log_odds = nn.ParameterDict(
            {kind: first[kind] + 0.01 * torch.randn(shapes[kind], generator=random) for kind in KINDS if kind in kinds}
        )

    def sample(self, step: int) -> Masks:
        """Masks of chance for one update: the same in all processes, and in all parts of its batch.

        Args:
            step: the number of the update.
        """
        device = next(self.parameters()).device
        random = torch.Generator(device).manual_seed((self.seed * 1_000_003 + step) % 2**63)
        drawn = {
            kind: draw(odds, torch.rand(odds.shape, generator=random, device=device)) for kind, odds in self.log_odds.items()
        }
        return self._masks(drawn, device)

    @torch.no_grad()
    def fixed(self, sparsity: float | None = None) -> Masks:
        """Masks without chance, as a model is evaluated and cut with.

        Args:
            sparsity: what is to be gone, exactly but for one of the smallest parts (`laconic.pruning.trimming`): a unit
                where feed-forward parts or their units have gates, else a head, else an entry of the width. None for what the
                gates expect.

        Raises:
            UsageError: a sparsity that cannot be reached.
        """
        device = next(self.parameters()).device
        if sparsity is None:
            return self._fixed(0.0).to(device)
        shift = self._shift_to(sparsity)
        masks, most = self._fixed(shift), max(shift, 0.0)
        opened = self._masks({kind: soft(odds.cpu() + most) for kind, odds in self.log_odds.items()}, torch.device("cpu"))
        heads, units = ("heads" in self.kinds or "attention" in self.kinds), ("units" in self.kinds or "ffn" in self.kinds)
        structure = trim(masks.structure(), self.parts, self.importance(), sparsity=sparsity, heads=heads, units=units)
        return opened.only(structure).to(device)

    def _fixed(self, shift: float) -> Masks:
        """The fixed masks if all log-odds were higher by so much; on the CPU, for there are few, and many shifts are tried."""
        values = dict[str, Tensor]()
        for kind, odds in self.log_odds.items():
            shifted = odds.detach().cpu() + shift
            # A model without any width says nothing.
            values[kind] = fix_alone(shifted) if kind in ("attention", "ffn") else fix(shifted, least=int(kind == "width"))
        return self._masks(values, torch.device("cpu"))

    def _shift_to(self, sparsity: float) -> float:
        """How much higher all log-odds can be with so much gone: all kinds of gates open or close alike."""
        least, most = -2 * (MOST - LEAST), 2 * (MOST - LEAST)
        for _ in range(_HALVINGS):
            middle = (least + most) / 2
            if self._fixed(middle).structure().sparsity(self.parts) >= sparsity:
                least = middle
            else:
                most = middle
        return least

    def importance(self) -> Importance:
        """How open heads and units are; all alike where they have no gates."""
        parts = self.parts
        return Importance(
            head_LH=self.log_odds["heads"].detach().cpu() if "heads" in self.kinds else torch.zeros(parts.layers, parts.heads),
            unit_LU=self.log_odds["units"].detach().cpu() if "units" in self.kinds else torch.zeros(parts.layers, parts.units),
        )

    def expected_size(self) -> Float[Tensor, ""]:
        """Expected parameters (or seconds) of the masked model, differentiable: sums of products of the gates' probabilities.

        A sub-layer is there where its own gate is open, and one of its heads or units at least.
        """
        parts, open_to = self.parts, {kind: open_probability(odds) for kind, odds in self.log_odds.items()}
        one = next(self.parameters()).new_ones(())
        width = open_to["width"].sum() if "width" in open_to else one * parts.width
        head_L = open_to["heads"].sum(-1) if "heads" in open_to else one * parts.heads
        unit_L = open_to["units"].sum(-1) if "units" in open_to else one * parts.units
        attention_L = open_to.get("attention", one.expand(parts.layers))
        ffn_L = open_to.get("ffn", one.expand(parts.layers))
        some_head_L = _any_open(open_to["heads"]) if "heads" in open_to else one
        some_unit_L = _any_open(open_to["units"]) if "units" in open_to else one
        attention = attention_L * some_head_L * (parts.attention.per_width * width + parts.attention.fixed)
        attention = attention + attention_L * head_L * (parts.head.per_width * width + parts.head.fixed)
        ffn = ffn_L * some_unit_L * (parts.ffn.per_width * width + parts.ffn.fixed)
        ffn = ffn + ffn_L * unit_L * (parts.unit.per_width * width + parts.unit.fixed)
        return (attention + ffn).sum()

    def expected_sparsity(self) -> Float[Tensor, ""]:
        """The expected share of parameters (or seconds) that is gone, differentiable."""
        return 1.0 - self.expected_size() / self.parts.total

    @torch.no_grad()
    def keep_in_range(self) -> None:
        """Bring log-odds back within their bounds, as after every update."""
        for odds in self.log_odds.values():
            odds.clamp_(LEAST, MOST)

    def _masks(self, values: dict[str, Tensor], device: torch.device) -> Masks:
        parts = self.parts
        return Masks(
            head_LH=values.get("heads", torch.ones(parts.layers, parts.heads, device=device)),
            attention_L=values.get("attention", torch.ones(parts.layers, device=device)),
            unit_LU=values.get("units", torch.ones(parts.layers, parts.units, device=device)),
            ffn_L=values.get("ffn", torch.ones(parts.layers, device=device)),
            width_D=values.get("width"),
        )
