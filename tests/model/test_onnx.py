"""ONNX files answer as their models do, at any batch and length, with any heads and units in their layers."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    BertConfig,
    BertForSequenceClassification,
    PreTrainedModel,
)

from laconic.errors import CorruptFileError, MissingExtraError, OutputError, UsageError
from laconic.model import onnx as ours
from laconic.model.onnx import VOCAB_SIZE, OnnxModel, export_onnx, open_session, quantize_onnx, verify_onnx

WIDTH, HEAD = 32, 8
CLOSE = 1e-5
ENCODERS: dict[str, dict[str, Any]] = {
    "bert": {"intermediate_size": 48},
    "roberta": {"intermediate_size": 48, "max_position_embeddings": 80},
    "distilbert": {"dim": WIDTH, "n_heads": 4, "n_layers": 2, "hidden_dim": 48},
}
DECODERS: dict[str, dict[str, Any]] = {
    "llama": {"num_key_value_heads": 2, "intermediate_size": 48},
    "gpt2": {"n_embd": WIDTH, "n_head": 4, "n_layer": 2},
    "opt": {"ffn_dim": 48, "word_embed_proj_dim": WIDTH},
}


class NoAttention(nn.Module):
    """Hands on what it is given."""

    def forward(self, hidden: Tensor, *_: Any, **__: Any) -> tuple[Tensor, None]:
        return hidden, None


class NoOutput(nn.Module):
    """Hands on what would be added to."""

    def forward(self, _: Tensor, residual: Tensor) -> Tensor:
        return residual


def tiny(kind: str, build: Any, **fields: Any) -> PreTrainedModel:
    torch.manual_seed(0)
    common = {"vocab_size": 50, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
    if kind not in ("distilbert", "gpt2"):
        common |= {"hidden_size": WIDTH, "num_hidden_layers": 2, "num_attention_heads": 4}
    model = build.from_config(AutoConfig.for_model(kind, **common, **(ENCODERS | DECODERS)[kind], **fields))
    # Fresh weights are so small that wrong answers would lie close to right ones.
    for parameter in model.parameters():
        if parameter.ndim > 1:
            nn.init.normal_(parameter, std=0.3)
    return model


def cut(model: PreTrainedModel) -> PreTrainedModel:
    """One head of four in the first layer, no attention and no units in the second, no heads but their bias in the third."""
    first, second, third = model.bert.encoder.layer
    for layer, heads in ((first, 1), (third, 0)):
        attention = layer.attention.self
        for linear in (attention.query, attention.key, attention.value):
            linear.weight, linear.bias = (nn.Parameter(part.data[: heads * HEAD]) for part in (linear.weight, linear.bias))
        out = layer.attention.output.dense
        out.weight = nn.Parameter(out.weight.data[:, : heads * HEAD])
    first.intermediate.dense.weight = nn.Parameter(first.intermediate.dense.weight.data[:5])
    first.intermediate.dense.bias = nn.Parameter(first.intermediate.dense.bias.data[:5])
    first.output.dense.weight = nn.Parameter(first.output.dense.weight.data[:, :5])
    second.attention, second.intermediate, second.output = NoAttention(), nn.Identity(), NoOutput()
    return model


def agreement(model: PreTrainedModel, path: Path) -> float:
    return max(verify_onnx(model, path, batch=batch, length=length) for batch, length in ((1, 1), (3, 5), (2, 40)))


@pytest.mark.parametrize("kind", ENCODERS)
@pytest.mark.parametrize("build", [AutoModelForSequenceClassification, AutoModelForQuestionAnswering, AutoModel])
def test_encoders_answer_alike(kind: str, build: Any, tmp_path: Path) -> None:
    model = tiny(kind, build)
    export_onnx(model, tmp_path / "model.onnx")
    assert agreement(model, tmp_path / "model.onnx") < CLOSE


@pytest.mark.parametrize("kind", DECODERS)
@pytest.mark.parametrize("build", [AutoModelForCausalLM, AutoModel])
def test_decoders_answer_alike(kind: str, build: Any, tmp_path: Path) -> None:
    model = tiny(kind, build)
    export_onnx(model, tmp_path / "model.onnx")
    assert agreement(model, tmp_path / "model.onnx") < CLOSE


def test_layers_that_were_cut_answer_alike(tmp_path: Path) -> None:
    whole = tiny("bert", AutoModelForSequenceClassification, num_labels=3)
    whole.bert.encoder.layer.append(tiny("bert", AutoModel).encoder.layer[0])
    export_onnx(whole, tmp_path / "whole.onnx")
    model = cut(whole)
    export_onnx(model, tmp_path / "cut.onnx")
    assert agreement(model, tmp_path / "cut.onnx") < CLOSE
    assert agreement(model, tmp_path / "whole.onnx") > 100 * CLOSE
    assert (tmp_path / "cut.onnx").stat().st_size < (tmp_path / "whole.onnx").stat().st_size


def test_inputs_stay_where_no_attention_is_left(tmp_path: Path) -> None:
    model = tiny("bert", AutoModelForSequenceClassification)
    for layer in model.bert.encoder.layer:
        layer.attention = NoAttention()
    export_onnx(model, tmp_path / "model.onnx")
    assert agreement(model, tmp_path / "model.onnx") < CLOSE


def test_a_file_says_what_goes_in_and_out(tmp_path: Path) -> None:
    export_onnx(tiny("bert", AutoModelForQuestionAnswering), tmp_path / "model.onnx")
    session = open_session(tmp_path / "model.onnx", threads=1)
    names = [[item.name for item in side] for side in (session.get_inputs(), session.get_outputs())]
    assert names == [["input_ids", "attention_mask", "token_type_ids"], ["start_logits", "end_logits"]]
    assert all(item.shape == ["batch", "sequence"] for item in (*session.get_inputs(), *session.get_outputs()))
    assert session.get_modelmeta().custom_metadata_map[VOCAB_SIZE] == "50"


def test_exporting_leaves_the_model_as_it_was(tmp_path: Path) -> None:
    model = tiny("bert", AutoModelForSequenceClassification)
    model.train()
    model.bert.encoder.train(False)
    before = [module.training for module in model.modules()]
    export_onnx(model, tmp_path / "model.onnx")
    verify_onnx(model, tmp_path / "model.onnx")
    assert [module.training for module in model.modules()] == before


def test_a_difference_is_seen(tmp_path: Path) -> None:
    model = tiny("bert", AutoModelForSequenceClassification)
    export_onnx(model, tmp_path / "model.onnx")
    with torch.no_grad():
        model.classifier.bias[1] += 0.5
    assert 0.1 < verify_onnx(model, tmp_path / "model.onnx") <= 0.5


def test_differences_are_shares_of_large_answers(tmp_path: Path) -> None:
    model = tiny("bert", AutoModelForSequenceClassification)
    with torch.no_grad():
        model.classifier.weight *= 1e6
    export_onnx(model, tmp_path / "model.onnx")
    assert verify_onnx(model, tmp_path / "model.onnx") < CLOSE
    with torch.no_grad():
        model.classifier.weight *= 2
    assert 0.3 < verify_onnx(model, tmp_path / "model.onnx") <= 0.5


def test_eight_bits_are_smaller_and_near(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=2000, hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128, num_labels=3
    )
    model = BertForSequenceClassification(config)
    export_onnx(model, tmp_path / "model.onnx")
    quantize_onnx(tmp_path / "model.onnx", tmp_path / "small.onnx")
    assert (tmp_path / "small.onnx").stat().st_size < (tmp_path / "model.onnx").stat().st_size / 2
    assert 0 < verify_onnx(model, tmp_path / "small.onnx") < 0.02
    assert open_session(tmp_path / "small.onnx").get_modelmeta().custom_metadata_map[VOCAB_SIZE] == "2000"
    weights = onnx.load(tmp_path / "small.onnx").graph.initializer
    table = max(weights, key=lambda weight: len(weight.raw_data))
    assert (len(table.raw_data), list(table.dims)) == (2000 * 64, [2000, 64])
    assert not caplog.records


def test_what_cannot_be_is_said_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny("bert", AutoModelForSequenceClassification)
    with pytest.raises(OutputError, match="cannot write"):
        export_onnx(model, tmp_path / "nowhere" / "model.onnx")
    with pytest.raises(UsageError, match="is no file"):
        verify_onnx(model, tmp_path / "model.onnx")
    (tmp_path / "model.onnx").write_bytes(b"no model")
    for read in (lambda path: verify_onnx(model, path), lambda path: quantize_onnx(path, path)):
        with pytest.raises(CorruptFileError, match="cannot be read as ONNX"):
            read(tmp_path / "model.onnx")
    assert (tmp_path / "model.onnx").read_bytes() == b"no model"
    with pytest.raises(ValueError, match="length"):
        export_onnx(model, tmp_path / "model.onnx", length=1)
    monkeypatch.setattr(ours, "LARGEST", 1000)
    with pytest.raises(UsageError, match="at most 1,000"):
        export_onnx(model, tmp_path / "model.onnx")


@pytest.mark.parametrize("package", ["onnx", "onnxruntime", "onnxruntime.quantization"])
def test_a_missing_package_is_named(package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, path = tiny("bert", AutoModelForSequenceClassification), tmp_path / "model.onnx"
    export_onnx(model, path)
    uses: dict[str, Callable[[], Any]] = {
        "onnx": lambda: export_onnx(model, path),
        "onnxruntime": lambda: verify_onnx(model, path),
        "onnxruntime.quantization": lambda: quantize_onnx(path, path),
    }
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=r"laconic\[onnx\]"):
        uses[package]()


@pytest.mark.parametrize("auto", [AutoModelForSequenceClassification, AutoModelForQuestionAnswering])
def test_a_file_stands_in_for_its_model(auto: Any, tmp_path: Path) -> None:
    model = tiny("bert", auto).eval()
    export_onnx(model, tmp_path / "m.onnx")
    ids = torch.randint(3, 50, (3, 11), generator=torch.Generator().manual_seed(0))
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    said, found = model(**inputs), OnnxModel(tmp_path / "m.onnx").train(False)(**inputs)
    assert found.keys() == said.keys()
    assert all(torch.allclose(found[name], said[name], atol=CLOSE) for name in said)
    assert found[next(iter(found))] is getattr(found, next(iter(found)))
    unmasked = OnnxModel(tmp_path / "m.onnx").train(False)(input_ids=ids)
    assert all(torch.equal(unmasked[name], found[name]) for name in said)
