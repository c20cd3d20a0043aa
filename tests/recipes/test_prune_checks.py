"""What is refused before anything is trained, or before anything is pruned."""

from pathlib import Path
from typing import Any

import pytest
from tests.recipes.test_prune import config
from transformers import BertConfig, BertForSequenceClassification

from laconic.errors import LaconicError, UsageError
from laconic.recipes.prune import run_prune
from laconic.recipes.prune_config import StageConfig
from laconic.recipes.prune_measures import MeasureConfig
from laconic.recipes.registry import RunOptions


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fine_tune": StageConfig(epochs=0)}, "no better than always giving the commonest answer"),
        (
            {"gates": ("heads",), "sparsities": (0.9,)},
            r"cannot be reached with the gates heads: the largest that can is 0\.\d+",
        ),
        ({"model": "nowhere"}, "nowhere does not exist: name a folder"),
        ({"tune": StageConfig(epochs=1, batch=500)}, r"tune\.batch is 500, but there are 108 examples"),
        ({"max_length": 2}, "max_length is 2, but 2 special tokens"),
        ({"label": "mark"}, "mark"),
        ({"deliver": ("trimmed",)}, "kind WordLevel, but only WordPiece and BPE can be trimmed"),
        ({"measure": MeasureConfig(length=65)}, r"measure\.length is 65, but the models have 64 positions: set it lower"),
    ],
)
def test_what_cannot_come_to_anything_is_said_before_anything_is_pruned(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(LaconicError, match=message):
        run_prune(config(tmp_path, **changes), tmp_path / "run", RunOptions())
    assert not (tmp_path / "run" / "prepared").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_labels": 5}, "tells 5 labels, but train has 2"),
        ({"vocab_size": 9}, "has 9 ids, fewer than the tokenizer"),
        ({"max_position_embeddings": 5}, "but the model in .* has 5: set max_length lower"),
        ({"id2label": {0: "good", 1: "bad"}}, "tells good, bad, but train has bad, good, in this order"),
    ],
)
def test_a_teacher_that_does_not_fit_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    shape = {"vocab_size": 16, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    BertForSequenceClassification(BertConfig(**{**shape, **changes})).save_pretrained(tmp_path / "other")
    with pytest.raises(UsageError, match=message):
        run_prune(config(tmp_path, teacher=str(tmp_path / "other")), tmp_path / "run", RunOptions())


def test_an_encoder_is_no_teacher_and_a_student_begins_as_a_teacher_of_its_shape(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a BertModel, but train needs one"):
        run_prune(config(tmp_path, teacher=str(tmp_path / "encoder")), tmp_path / "run", RunOptions())


def test_a_student_cannot_begin_as_a_teacher_of_another_shape(tmp_path: Path) -> None:
    shape = {"vocab_size": 16, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    labels = {"id2label": {0: "bad", 1: "good"}, "label2id": {"bad": 0, "good": 1}}
    BertForSequenceClassification(BertConfig(**shape, **labels)).save_pretrained(tmp_path / "other")
    asked = config(tmp_path, teacher=str(tmp_path / "other"), start="teacher")
    with pytest.raises(UsageError, match="cannot begin as its teacher, which has another shape"):
        run_prune(asked, tmp_path / "run", RunOptions())
    assert not (tmp_path / "run").exists()
