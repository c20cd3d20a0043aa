"""Models survive a folder, and folders that could run code are refused."""

from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertForQuestionAnswering, BertForSequenceClassification, BertModel

from laconic.errors import CorruptFileError, UsageError
from laconic.model.folder import load_model, load_with_head, save_model
from laconic.model.sizes import build_model


def test_round_trip_is_exact_and_pickle_free(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    model = build_model("tiny", vocab_size=32, context=8, seed=3)
    save_model(build_model("tiny", vocab_size=32, context=8, seed=4), tmp_path / "m")
    save_model(model, tmp_path / "m")
    again = load_model(tmp_path / "m")
    assert capfd.readouterr() == ("", "")
    assert [path.name for path in tmp_path.iterdir()] == ["m"]
    assert not [path for path in (tmp_path / "m").iterdir() if path.suffix not in (".json", ".safetensors")]
    for one, two in zip(model.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, two)


def test_missing_damaged_and_pickled_models_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds no config\.json"):
        load_model(tmp_path)
    save_model(build_model("tiny", vocab_size=32, context=8, seed=3), tmp_path / "m")
    weights = tmp_path / "m" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(CorruptFileError, match="cannot be read"):
        load_model(tmp_path / "m")
    weights.rename(weights.with_name("pytorch_model.bin"))
    with pytest.raises(CorruptFileError, match="pickled weights are not read"):
        load_model(tmp_path / "m")


SHAPE = {"vocab_size": 20, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}


def test_a_fresh_head_depends_on_the_seed_alone_and_knows_its_labels(tmp_path: Path) -> None:
    save_model(BertModel(BertConfig(**SHAPE)), tmp_path / "encoder")
    first, again, other = (load_with_head(tmp_path / "encoder", labels=("no", "yes"), seed=seed) for seed in (1, 1, 2))
    assert torch.equal(first.classifier.weight, again.classifier.weight)
    assert not torch.equal(first.classifier.weight, other.classifier.weight)
    assert torch.equal(first.bert.pooler.dense.weight, other.bert.pooler.dense.weight)
    assert first.config.id2label == {0: "no", 1: "yes"} and not first.training
    number = load_with_head(tmp_path / "encoder")
    assert (number.config.num_labels, number.config.problem_type) == (1, "regression")
    assert isinstance(load_with_head(tmp_path / "encoder", span=True), BertForQuestionAnswering)


def test_a_head_that_fits_is_kept_and_one_for_other_labels_is_refused(tmp_path: Path) -> None:
    trained = BertForSequenceClassification(BertConfig(**SHAPE, num_labels=3))
    save_model(trained, tmp_path / "model")
    same = load_with_head(tmp_path / "model", labels=("a", "b", "c"), seed=5)
    assert torch.equal(same.classifier.weight, trained.classifier.weight)
    with pytest.raises(UsageError, match="is for other labels"):
        load_with_head(tmp_path / "model", labels=("a", "b"))
