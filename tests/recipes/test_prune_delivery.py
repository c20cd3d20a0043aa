"""What is delivered says what the model says: to the bit where words are left out, nearly so where tables are halved."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from tests.pruning.tiny import tiny_model
from tests.tiny_encoder import tiny_tokenizer
from torch import nn
from transformers import AutoTokenizer, BertTokenizer, PreTrainedModel, PreTrainedTokenizerBase, pipeline

import laconic
from laconic.errors import LaconicError, MissingExtraError, UsageError
from laconic.model.cut_folder import CODE
from laconic.model.onnx import OnnxModel
from laconic.pruning.cutting import cut
from laconic.pruning.masks import Structure
from laconic.pruning.parts import count_parts
from laconic.recipes import prune_delivery
from laconic.recipes.prune_delivery import DONE, FOLDER, INT8, ONNX, Deliverer, require_deliverable

TOKENS = [
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "never", "good", "bad", "##ly", "film", *"abdefgilmnorvy",
    *(f"##{letter}" for letter in "abdefgilmnorvy"),
]  # fmt: skip
TEXTS = ["good film", "badly good bad film film good"]


def tokenizer() -> BertTokenizer:
    return BertTokenizer(vocab={token: number for number, token in enumerate(TOKENS)})


def cut_model() -> PreTrainedModel:
    """Three layers: without attention, without units, and with some of both."""
    model = tiny_model("bert")
    structure = Structure.whole(count_parts(model))
    structure.head_LH[0] = False
    structure.unit_LU[1] = False
    structure.head_LH[2, 1:] = False
    return cut(model, structure.masks())


class Judge:
    """Notes what it is to judge."""

    def __init__(self) -> None:
        self.judged: list[type] = []
        self.tokens: list[int] = []

    def scores(self, tokens: PreTrainedTokenizerBase) -> Callable[[nn.Module], dict[str, float]]:
        self.tokens.append(len(tokens))

        def score(model: nn.Module) -> dict[str, float]:
            self.judged.append(type(model))
            return {"accuracy": 0.5}

        return score


def deliverer(judge: Judge, *asked: str) -> Deliverer:
    used = {number for ids in tokenizer()(TEXTS)["input_ids"] for number in ids}
    return Deliverer(asked=asked, tokenizer=tokenizer(), used=used, length=20, scores=judge.scores)


def logits(model: Any, tokens: PreTrainedTokenizerBase) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = model(**tokens(TEXTS, return_tensors="pt", padding=True)).logits
    return found


def test_nothing_is_delivered_unless_asked_for(tmp_path: Path) -> None:
    assert deliverer(Judge()).deliver(cut_model(), tmp_path) == {}
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("dense", [False, True])
def test_half_a_table_says_the_same_up_to_its_rounding(tmp_path: Path, dense: bool) -> None:
    model, judge = tiny_model("bert") if dense else cut_model(), Judge()
    told = deliverer(judge, "half").deliver(model, tmp_path)
    assert told == {"vocabulary": model.config.vocab_size, "scores": {"accuracy": 0.5}}
    delivered = laconic.load(tmp_path / FOLDER)
    assert judge.judged == [type(model)] and type(delivered) is type(model)
    with safe_open(tmp_path / FOLDER / "model.safetensors", framework="pt") as file:
        kinds = {name: file.get_tensor(name).dtype for name in file.keys()}  # noqa: SIM118
    assert all((kind == torch.float16) == ("_embeddings" in name) for name, kind in kinds.items())
    read = AutoTokenizer.from_pretrained(tmp_path / FOLDER)
    difference = (logits(delivered, read) - logits(model, tokenizer())).abs().max()
    assert 0 < difference < 1e-2


def test_fewer_words_say_the_same_of_texts_that_have_no_others(tmp_path: Path) -> None:
    model, judge = cut_model(), Judge()
    told = deliverer(judge, "trimmed").deliver(model, tmp_path)
    delivered, read = laconic.load(tmp_path / FOLDER), AutoTokenizer.from_pretrained(tmp_path / FOLDER)
    assert told["vocabulary"] == delivered.config.vocab_size == len(read) == len(TOKENS) - 1 == judge.tokens[0]
    assert torch.equal(logits(delivered, read), logits(model, tokenizer()))
    assert tokenizer().tokenize("never") == ["never"] and read.tokenize("never") == ["n", "##e", "##v", "##e", "##r"]
    said = pipeline("text-classification", model=delivered, tokenizer=read)("good film")[0]["label"]
    assert said in model.config.id2label.values()
    assert "auto_map" in json.loads((tmp_path / FOLDER / "config.json").read_text())
    assert (tmp_path / FOLDER / CODE).is_file()


def test_onnx_files_answer_as_the_folder_and_are_judged_in_eight_bits(tmp_path: Path) -> None:
    judge = Judge()
    told = deliverer(judge, "int8", "half", "trimmed").deliver(cut_model(), tmp_path)
    delivered, read = laconic.load(tmp_path / FOLDER), AutoTokenizer.from_pretrained(tmp_path / FOLDER)
    assert judge.judged == [type(delivered), OnnxModel]
    assert told["int8"] == {"accuracy": 0.5} and 0 <= told["onnx"] < 1e-5
    said = logits(delivered, read)
    assert torch.allclose(logits(OnnxModel(tmp_path / FOLDER / ONNX), read), said, atol=1e-5)
    assert torch.allclose(logits(OnnxModel(tmp_path / FOLDER / INT8), read), said, atol=0.1 * float(said.abs().max()))


def test_a_delivery_is_done_once_and_again_where_it_was_not_finished(tmp_path: Path) -> None:
    judge = Judge()
    told = deliverer(judge, "onnx").deliver(cut_model(), tmp_path)
    first = (tmp_path / FOLDER / ONNX).stat().st_mtime_ns
    assert deliverer(judge, "onnx").deliver(cut_model(), tmp_path) == told
    assert (tmp_path / FOLDER / ONNX).stat().st_mtime_ns == first and len(judge.judged) == 1
    (tmp_path / FOLDER / DONE).unlink()
    assert deliverer(judge, "onnx").deliver(cut_model(), tmp_path) == told
    assert (tmp_path / FOLDER / ONNX).stat().st_mtime_ns > first and len(judge.judged) == 2


@pytest.mark.parametrize("difference", [0.5, float("nan")])
def test_an_onnx_file_that_answers_otherwise_is_not_delivered(
    difference: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prune_delivery, "verify_onnx", lambda *_, **__: difference)
    with pytest.raises(LaconicError, match=rf"answers otherwise than its model, by {difference}: deliver without onnx"):
        deliverer(Judge(), "onnx").deliver(cut_model(), tmp_path)
    assert not (tmp_path / FOLDER / DONE).exists()


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_what_is_missing_is_said_first(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    require_deliverable(("half", "trimmed"), tokenizer(), "classification")
    for asked in ("onnx", "int8"):
        with pytest.raises(MissingExtraError, match=rf"delivering ONNX files needs the package '{package}'.*laconic\[onnx\]"):
            require_deliverable((asked,), tokenizer(), "classification")


def test_a_vocabulary_of_another_kind_is_refused_first() -> None:
    require_deliverable(("onnx", "half"), tiny_tokenizer(), "classification")
    with pytest.raises(UsageError, match="kind WordLevel, but only WordPiece and BPE can be trimmed"):
        require_deliverable(("trimmed",), tiny_tokenizer(), "classification")


def test_of_a_language_model_only_embeddings_are_made_smaller() -> None:
    require_deliverable(("half",), tiny_tokenizer(), "language")
    with pytest.raises(UsageError, match="language models are not delivered as int8, onnx"):
        require_deliverable(("half", "onnx", "int8"), tiny_tokenizer(), "language")
