"""CoFi's objective: predict as the teacher does, have layers like its layers, and pay for what is too large."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from laconic.pruning.distillation import (
    MAPPINGS,
    layer_distances,
    layer_loss,
    map_layers,
    prediction_loss,
)
from laconic.pruning.student import Said
from laconic.pruning.teacher import AbstractTeacher
from laconic.training.examples import Examples
from laconic.training.objective import AbstractObjective, LossOutput, OwnRate
from laconic.training.tasks import Kind, followed, task_logits, task_loss

DAMPING = 20.0
"""With both prices equally fast, that of the distance grows as long as gates lag behind, and has to be unlearned once they are
past the target: for a quarter of a short run, far more is then gone than was asked for (`docs/log.md`)."""

NEVER = -1e4
"""A logit whose probability is 0, and that is finite all the same: a divergence multiplies it with 0."""


@dataclass(frozen=True, kw_only=True)
class DistillConfig:
    """What a student learns from.

    Attributes:
        prediction: weight of the teacher's predictions.
        layers: weight of its layers.
        label: weight of the labels; CoFi has none where there is a teacher.
        temperature: of predictions.
        mapping: which layer learns from which: `free` or `monotone` (`laconic.pruning.distillation`).
        teaching: how many layers of the teacher teach, at most.
    """

    prediction: float = 0.5
    layers: float = 0.5
    label: float = 0.0
    temperature: float = 2.0
    mapping: str = "free"
    teaching: int = 4

    def __post_init__(self) -> None:
        for name in ("prediction", "layers", "label"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} is {getattr(self, name)}, but must be a number from 0 on")
        if not self.prediction + self.layers + self.label:
            raise ValueError("prediction, layers and label are all 0, but something has to be learned from")
        if not 0 < self.temperature < math.inf:
            raise ValueError(f"temperature is {self.temperature}, but must be positive")
        if self.mapping not in MAPPINGS:
            raise ValueError(f"mapping is {self.mapping!r}, but must be one of {', '.join(MAPPINGS)}")
        if self.teaching < 1:
            raise ValueError(f"teaching is {self.teaching}, but must be at least 1")


@dataclass(frozen=True, kw_only=True)
class ConstraintConfig:
    """How sparse a model is to become, and how fast.

    Attributes:
        sparsity: the share of parameters of attention and feed-forward parts that is to go.
        start: what the target rises from: that of the run before, where one goes on to a higher sparsity.
        warmup: updates over which it rises.
        rate: learning rate of gates and prices. Log-odds have 9.2 to go from one end to the other, so a short run needs a
            high one; CoFi has 0.01 for tens of thousands of updates.
        damping: how much faster than the price of the distance that of its square climbs; 1 in CoFi.
        paces: kinds of gates that learn at a share of the rate of all others; none do in CoFi.
    """

    sparsity: float
    warmup: int
    start: float = 0.0
    rate: float = 0.01
    damping: float = DAMPING
    paces: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 < self.sparsity < 1:
            raise ValueError(f"sparsity is {self.sparsity}, but must lie between 0 and 1")
        if not 0 <= self.start <= self.sparsity:
            raise ValueError(f"start is {self.start}, but must lie between 0 and the sparsity, {self.sparsity}")
        if self.warmup < 0:
            raise ValueError(f"warmup is {self.warmup}, but must not be negative")
        for name in ("rate", "damping"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} is {getattr(self, name)}, but must be positive")
        if not all(0 < pace < math.inf for pace in self.paces.values()):
            raise ValueError(f"paces is {dict(self.paces)}, but all must be positive")

    def target_at(self, step: int) -> float:
        """The sparsity that is wanted at an update: rising from `start` in a straight line, then `sparsity`.

        Args:
            step: the number of the update, from 1.
        """
        risen = min(1.0, step / self.warmup) if self.warmup else 1.0
        return self.start + (self.sparsity - self.start) * risen


@final
class Cofi(AbstractObjective[Examples]):
    """The loss of a `laconic.pruning.student.Student`, with gates or without.

    Args:
        kind: what is asked of the model.
        distill: what it learns from.
        teacher: asked for what it says; None where only labels teach.
        constraint: where its gates are to go; None for a student without gates.
    """

    def __init__(
        self,
        kind: Kind,
        *,
        distill: DistillConfig,
        teacher: AbstractTeacher | None = None,
        constraint: ConstraintConfig | None = None,
    ) -> None:
        if teacher is None and not distill.label:
            raise ValueError("label is 0 and there is no teacher, but something has to be learned from")
        self._kind, self._distill, self.constraint = kind, distill, constraint
        self._teacher = teacher

    def loss(self, model: nn.Module, batch: Examples) -> LossOutput:
        """The mean over examples; statistics are its terms, and the sparsity that is expected and wanted."""
        constraint, distill = self.constraint, self._distill
        target = constraint.target_at(batch.step) if constraint else 0.0
        deep = self._teacher is not None and distill.layers > 0
        said: Said = model(batch.inputs, step=batch.step, target=target, hidden=deep)
        logits = task_logits(self._kind, said.output)
        terms = self._taught(said, logits, batch, deep)
        if distill.label:
            terms["label"] = distill.label * task_loss(self._kind, logits, batch)
        loss = torch.stack(list(terms.values())).sum()
        statistics = {name: value.detach() for name, value in terms.items()}
        if said.price is not None:
            loss = loss + said.price
        return LossOutput(loss=loss, statistics=statistics | price_statistics(said, target))

    def own_rates(self) -> tuple[OwnRate, ...]:
        """Gates fall and prices climb, at a rate of their own."""
        return gate_rates(self.constraint)

    def _taught(self, said: Said, logits: Tensor, batch: Examples, deep: bool) -> dict[str, Float[Tensor, ""]]:
        distill = self._distill
        if self._teacher is None or not (deep or distill.prediction):
            return {}
        taught = self._teacher.teach(batch, layers=distill.teaching if deep else 0)
        terms = dict[str, Tensor]()
        if distill.prediction:
            terms["prediction"] = distill.prediction * self._prediction_loss(logits, taught.logits, batch)
        if taught.teacher_KND is not None:
            text_N = batch.inputs["attention_mask"].flatten().float()
            terms["layers"] = distill.layers * hidden_loss(said, taught.teacher_KND, text_N, distill.mapping)
        return terms

    def _prediction_loss(self, logits: Tensor, teacher_logits: Tensor, batch: Examples) -> Tensor:
        counted = None
        if self._kind == "language":
            counted = followed(batch)  # The rest is not cut off, for that would copy all logits.
        if self._kind == "span":
            # No answer begins or ends in padding, whatever is said of it.
            padding_B1T = ~batch.inputs["attention_mask"].bool()[:, None]
            logits, teacher_logits = (said.masked_fill(padding_B1T, NEVER) for said in (logits, teacher_logits))
        if self._kind == "regression":
            # A single number has no distribution.
            return (logits - teacher_logits).square().mean()
        return prediction_loss(logits, teacher_logits, temperature=self._distill.temperature, counted=counted)


def hidden_loss(said: Said, teacher_KND: Float[Tensor, "K N D"], text_N: Float[Tensor, "N"], mapping: str) -> Float[Tensor, ""]:
    """How far a student's layers are from those of its teacher that teach.

    Args:
        said: what the student said, with hidden states.
        teacher_KND: those of the teacher's layers that teach.
        text_N: 1 for text, 0 for padding, N = B x T.
        mapping: which layer learns from which (`laconic.pruning.distillation`).
    """
    assert said.hidden_LBTD is not None
    student_LND = [hidden_BTD.flatten(0, 1) for hidden_BTD in said.hidden_LBTD]
    distance_KL = layer_distances(student_LND, teacher_KND, text_N)
    chosen_K = map_layers(distance_KL, said.alive_L, mapping)
    return layer_loss(student_LND, teacher_KND, text_N, chosen_K)


def price_statistics(said: Said, target: float) -> dict[str, Float[Tensor, ""]]:
    """What gates pay, what is expected of them and what is wanted, for the log; nothing without gates."""
    if said.price is None or said.sparsity is None:
        return {}
    expected = said.sparsity.detach()
    wanted = torch.full_like(expected, target)
    return {"price": said.price.detach(), "expected_sparsity": expected, "target_sparsity": wanted}


def gate_rates(constraint: ConstraintConfig | None) -> tuple[OwnRate, ...]:
    """Gates fall and prices climb, at a rate of their own; there are none without a constraint."""
    if constraint is None:
        return ()
    rate = constraint.rate
    slower = (OwnRate(prefix=f"gates.log_odds.{kind}", rate=rate * pace) for kind, pace in constraint.paces.items())
    return (
        *slower,
        OwnRate(prefix="gates.", rate=rate),
        OwnRate(prefix="prices.linear", rate=rate, maximize=True),
        OwnRate(prefix="prices.square", rate=rate * constraint.damping, maximize=True),
    )
