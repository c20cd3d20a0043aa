import dataclasses
from pathlib import Path

import torch
from tests.pruning.tiny import tiny_model
from tests.recipes.test_prune import config
from transformers import GPT2Config, GPT2ForSequenceClassification

from laconic.model.folder import load_any
from laconic.recipes.prune_loading import common_positions, load_data, load_student, load_teacher, positions_of
from laconic.recipes.registry import RunOptions


def test_a_student_has_a_head_for_the_labels_of_its_data(tmp_path: Path) -> None:
    setup = config(tmp_path)
    tokenizer, data = load_data(setup, RunOptions())
    model = load_student(setup, data)
    assert model.config.id2label == {0: "bad", 1: "good"} and len(tokenizer) <= model.config.vocab_size
    assert {len(data.train), len(data.valid)} == {108, 12}


def test_weights_of_16_bits_are_trained_in_32(tmp_path: Path) -> None:
    setup = config(tmp_path)
    encoder = load_any(Path(setup.model)).to(torch.bfloat16)
    encoder.save_pretrained(setup.model)
    data = load_data(setup, RunOptions())[1]
    model = load_student(setup, data)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    model.save_pretrained(tmp_path / "teacher")
    model.to(torch.float16).save_pretrained(tmp_path / "teacher")
    taught = load_teacher(config(tmp_path, teacher=str(tmp_path / "teacher")), data)
    assert taught.dtype == torch.float32


def test_labels_of_a_table_can_be_said_to_be_numbers(tmp_path: Path) -> None:
    setup = config(tmp_path)
    rows = Path(setup.data).read_text().splitlines()
    marks = [rows[0], *(f"{row.rpartition(',')[0]},{1 + place % 5}" for place, row in enumerate(rows[1:]))]
    Path(setup.data).write_text("\n".join(marks))
    kinds = [load_data(dataclasses.replace(setup, kind=kind), RunOptions())[1].kind for kind in ("", "regression")]
    assert kinds == ["classification", "regression"]


def test_roberta_counts_positions_from_behind_its_padding() -> None:
    assert positions_of(tiny_model("bert")) == 512
    assert positions_of(tiny_model("roberta")) == 63


def test_a_decoder_that_teaches_knows_what_padding_is_and_its_positions_count(tmp_path: Path) -> None:
    shape = GPT2Config(vocab_size=16, n_embd=8, n_layer=1, n_head=2, n_positions=40, bos_token_id=2, eos_token_id=3)
    GPT2ForSequenceClassification(shape).save_pretrained(tmp_path / "decoder")
    setup = config(tmp_path, teacher=str(tmp_path / "decoder"))
    data = load_data(setup, RunOptions())[1]
    model = load_teacher(setup, data).eval()
    assert model.config.pad_token_id == data.pad_id == 0 and data.judge(model)["accuracy"] >= 0
    assert common_positions(setup, data) == 40 and common_positions(config(tmp_path), data) == 64
