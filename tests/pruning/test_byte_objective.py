"""A student of bytes learns the mixture that its teacher is used with, in rows of any kind."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from laconic.bytelm.registry import load_byte_lm
from laconic.model.byte_parent import build_byte_parent
from laconic.pruning.byte_objective import ByteCofi
from laconic.pruning.cutting import cut
from laconic.pruning.gates import Gates
from laconic.pruning.masking import Masking
from laconic.pruning.masks import Structure
from laconic.pruning.objective import ConstraintConfig, DistillConfig
from laconic.pruning.parts import count_parts
from laconic.pruning.student import Student
from laconic.shapes import SYMBOLS
from laconic.training.byte_modeling import ByteModeling, symbol_logits
from laconic.training.objective import Batch

TEXT = np.frombuffer(b"It was the best of times, it was the worst of times, it was the age of wisdom, ", np.uint8)
CONSTRAINT = ConstraintConfig(sparsity=0.5, warmup=4)
PREDICTION = DistillConfig(prediction=1.0, layers=0.0, temperature=1.0)


def batch(rows: int = 2, length: int = 64, step: int = 0) -> Batch:
    tokens_BT = torch.from_numpy(np.resize(TEXT, (rows, length)).astype(np.int64))
    return Batch(tokens_BT=tokens_BT, pad_id=SYMBOLS, count=tokens_BT.numel(), bytes=tokens_BT.numel(), step=step)


def parent(seed: int) -> torch.nn.Module:
    model = build_byte_parent("tiny", band=16, seed=seed).eval()
    with torch.no_grad():
        model.lm_head.weight.mul_(10)
    return model


def student(*, gates: bool = False) -> Student:
    model = parent(1)
    return Student(model, gates=Gates(count_parts(model)) if gates else None, teacher_width=64)


def test_the_terms_add_up_and_everything_learns() -> None:
    learner = student(gates=True)
    objective = ByteCofi(prior=None, distill=DistillConfig(label=0.1), teacher=parent(2), constraint=CONSTRAINT, short=0.5)
    output = objective.loss(learner, batch(step=2))
    terms = sum(float(output.statistics[name]) for name in ("prediction", "layers", "label", "price"))
    assert float(output.loss.detach()) == pytest.approx(terms, rel=1e-5)
    assert float(output.statistics["target_sparsity"]) == pytest.approx(0.25)
    output.loss.backward()
    silent = {name for name, parameter in learner.named_parameters() if parameter.grad is None}
    assert not silent
    assert [rate.prefix for rate in objective.own_rates()] == ["gates.", "prices.linear", "prices.square"]
    assert not ByteCofi(prior=None, distill=PREDICTION, teacher=parent(2)).own_rates()


def test_the_label_is_the_loss_of_the_mixture() -> None:
    prior, learner = load_byte_lm("light"), student()
    distill = DistillConfig(prediction=0.0, layers=0.0, label=1.0)
    for short in (0.0, 0.5, 1.0):
        ours = ByteCofi(prior=prior, distill=distill, teacher=parent(2), short=short).loss(learner, batch())
        plain = ByteModeling(prior=prior, short=short).loss(learner.model, batch())
        assert torch.isclose(ours.loss, plain.loss)


def test_the_prediction_is_the_divergence_of_the_mixtures() -> None:
    prior, learner, teacher, asked = load_byte_lm("light"), student(), parent(2), batch()
    ours = ByteCofi(prior=prior, distill=PREDICTION, teacher=teacher).loss(learner, asked).loss
    with torch.no_grad():
        logs = [symbol_logits(model, asked.tokens_BT, prior, SYMBOLS).log_softmax(-1) for model in (teacher, learner.model)]
    assert torch.isclose(ours, (logs[0].exp() * (logs[0] - logs[1])).sum(-1).mean(), rtol=1e-4)
    alone = ByteCofi(prior=None, distill=PREDICTION, teacher=teacher).loss(learner, asked).loss
    assert not torch.isclose(ours, alone, rtol=0.05)


def test_a_student_like_its_teacher_has_nothing_to_learn() -> None:
    learner = student()
    objective = ByteCofi(prior=load_byte_lm("light"), distill=DistillConfig(), teacher=parent(1), short=0.5)
    assert float(objective.loss(learner, batch()).loss.detach()) == pytest.approx(0, abs=1e-5)


def test_padding_is_free() -> None:
    learner, whole = student(), batch(1, 64)
    padded_BT = torch.nn.functional.pad(whole.tokens_BT, (0, 64), value=SYMBOLS)
    padded_BT = torch.cat([padded_BT, torch.full_like(padded_BT, SYMBOLS)])
    for short in (0.0, 0.5, 1.0):
        objective = ByteCofi(prior=None, distill=DistillConfig(label=1.0), teacher=parent(2), short=short)
        rows = padded_BT.flip(0) if short == 0.5 else padded_BT
        padded = objective.loss(learner, replace(whole, tokens_BT=rows)).loss
        assert padded.isfinite()
        expected = ByteCofi(prior=None, distill=DistillConfig(label=1.0), teacher=parent(2), short=float(short == 1.0))
        assert torch.isclose(padded, expected.loss(learner, whole).loss, rtol=1e-5)


def test_a_cut_byte_model_says_what_the_masked_one_says() -> None:
    model = parent(1).double()
    masks = Structure.whole(count_parts(model)).masks()
    masks.head_LH[0, 1] = masks.unit_LU[1, 40:] = masks.attention_L[1] = 0
    masks.unit_LU[0] = torch.linspace(0.2, 1, 256)
    smaller, masking = cut(model, masks), Masking(model)
    masking.wear(masks)
    with torch.no_grad():
        said = [symbol_logits(each, batch().tokens_BT, None, SYMBOLS) for each in (model, smaller)]
    assert (said[0] - said[1]).abs().max() < 1e-5
    masking.close()
    with torch.no_grad():
        assert (symbol_logits(model, batch().tokens_BT, None, SYMBOLS) - said[1]).abs().max() > 1e-2


def test_a_share_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="short is 2"):
        ByteCofi(prior=None, distill=PREDICTION, teacher=parent(2), short=2)
