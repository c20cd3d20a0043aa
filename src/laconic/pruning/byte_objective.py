"""CoFi's objective for byte models: predict as the teacher does, have layers like its layers, pay for what is too large.

What a byte model predicts is its network's logits and the logarithms of its prior together (`docs/decisions/0008`), so that is
what the student learns: it does not spend what is left of it on what the prior knows.
"""

from typing import Any, final

import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel

from laconic.bytelm.base import AbstractByteLM
from laconic.model.probe import without_cache
from laconic.pruning.distillation import prediction_loss
from laconic.pruning.objective import ConstraintConfig, DistillConfig, gate_rates, hidden_loss, price_statistics
from laconic.pruning.student import Said
from laconic.pruning.teacher import teaching_states
from laconic.shapes import SYMBOLS
from laconic.training.byte_modeling import prior_nats, split_rows
from laconic.training.language_modeling import shift_right
from laconic.training.objective import AbstractObjective, Batch, LossOutput, OwnRate


@final
class ByteCofi(AbstractObjective[Batch]):
    """The loss of a `laconic.pruning.student.Student` of a byte model, with gates or without.

    Args:
        prior: a byte model whose logarithms are added to the logits of student and teacher; None for networks alone.
        distill: what it learns from; the label is the byte that follows.
        teacher: frozen.
        constraint: where its gates are to go; None for a student without gates.
        short: the share of rows that are cut into pieces of `piece` symbols, as in `laconic.training.byte_modeling`.
        piece: symbols in such a piece; divides the segments.
    """

    def __init__(
        self,
        *,
        prior: AbstractByteLM | None,
        distill: DistillConfig,
        teacher: PreTrainedModel,
        constraint: ConstraintConfig | None = None,
        short: float = 0.0,
        piece: int = 32,
    ) -> None:
        if not 0 <= short <= 1:
            raise ValueError(f"short is {short}, but must lie between 0 and 1")
        self._prior, self._distill, self._constraint = prior, distill, constraint
        self._teacher = teacher.train(False).requires_grad_(False)
        self._short, self._piece = short, piece

    def loss(self, model: nn.Module, batch: Batch) -> LossOutput:
        """The mean over symbols; statistics are its terms, and the sparsity that is expected and wanted."""
        target = self._constraint.target_at(batch.step) if self._constraint else 0.0
        sums, said = dict[str, Tensor](), None
        for tokens_BT in split_rows(batch.tokens_BT, self._short, self._piece):
            said, terms = self._read(model, tokens_BT, batch, target)
            for name, term in terms.items():
                sums[name] = sums.get(name, torch.zeros_like(term)) + term
        statistics = {name: value.detach() for name, value in sums.items()}
        loss = torch.stack(list(sums.values())).sum()
        if said is not None and said.price is not None:  # The same in all rows.
            loss = loss + said.price
            statistics |= price_statistics(said, target)
        return LossOutput(loss=loss, statistics=statistics)

    def own_rates(self) -> tuple[OwnRate, ...]:
        """Gates fall and prices climb, at a rate of their own."""
        return gate_rates(self._constraint)

    def _read(
        self, model: nn.Module, tokens_BT: Int64[Tensor, "B T"], batch: Batch, target: float
    ) -> tuple[Said, dict[str, Float[Tensor, ""]]]:
        """What the student says of some rows, and their part of each term of the mean over the batch."""
        distill = self._distill
        inputs = {"input_ids": shift_right(tokens_BT, batch.pad_id)}
        deep = distill.layers > 0
        said: Said = model(inputs, step=batch.step, target=target, hidden=deep)
        with torch.no_grad():
            teacher: Any = self._teacher.to(tokens_BT.device)
            output = teacher(**inputs, **without_cache(teacher), output_hidden_states=deep)
            known_BTS = torch.zeros(()) if self._prior is None else prior_nats(self._prior, tokens_BT)
        text_N = (tokens_BT != batch.pad_id).flatten()
        share = text_N.sum() / max(batch.count, 1)
        text_N = text_N | ~text_N.any()  # Rows without text count for nothing, but must not be divided by nothing.
        student_NS, teacher_NS = (_mixture(logits, known_BTS) for logits in (said.output.logits, output.logits))
        terms = dict[str, Tensor]()
        if distill.prediction:
            loss = prediction_loss(student_NS, teacher_NS, temperature=distill.temperature, counted=text_N)
            terms["prediction"] = distill.prediction * share * loss
        if deep:
            teacher_KND = teaching_states(output.hidden_states[1:], distill.teaching)
            terms["layers"] = distill.layers * share * hidden_loss(said, teacher_KND, text_N.float(), distill.mapping)
        if distill.label:
            target_N = tokens_BT.masked_fill(tokens_BT == batch.pad_id, 0).flatten()
            nats_N = functional.cross_entropy(student_NS, target_N, reduction="none")
            terms["label"] = distill.label * share * (nats_N * text_N).sum() / text_N.sum()
        return said, terms


def _mixture(logits_BTV: Tensor, known_BTS: Float32[Tensor, "..."]) -> Float32[Tensor, "N 257"]:
    """Logits of the network on top of what the prior knows."""
    return (logits_BTV[..., :SYMBOLS].float() + known_BTS.to(logits_BTV.device)).flatten(0, 1)
