from pathlib import Path

from tests.pruning.tiny import tiny_model
from tests.recipes.test_prune import config

from laconic.recipes.prune_loading import load_data, load_student, positions_of
from laconic.recipes.registry import RunOptions


def test_a_student_has_a_head_for_the_labels_of_its_data(tmp_path: Path) -> None:
    setup = config(tmp_path)
    tokenizer, data = load_data(setup, RunOptions())
    model = load_student(setup, data)
    assert model.config.id2label == {0: "bad", 1: "good"} and len(tokenizer) <= model.config.vocab_size
    assert {len(data.train), len(data.valid)} == {108, 12}


def test_roberta_counts_positions_from_behind_its_padding() -> None:
    assert positions_of(tiny_model("bert")) == 512
    assert positions_of(tiny_model("roberta")) == 63
