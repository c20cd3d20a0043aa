import pytest
import torch
from tests.pruning.tiny import CONFIGS, LAYERS, random_masks, tiny_inputs, tiny_model

from laconic.pruning.cutting import cut
from laconic.pruning.gates import Gates
from laconic.pruning.masking import Masking
from laconic.pruning.masks import Structure
from laconic.pruning.parts import count_parts
from laconic.pruning.student import Student, narrowed


def gated(seed: int = 0) -> Student:
    model = tiny_model("bert")
    return Student(model, gates=Gates(count_parts(model), seed=seed), teacher_width=model.config.hidden_size)


def test_it_wears_what_its_gates_draw_and_one_draw_serves_a_whole_update() -> None:
    student, inputs = gated(), tiny_inputs()
    first, again, other = (student(inputs, step=step) for step in (1, 1, 2))
    assert torch.equal(first.output.logits, again.output.logits)
    assert not torch.equal(first.output.logits, other.output.logits)
    assert first.price is not None and float(first.price.detach()) == 0.0  # Prices begin at nothing.


def test_without_chance_it_equals_the_model_wearing_the_fixed_masks() -> None:
    student, inputs = gated(), tiny_inputs()
    said = student(inputs).output.logits
    plain = tiny_model("bert")
    assert student.gates is not None
    Masking(plain).wear(student.gates.fixed())
    torch.testing.assert_close(said, plain(**inputs).logits)
    assert student.wear_fixed() is not None
    torch.testing.assert_close(student.model(**inputs).logits, said)


def test_hidden_states_are_those_after_each_layer_and_the_projection_begins_as_the_identity() -> None:
    student, inputs = gated(), tiny_inputs()
    said = student(inputs, hidden=True)
    assert said.hidden_LBTD is not None
    torch.testing.assert_close(torch.stack(list(said.hidden_LBTD)), torch.stack(said.output.hidden_states[1:]))
    assert student(inputs).hidden_LBTD is None


@pytest.mark.parametrize("family", CONFIGS)
def test_without_dropout_training_has_no_chance(family: str) -> None:
    model = tiny_model(family)
    for share, alike in ((0.5, False), (0.0, True)):
        student = Student(model, dropout=share).train()
        said = [student(tiny_inputs()).output.logits for _ in range(2)]
        assert torch.equal(*said) == alike


def test_layers_that_were_cut_away_are_not_alive() -> None:
    model = tiny_model("bert")
    structure = Structure.whole(count_parts(model))
    structure.head_LH[0], structure.unit_LU[0], structure.unit_LU[1] = False, False, False
    alive = [False, *[True] * (LAYERS - 1)]
    for student in (Student(model, masks=structure.masks()), Student(cut(tiny_model("bert"), structure.masks()))):
        assert student(tiny_inputs()).alive_L.tolist() == alive


def test_a_projection_is_narrowed_with_the_width() -> None:
    structure = Structure(
        head_LH=torch.ones(1, 1, dtype=torch.bool), unit_LU=torch.ones(1, 1, dtype=torch.bool),
        width_D=torch.tensor([True, False, True]),
    )  # fmt: skip
    projection, hidden_ND = torch.nn.Linear(3, 5), torch.randn(2, 3) * structure.width_D
    smaller = narrowed(projection, structure)
    assert smaller is not None and smaller.in_features == 2
    torch.testing.assert_close(smaller(hidden_ND[:, [0, 2]]), projection(hidden_ND))
    whole = Structure(head_LH=structure.head_LH, unit_LU=structure.unit_LU)
    assert narrowed(projection, whole) is projection and narrowed(None, structure) is None


def test_a_student_without_gates_keeps_its_masks_and_one_without_masks_is_the_model() -> None:
    inputs, model = tiny_inputs(), tiny_model("bert")
    plain = model(**inputs).logits
    assert torch.equal(Student(model)(inputs, step=1).output.logits, plain)
    masks = random_masks(count_parts(model), 2)
    masked = Student(tiny_model("bert"), masks=masks)
    assert masked.wear_fixed() is masks
    assert not torch.allclose(masked(inputs, step=1).output.logits, plain)
    assert masked(inputs).price is None
