"""Models survive a folder, and folders that could run code are refused."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertForQuestionAnswering, BertForSequenceClassification, BertModel

from laconic.errors import CorruptFileError, UsageError
from laconic.model.folder import load_any, load_model, load_with_head, save_model
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


def test_what_a_config_says_has_to_be_known_and_to_be_what_weights_are(tmp_path: Path) -> None:
    save_model(BertModel(BertConfig(**SHAPE)), tmp_path / "encoder")
    path = tmp_path / "encoder" / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps(config | {"intermediate_size": 12}))
    with pytest.raises(CorruptFileError, match=r"holds bert\.encoder\..* as \[8, 8\]|as \[8\], but its config\.json asks for"):
        load_with_head(tmp_path / "encoder")
    path.write_text(json.dumps(config | {"model_type": "wombat"}))
    with pytest.raises(UsageError, match=r"holds a model of type 'wombat', which transformers .* does not know"):
        load_with_head(tmp_path / "encoder")
    path.write_text("{}")
    with pytest.raises(CorruptFileError, match="is not the config of a model"):
        load_with_head(tmp_path / "encoder")


def test_a_head_whose_labels_have_other_names_is_refused(tmp_path: Path) -> None:
    trained = BertForSequenceClassification(BertConfig(**SHAPE, id2label={0: "x", 1: "y"}, label2id={"x": 0, "y": 1}))
    save_model(trained, tmp_path / "model")
    assert load_with_head(tmp_path / "model", labels=("X", "y")).config.id2label == {0: "X", 1: "y"}
    with pytest.raises(UsageError, match="tells x, y, but y, x are to be told, in this order"):
        load_with_head(tmp_path / "model", labels=("y", "x"))


@pytest.mark.parametrize("gone", ["", "layer.0.attention.self.query"])
def test_weights_that_are_missing_are_not_made_up(gone: str, tmp_path: Path) -> None:
    encoder = BertModel(BertConfig(**SHAPE))
    tensors = encoder.state_dict().items()
    kept = {name if gone else f"other.{name}": tensor for name, tensor in tensors if not gone or gone not in name}
    encoder.save_pretrained(tmp_path / "encoder")
    save_file(kept, tmp_path / "encoder" / "model.safetensors", metadata={"format": "pt"})
    for load in (load_any, load_with_head):
        with pytest.raises(CorruptFileError, match=r"holds weights without .*, which its config\.json asks for"):
            load(tmp_path / "encoder")
