import dataclasses
from typing import Any

import pytest
import torch
from tests.pruning.tiny import LAYERS, tiny_inputs, tiny_model
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import (
    BertConfig,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    PreTrainedModel,
)

from laconic.pruning import masking
from laconic.pruning.gates import Gates
from laconic.pruning.objective import DAMPING, Cofi, ConstraintConfig, DistillConfig
from laconic.pruning.parts import count_parts
from laconic.pruning.student import Student
from laconic.pruning.teacher import LiveTeacher
from laconic.training.examples import Examples
from laconic.training.tasks import Kind

CONSTRAINT = ConstraintConfig(sparsity=0.5, warmup=4)


def batch(kind: Kind = "classification", step: int = 0) -> Examples:
    labels = {
        "classification": torch.tensor([0, 2]),
        "regression": torch.tensor([0.5, 2.0]),
        "span": torch.tensor([[0, 1], [2, 3]]),
    }
    return Examples(inputs=tiny_inputs(), labels=labels[kind], bytes=1, step=step)


def model_of(kind: Kind, seed: int) -> PreTrainedModel:
    torch.manual_seed(seed)
    shape = {
        "vocab_size": 50,
        "hidden_size": 16,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 4,
        "intermediate_size": 12,
    }
    config = BertConfig(**shape, num_labels=1 if kind == "regression" else 2 if kind == "span" else 3)
    return (BertForQuestionAnswering if kind == "span" else BertForSequenceClassification)(config).eval()


def student_of(kind: Kind = "classification", *, gates: bool = True) -> Student:
    model = model_of(kind, 1)
    return Student(model, gates=Gates(count_parts(model)) if gates else None, teacher_width=16)


@pytest.mark.parametrize("kind", ["classification", "regression", "span"])
def test_the_terms_add_up_and_everything_learns(kind: Kind) -> None:
    student = student_of(kind)
    teacher = model_of(kind, 2)
    objective = Cofi(kind, distill=DistillConfig(label=0.1), teacher=LiveTeacher(teacher, kind), constraint=CONSTRAINT)
    output = objective.loss(student, batch(kind, step=2))
    terms = sum(float(output.statistics[name]) for name in ("prediction", "layers", "label", "price"))
    assert float(output.loss.detach()) == pytest.approx(terms, rel=1e-5)
    assert float(output.statistics["target_sparsity"]) == pytest.approx(0.25)
    output.loss.backward()
    assert student.gates is not None and student.prices is not None and student.projection is not None
    learning = [*student.gates.parameters(), *student.prices.parameters(), *student.projection.parameters()]
    assert all(parameter.grad is not None for parameter in learning)
    assert all(parameter.grad is None for parameter in teacher.parameters())


def test_of_a_text_the_next_tokens_are_learned_and_padding_is_not() -> None:
    model, teacher = tiny_model("gpt2", seed=1), tiny_model("gpt2", seed=2)
    student = Student(model, gates=Gates(count_parts(model)), teacher_width=16)
    objective = Cofi(
        "language", distill=DistillConfig(label=0.1), teacher=LiveTeacher(teacher, "language"), constraint=CONSTRAINT
    )
    first = Examples(inputs=tiny_inputs(), labels=None, bytes=1, step=2)
    other = Examples(inputs={**tiny_inputs(), "input_ids": tiny_inputs()["input_ids"].clone()}, labels=None, bytes=1, step=2)
    other.inputs["input_ids"][1, 5:] = 33
    output = objective.loss(student, first)
    torch.testing.assert_close(objective.loss(student, other).loss, output.loss)
    assert {"prediction", "layers", "label", "price"} <= output.statistics.keys()
    output.loss.backward()
    assert student.gates is not None and all(odds.grad is not None for odds in student.gates.parameters())


def test_predictions_of_a_text_are_means_over_the_tokens_that_follow_one() -> None:
    student, teacher = Student(tiny_model("gpt2", seed=1)), tiny_model("gpt2", seed=2)
    distill = DistillConfig(prediction=1.0, layers=0.0, temperature=1.0)
    objective = Cofi("language", distill=distill, teacher=LiveTeacher(teacher, "language"))
    inputs, total, count = tiny_inputs(), torch.zeros(()), 0
    for row, length in ((0, 7), (1, 5)):  # The second row has two tokens of padding.
        ids = inputs["input_ids"][row : row + 1, :length]
        for place in range(length - 1):
            p, q = (torch.softmax(model(ids).logits[0, place], -1) for model in (teacher, student.model))
            total, count = total + (p * (p / q).log()).sum(), count + 1
    loss = objective.loss(student, Examples(inputs=inputs, labels=None, bytes=1)).loss
    torch.testing.assert_close(loss, total / count, rtol=1e-4, atol=1e-6)


