from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.pruning.test_objective import model_of

from laconic.errors import OutputError
from laconic.pruning import teacher as teacher_module
from laconic.pruning.distillation import teacher_layers
from laconic.pruning.objective import Cofi, DistillConfig
from laconic.pruning.student import Student
from laconic.pruning.teacher import LiveTeacher, NotedTeacher, noted_bytes
from laconic.training.examples import Example, Examples, ExampleStream, collate
from laconic.training.tasks import KINDS, Kind

LENGTHS = (3, 9, 4, 4, 7, 1, 6)
NOTABLE = KINDS[:3]


def examples(kind: Kind = "classification") -> list[Example]:
    random = torch.Generator().manual_seed(0)
    labels: dict[str, Any] = {"classification": 1, "regression": 0.5, "span": (0, 0)}
    rows = [torch.randint(3, 50, (length,), generator=random).tolist() for length in LENGTHS]
    return [Example(columns={"input_ids": row, "attention_mask": [1] * len(row)}, label=labels[kind], bytes=1) for row in rows]


def noted(kind: Kind, folder: Path, **changes: Any) -> NotedTeacher:
    live = LiveTeacher(model_of(kind, 2), kind)
    how: dict[str, Any] = {"layers": 2, "depth": 3, "pad_id": 0, "autocast": False, "rows": 3}
    return NotedTeacher(live, examples(kind), kind, folder=folder, **{**how, **changes})


@settings(max_examples=20)
@given(numbers=st.lists(st.integers(0, len(LENGTHS) - 1), min_size=1, max_size=5), kind=st.sampled_from(NOTABLE))
def test_notes_are_what_the_teacher_says(numbers: list[int], kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> None:
    batch = collate([examples(kind)[number] for number in numbers], pad_id=0, numbers=numbers)
    said = LiveTeacher(model_of(kind, 2), kind).teach(batch, layers=2)
    known = noted(kind, tmp_path_factory.mktemp("notes")).teach(batch, layers=2)
    text_N = batch.inputs["attention_mask"].flatten().bool()
    logits = batch.inputs["attention_mask"][:, None].bool().expand_as(said.logits) if kind == "span" else ...
    torch.testing.assert_close(known.logits[logits], said.logits[logits], atol=1e-5, rtol=1e-5)
    assert known.teacher_KND is not None and said.teacher_KND is not None
    assert known.teacher_KND.shape == said.teacher_KND.shape == (2, len(text_N), 16)
    torch.testing.assert_close(known.teacher_KND[:, text_N].float(), said.teacher_KND[:, text_N], atol=1e-2, rtol=1e-2)


@pytest.mark.parametrize("kind", NOTABLE)
def test_a_student_learns_the_same_from_notes_whatever_its_examples_are_padded_to(kind: Kind, tmp_path: Path) -> None:
    batch = collate([examples(kind)[number] for number in (1, 0, 5)], pad_id=0, numbers=(1, 0, 5))
    live, student = LiveTeacher(model_of(kind, 2), kind), Student(model_of(kind, 1), teacher_width=16)
    losses = [
        Cofi(kind, distill=DistillConfig(prediction=1.0, layers=0.0), teacher=teacher).loss(student, batch).loss.detach()
        for teacher in (live, noted(kind, tmp_path))
    ]
    torch.testing.assert_close(losses[0], losses[1], atol=1e-6, rtol=1e-5)
    assert losses[0] > 0


def test_a_stream_says_which_examples_it_gives(tmp_path: Path) -> None:
    stream, known = ExampleStream(examples(), pad_id=0, rows=3, seed=1), noted("classification", tmp_path)
    for _ in range(4):
        batch = stream.next_batch(2)
        assert batch.numbers is not None and batch.at(3).numbers == batch.numbers
        for row, number in enumerate(batch.numbers):
            text = batch.inputs["input_ids"][row][: LENGTHS[number]].tolist()
            assert text == examples()[number].columns["input_ids"]
        stream.next_batch(1)
        assert known.teach(batch, layers=0).teacher_KND is None


def test_the_file_is_as_large_as_foretold_and_goes_with_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []
    monkeypatch.setattr(teacher_module, "_take_room", lambda descriptor, size: taken.append(size))
    monkeypatch.setattr(torch, "from_file", lambda name, *, shared, size, dtype: torch.empty(size, dtype=dtype))
    batch = collate(examples()[:1], pad_id=0, numbers=[0])
    noted("classification", tmp_path).teach(batch, layers=2)
    assert taken == [noted_bytes(examples(), layers=2, depth=3, width=16)] == [sum(LENGTHS) * 2 * 16 * 2]
    assert not list(tmp_path.iterdir())
    noted("classification", tmp_path, layers=0).teach(batch, layers=0)
    assert len(taken) == 1 and noted_bytes(examples(), layers=0, depth=3, width=16) == 0


def test_a_full_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int, size: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(teacher_module, "_take_room", full)
    with pytest.raises(OutputError, match=r"what the teacher says.*No space left.*set notes_gb lower"):
        noted("classification", tmp_path).teach(collate(examples()[:1], pad_id=0, numbers=[0]), layers=2)
    assert not list(tmp_path.iterdir())


def test_only_what_was_noted_can_be_asked(tmp_path: Path) -> None:
    known = noted("classification", tmp_path)
    batch = collate(examples()[:2], pad_id=0)
    with pytest.raises(ValueError, match="numbers None"):
        known.teach(batch, layers=2)
    with pytest.raises(ValueError, match="layers is 3"):
        known.teach(Examples(inputs=batch.inputs, labels=None, bytes=1, numbers=(0, 1)), layers=3)
    with pytest.raises(ValueError, match="kind is 'language'"):
        noted_language = LiveTeacher(model_of("classification", 1), "language")
        NotedTeacher(
            noted_language, examples(), "language", layers=1, depth=3, folder=tmp_path, pad_id=0, autocast=False,
        )  # fmt: skip


def test_the_layers_that_teach_are_those_of_the_paper() -> None:
    assert teacher_layers(12, 4) == (2, 5, 8, 11)
    assert LiveTeacher(model_of("classification", 1), "classification").width == 16
