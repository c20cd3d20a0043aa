from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tests.tiny_encoder import tiny_table, tiny_tokenizer

from laconic.errors import UsageError
from laconic.recipes import task_data
from laconic.recipes.task_data import Tables, named_data, pad_id_of, table_data


class Saying(torch.nn.Module):
    """A model whose logits are a function of the ids."""

    def __init__(self, says: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.says, self.anchor = says, torch.nn.Parameter(torch.zeros(()))

    def forward(self, input_ids: torch.Tensor, **more: torch.Tensor) -> SimpleNamespace:
        return SimpleNamespace(logits=self.says(input_ids))


def tables(tmp_path: Path, **changes: object) -> Tables:
    settings = {"train": tiny_table(tmp_path / "train.csv"), "valid": None, "text_columns": ("text",), "label": "label"}
    return Tables(**{**settings, **changes})  # type: ignore[arg-type]


def test_a_tenth_of_the_rows_is_held_out_and_judged_by_accuracy(tmp_path: Path) -> None:
    data = table_data(tables(tmp_path), tiny_tokenizer(), max_length=16)
    assert (len(data.train), len(data.valid), data.labels, data.kind) == (108, 12, ("bad", "good"), "classification")
    assert data.words() == "train: 108 examples to learn from, 12 to judge on, labels 'bad', 'good'"
    good = tiny_tokenizer().convert_tokens_to_ids("good")
    knowing = Saying(lambda ids_BT: torch.stack([torch.full((len(ids_BT),), 0.5), (ids_BT == good).any(-1).float()], -1))
    assert data.judge(knowing) == {"accuracy": 1.0} and 0.5 <= data.trivial < 1.0
    stubborn = Saying(lambda ids_BT: torch.tensor([[1.0, 0.0]]).expand(len(ids_BT), 2))
    assert max(data.judge(stubborn)["accuracy"], 1 - data.judge(stubborn)["accuracy"]) == pytest.approx(data.trivial)
    assert data.beats(1.0, data.trivial) and not data.beats(data.trivial, data.trivial)


def test_a_valid_table_means_the_same_labels_and_a_limit_cuts_the_train_table(tmp_path: Path) -> None:
    valid = tiny_table(tmp_path / "valid.csv", rows=20)
    data = table_data(tables(tmp_path, valid=valid), tiny_tokenizer(), max_length=16, limit=30)
    assert (len(data.train), len(data.valid)) == (30, 20) and data.trivial < 0.8
    assert data.train[0].columns["input_ids"][0] == 2 and data.train[0].columns["input_ids"][-1] == 3
    assert len(table_data(tables(tmp_path), tiny_tokenizer(), max_length=4).train[0].columns["input_ids"]) == 4


def test_what_is_held_out_does_not_follow_the_order_of_the_table(tmp_path: Path) -> None:
    table = tmp_path / "in-turn.csv"
    table.write_text("text,label\n" + "a good film,good\na bad film,bad\n" * 100)
    data = table_data(tables(tmp_path, train=table), tiny_tokenizer(), max_length=8)
    assert (len(data.train), len(data.valid)) == (180, 20) and 0.5 <= data.trivial < 0.8
    table.write_text("text,label\n" + "a good film,good\n" * 100 + "a bad film,bad\n" * 100)
    few = table_data(tables(tmp_path, train=table), tiny_tokenizer(), max_length=8, limit=40)
    assert 10 < sum(example.label == 0 for example in few.train) < 30


def test_one_label_alone_is_nothing_to_judge_on(tmp_path: Path) -> None:
    valid = tmp_path / "valid.csv"
    valid.write_text("text,label\na good film,good\na good book,good\n")
    with pytest.raises(UsageError, match=r"all 2 examples to judge on \(.*valid.csv\) have the same label"):
        table_data(tables(tmp_path, valid=valid), tiny_tokenizer(), max_length=8)


def test_too_few_rows_unknown_tasks_and_tokenizers_without_padding_are_refused(tmp_path: Path) -> None:
    short = tiny_table(tmp_path / "short.csv", rows=8)
    with pytest.raises(UsageError, match="too few to hold a tenth out"):
        table_data(tables(tmp_path, train=short), tiny_tokenizer(), max_length=8)
    numbered = tmp_path / "numbered.csv"
    numbered.write_text("text,label\n" + "".join(f"a film,{number}\n" for number in range(40)))
    with pytest.raises(UsageError, match="40 labels in 40 rows, too many to be classes: name another column, or set kind"):
        table_data(tables(tmp_path, train=numbered), tiny_tokenizer(), max_length=8)
    with pytest.raises(UsageError, match="there is no task 'sst3'"):
        named_data("sst3", tiny_tokenizer(), max_length=8)
    tokenizer = tiny_tokenizer()
    tokenizer.pad_token = None
    with pytest.raises(UsageError, match="has no padding token"):
        pad_id_of(tokenizer)


@pytest.mark.data
def test_pairs_and_numbers_of_glue(data_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = named_data("stsb", tiny_tokenizer(), max_length=32, limit=50, data_root=data_root)
    assert data.kind == "regression" and (len(data.train), len(data.valid)) == (50, 1500)
    perfect = [np.array(example.label, dtype=np.float32) for example in data.valid]
    monkeypatch.setattr(task_data, "read_logits", lambda *_, **__: perfect)
    assert data.judge(Saying(lambda ids_BT: ids_BT))["spearman"] == pytest.approx(1.0)
    assert list(data.train[0].columns["input_ids"]).count(3) == 2  # Both texts end with a separator.
