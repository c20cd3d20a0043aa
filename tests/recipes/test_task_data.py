from pathlib import Path

import numpy as np
import pytest
from tests.tiny_encoder import tiny_table, tiny_tokenizer

from laconic.errors import UsageError
from laconic.recipes.task_data import Tables, named_data, pad_id_of, table_data


def tables(tmp_path: Path, **changes: object) -> Tables:
    settings = {"train": tiny_table(tmp_path / "train.csv"), "valid": None, "text_columns": ("text",), "label": "label"}
    return Tables(**{**settings, **changes})  # type: ignore[arg-type]


def test_every_tenth_row_is_held_out_and_judged_by_accuracy(tmp_path: Path) -> None:
    data = table_data(tables(tmp_path), tiny_tokenizer(), max_length=16)
    assert (len(data.train), len(data.valid), data.labels, data.kind) == (108, 12, ("bad", "good"), "classification")
    logits = [np.eye(2)[int(example.label)] for example in data.valid]  # type: ignore[arg-type]
    assert data.judge(logits) == {"accuracy": 1.0} and 0.5 <= data.trivial < 1.0
    assert data.judge([np.array([1.0, 0.0])] * 12)["accuracy"] in (data.trivial, 1 - data.trivial)


def test_a_valid_table_means_the_same_labels_and_a_limit_cuts_the_train_table(tmp_path: Path) -> None:
    valid = tiny_table(tmp_path / "valid.csv", rows=20)
    data = table_data(tables(tmp_path, valid=valid), tiny_tokenizer(), max_length=16, limit=30)
    assert (len(data.train), len(data.valid)) == (30, 20) and data.trivial < 0.8
    assert data.train[0].columns["input_ids"][0] == 2 and data.train[0].columns["input_ids"][-1] == 3
    assert len(table_data(tables(tmp_path), tiny_tokenizer(), max_length=4).train[0].columns["input_ids"]) == 4


def test_too_few_rows_unknown_tasks_and_tokenizers_without_padding_are_refused(tmp_path: Path) -> None:
    short = tiny_table(tmp_path / "short.csv", rows=8)
    with pytest.raises(UsageError, match="too few to hold every tenth out"):
        table_data(tables(tmp_path, train=short), tiny_tokenizer(), max_length=8)
    with pytest.raises(UsageError, match="there is no task 'sst3'"):
        named_data("sst3", tiny_tokenizer(), max_length=8)
    tokenizer = tiny_tokenizer()
    tokenizer.pad_token = None
    with pytest.raises(UsageError, match="has no padding token"):
        pad_id_of(tokenizer)


@pytest.mark.data
def test_pairs_and_numbers_of_glue(data_root: Path) -> None:
    data = named_data("stsb", tiny_tokenizer(), max_length=32, limit=50, data_root=data_root)
    assert data.kind == "regression" and (len(data.train), len(data.valid)) == (50, 1500)
    perfect = [np.array(example.label, dtype=np.float32) for example in data.valid]
    assert data.judge(perfect)["spearman"] == pytest.approx(1.0)
    assert data.train[0].columns["input_ids"].count(3) == 2  # Both texts end with a separator.