def test_a_student_that_is_its_teacher_has_nothing_to_learn() -> None:
    student = student_of(gates=False)
    objective = Cofi(
        "classification", distill=DistillConfig(), teacher=LiveTeacher(model_of("classification", 1), "classification")
    )
    assert float(objective.loss(student, batch(step=1)).loss.detach()) == pytest.approx(0, abs=1e-6)


def test_a_number_is_learned_by_its_square() -> None:
    student, teacher = student_of("regression", gates=False), model_of("regression", 2)
    objective = Cofi(
        "regression", distill=DistillConfig(prediction=1.0, layers=0.0), teacher=LiveTeacher(teacher, "regression")
    )
    difference = student.model(**tiny_inputs()).logits - teacher(**tiny_inputs()).logits
    torch.testing.assert_close(objective.loss(student, batch("regression")).loss, difference.square().mean())


def test_the_target_rises_in_a_straight_line_and_stays() -> None:
    constraint = ConstraintConfig(sparsity=0.8, start=0.4, warmup=4)
    assert [constraint.target_at(step) for step in (1, 2, 4, 9)] == pytest.approx([0.5, 0.6, 0.8, 0.8])
    assert ConstraintConfig(sparsity=0.8, warmup=0).target_at(1) == 0.8


def test_without_gates_nothing_has_a_rate_of_its_own() -> None:
    distill = DistillConfig(label=1.0)
    assert Cofi("classification", distill=distill).own_rates() == ()
    rates = Cofi("classification", distill=distill, constraint=CONSTRAINT).own_rates()
    expected = [("gates.", 0.01, False), ("prices.linear", 0.01, True), ("prices.square", 0.01 * DAMPING, True)]
    assert [(own.prefix, own.rate, own.maximize) for own in rates] == expected
    slower = dataclasses.replace(CONSTRAINT, paces={"ffn": 0.25})
    rates = Cofi("classification", distill=distill, constraint=slower).own_rates()
    assert (rates[0].prefix, rates[0].rate) == ("gates.log_odds.ffn", 0.0025) and rates[1].prefix == "gates."
    assert any(name.startswith("gates.log_odds.ffn") for name, _ in student_of().named_parameters())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"prediction": 0.0, "layers": 0.0}, "something has to be learned from"),
        ({"layers": -1.0}, "layers is -1.0"),
        ({"temperature": 0.0}, "temperature is 0.0"),
        ({"mapping": "any"}, "mapping is 'any'"),
        ({"teaching": 0}, "teaching is 0"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DistillConfig(**settings)  # type: ignore[arg-type]


def test_sparsities_out_of_range_are_refused_and_so_is_nobody_to_learn_from() -> None:
    with pytest.raises(ValueError, match=r"sparsity is 1\.0"):
        ConstraintConfig(sparsity=1.0, warmup=1)
    with pytest.raises(ValueError, match=r"paces is \{'ffn': 0\}, but all must be positive"):
        ConstraintConfig(sparsity=0.5, warmup=1, paces={"ffn": 0})
    with pytest.raises(ValueError, match="there is no teacher"):
        Cofi("classification", distill=DistillConfig())


class _Waits(TorchDispatchMode):
    """Counts the operations for which a host waits until its device is done."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        waiting = (torch.ops.aten._local_scalar_dense.default, torch.ops.aten.nonzero.default, torch.ops.aten.equal.default)
        self.count += func in waiting
        if func is torch.ops.aten.index.Tensor:  # Chosen by yes and no, there are as many numbers as the device counts.
            self.count += any(index is not None and index.dtype == torch.bool for index in args[1])
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("kind", ["classification", "regression", "span", "language"])
def test_a_pruning_step_waits_for_a_device_no_more_than_its_two_models_do(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masking, "AT_HAND", ())  # As on an accelerator.
    model, taught = (tiny_model("gpt2", seed=seed) if kind == "language" else model_of(kind, seed) for seed in (1, 2))
    student = Student(model, gates=Gates(count_parts(model)), teacher_width=16)
    asked = Examples(inputs=tiny_inputs(), labels=None, bytes=1, step=2) if kind == "language" else batch(kind, step=2)
    objective = Cofi(kind, distill=DistillConfig(label=0.1), teacher=LiveTeacher(taught, kind), constraint=CONSTRAINT)
    with _Waits() as plain:
        student.model(**asked.inputs, output_hidden_states=True)[0].sum().backward()
    with _Waits() as step:
        objective.loss(student, asked).loss.backward()
    assert step.count <= 2 * plain.count
    with _Waits() as two:
        torch.ones(1).item()
        torch.ones(2)[torch.tensor([True, False])]
    assert two.count == 2
