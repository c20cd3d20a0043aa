"""Once laconic.hf is imported, transformers opens laconic's models by itself."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.model import cut_models as tiny
from transformers import AutoModelForSequenceClassification, AutoTokenizer, BertTokenizerFast, pipeline

import laconic
import laconic.hf
from laconic.errors import UsageError
from laconic.model.cut_folder import save_cut

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "brevity", "is", "the", "soul", "of", "wit", "##s"]


def saved(folder: Path) -> Any:
    labels = {0: "dull", 1: "fair", 2: "witty"}
    names = {name: number for number, name in labels.items()}
    model = tiny.build("CutBertForSequenceClassification", tiny.ragged("bert"), id2label=labels, label2id=names)
    vocabulary = folder.parent / "vocab.txt"
    vocabulary.write_text("\n".join(WORDS) + "\n")
    save_cut(model, folder, tokenizer=BertTokenizerFast(vocab=str(vocabulary)))
    return model


def test_auto_classes_and_laconic_load_open_a_folder(tmp_path: Path) -> None:
    model = saved(tmp_path / "m")
    for again in (
        AutoModelForSequenceClassification.from_pretrained(tmp_path / "m"),
        laconic.load(tmp_path / "m"),
        laconic.load(str(tmp_path / "m")),
    ):
        assert type(again) is type(model)
        assert torch.equal(again(tiny.IDS).logits, model(tiny.IDS).logits)
    with pytest.raises(UsageError, match=r"holds no config\.json"):
        laconic.load(tmp_path)


def test_a_pipeline_classifies(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    model = saved(tmp_path / "m")
    classify = pipeline("text-classification", model=str(tmp_path / "m"), device="cpu")
    texts = ["Brevity is the soul of wit", "the wits"]
    found = classify(texts, top_k=None)
    assert "not supported" not in "".join(capfd.readouterr())
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "m")
    for text, scores in zip(texts, found, strict=True):
        with torch.no_grad():
            expected = model(**tokenizer(text, return_tensors="pt")).logits[0].softmax(-1)
        assert len(set(tokenizer(text)["input_ids"])) > 4
        for score in scores:
            torch.testing.assert_close(score["score"], float(expected[model.config.label2id[score["label"]]]))


def test_importing_it_is_enough_and_laconic_alone_stays_light(tmp_path: Path) -> None:
    """In a process of its own, where nothing else has registered the models."""
    saved(tmp_path / "m")
    script = (
        "import sys, laconic; assert 'torch' not in sys.modules; import laconic.hf; "
        "from transformers import AutoConfig, AutoModel; "
        f"model = AutoModel.from_pretrained({str(tmp_path / 'm')!r}); "
        "AutoConfig.for_model('laconic_adaptive_llama'); print(type(model).__module__, type(model).__name__)"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == ["laconic.model.cut", "CutBertModel"]
