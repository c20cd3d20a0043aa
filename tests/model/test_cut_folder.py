"""Folders of cut models open as what they were, everywhere; and laconic never runs the code they carry."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.model import cut_models as tiny
from tests.tiny_encoder import tiny_tokenizer
from transformers import AutoModel, AutoTokenizer, BertConfig, BertForSequenceClassification, PreTrainedModel

from laconic.errors import CorruptFileError, OutputError, UsageError
from laconic.model import cut
from laconic.model.cut_folder import CODE, save_cut, save_with_tokenizer
from laconic.model.folder import load_any, load_model, save_model
from laconic.model.sizes import build_model

cut.register()
AUTO = {found.__name__: auto for auto, classes in cut.TASKS.items() for found in classes}


NARROW = [(name, tiny.NARROW) for name in tiny.CLASSES if name not in tiny.WIDE_ONLY]


def model_of(name: str, width: int | None = None) -> PreTrainedModel:
    return tiny.build(name, tiny.ragged(tiny.family(tiny.CLASSES[name])), width=width)


def said(model: Any) -> list[torch.Tensor]:
    return tiny.numbers(model(tiny.IDS))


@pytest.mark.parametrize(("name", "width"), [*((name, None) for name in tiny.CLASSES), *NARROW])
def test_every_class_comes_back(name: str, width: int | None, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    model = model_of(name, width)
    save_cut(model, tmp_path / "m")
    again, found = AUTO[name].from_pretrained(tmp_path / "m", output_loading_info=True)
    assert not any(found.values()), found
    ways = [again, load_any(tmp_path / "m")]
    assert "Warning" not in (shown := "".join(capfd.readouterr())) and "[transformers]" not in shown
    for other in ways:
        assert type(other) is type(model)
        assert all(torch.equal(ours, theirs) for ours, theirs in zip(said(other), said(model), strict=True))
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_shards_are_put_together_in_models_without_storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_of("CutLlamaForCausalLM")
    model.save_pretrained(tmp_path, max_shard_size="10KB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 2
    shape, seen = cut._shape, set[str]()

    def watch(model: Any) -> None:
        shape(model)
        seen.update(parameter.device.type for parameter in model.parameters())

    monkeypatch.setattr(cut, "_shape", watch)
    again, found = AUTO["CutLlamaForCausalLM"].from_pretrained(tmp_path, output_loading_info=True)
    assert not any(found.values())
    assert seen == {"meta"}
    assert torch.equal(again(tiny.IDS).logits, model(tiny.IDS).logits)


def test_folders_open_where_laconic_is_not_installed(tmp_path: Path) -> None:
    models = {name: model_of(name) for name in tiny.CLASSES}
    models |= {f"Narrow{name}": model_of(name, width) for name, width in NARROW}
    for name, model in models.items():
        save_cut(model, tmp_path / "all" / name)
    save_file({"ids": tiny.IDS}, tmp_path / "all" / "ids.safetensors")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"HF_HUB_OFFLINE": "1", "HF_MODULES_CACHE": str(tmp_path / "modules"), "HF_HOME": str(tmp_path / "home")}
    script = Path(__file__).with_name("open_alone.py")
    result = subprocess.run(
        [sys.executable, "-I", str(script), str(tmp_path / "all")], env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    for name, model in models.items():
        outputs = load_file(tmp_path / "all" / f"{name}.safetensors")
        assert torch.equal(outputs["0"], said(model)[0]), name
        if "words" in outputs:
            words = model.generate(tiny.IDS, max_new_tokens=5, do_sample=False, pad_token_id=0)  # type: ignore[operator]
            assert torch.equal(outputs["words"], words), name


def test_the_code_in_a_folder_is_never_run(tmp_path: Path) -> None:
    model = model_of("CutGPT2LMHeadModel")
    save_cut(model, tmp_path / "m")
    trace = tmp_path / "trace"
    (tmp_path / "m" / CODE).write_text(f"import pathlib\npathlib.Path({str(trace)!r}).touch()\n")
    for load in (load_any, load_model):
        assert torch.equal(said(load(tmp_path / "m"))[0], said(model)[0])
    config = tmp_path / "m" / "config.json"
    config.write_text(config.read_text().replace('"laconic_gpt2"', '"something_else"'))
    for load in (load_any, load_model):
        with pytest.raises(UsageError, match="holds a model of type 'something_else'"):
            load(tmp_path / "m")
    assert not trace.exists()


def test_only_this_folder_names_its_code(tmp_path: Path) -> None:
    """A plain save has no code beside it, so it names none: neither of a model saved with code before, nor of one read so."""
    model = model_of("CutBertForMaskedLM")
    save_cut(model, tmp_path / "cut")
    assert json.loads((tmp_path / "cut" / "config.json").read_text())["auto_map"] == cut.auto_map(model)
    assert (tmp_path / "cut" / CODE).read_bytes() == Path(cut.__file__).read_bytes()
    for number, plain in enumerate((model, load_any(tmp_path / "cut"))):
        save_model(plain, tmp_path / f"plain{number}")
        assert "auto_map" not in json.loads((tmp_path / f"plain{number}" / "config.json").read_text())
        assert all(path.suffix in (".json", ".safetensors") for path in (tmp_path / f"plain{number}").iterdir())


class FullDisk:
    def save_pretrained(self, folder: Path, **more: Any) -> None:
        raise OSError(28, "No space left on device")


def test_a_folder_appears_whole_or_stays_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="BertForSequenceClassification is not a class of cut models"):
        save_cut(stock_classifier(), tmp_path / "m")
    assert not list(tmp_path.iterdir())
    save_cut(model_of("CutBertModel"), tmp_path / "m")
    before = (tmp_path / "m" / "config.json").read_bytes()
    model = model_of("CutRobertaModel")
    monkeypatch.setattr(type(model), "save_pretrained", FullDisk.save_pretrained)
    with pytest.raises(OutputError, match="No space left on device; nothing new was left behind"):
        save_cut(model, tmp_path / "m")
    assert [path.name for path in tmp_path.iterdir()] == ["m"]
    assert (tmp_path / "m" / "config.json").read_bytes() == before


def test_a_folder_that_cannot_be_put_in_its_place_leaves_the_old_one_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_cut(model_of("CutBertModel"), tmp_path / "m")
    before, rename = (tmp_path / "m" / "config.json").read_bytes(), Path.rename

    def fail(path: Path, target: Path) -> Path:
        if path.suffix == ".part":
            raise OSError(5, "Input/output error")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OutputError, match="Input/output error; nothing new was left behind"):
        save_cut(model_of("CutRobertaModel"), tmp_path / "m")
    assert [path.name for path in tmp_path.iterdir()] == ["m"]
    assert (tmp_path / "m" / "config.json").read_bytes() == before


def stock_classifier() -> PreTrainedModel:
    config = BertConfig(**tiny.FIELDS["bert"], num_labels=5)
    return tiny.loud(BertForSequenceClassification(config))


def test_models_of_any_task_open_as_what_they_are(tmp_path: Path) -> None:
    classifier = stock_classifier()
    banded = build_model("tiny", vocab_size=21, context=16, seed=0, cutoffs=(5, 11), factor=2)
    backbone = AutoModel.from_config(tiny.whole("mistral"))
    for model in (classifier, banded, backbone):
        save_model(model, tmp_path / "m")
        again = load_any(tmp_path / "m")
        assert type(again) is type(model)
        assert all(torch.equal(one, two) for one, two in zip(again.parameters(), model.parameters(), strict=True))


def test_a_task_that_is_not_known_is_named(tmp_path: Path) -> None:
    save_model(stock_classifier(), tmp_path / "m")
    config = tmp_path / "m" / "config.json"
    config.write_text(config.read_text().replace("BertForSequenceClassification", "BertForNextSentencePrediction"))
    with pytest.raises(CorruptFileError, match="of class BertForNextSentencePrediction, whose task is not known"):
        load_any(tmp_path / "m")


@pytest.mark.parametrize("cut_one", [False, True])
def test_any_model_is_written_with_its_tokenizer_and_other_tensors(cut_one: bool, tmp_path: Path) -> None:
    model = model_of("CutBertForSequenceClassification") if cut_one else stock_classifier()
    state = {name: torch.zeros_like(tensor) for name, tensor in model.state_dict().items()}
    save_with_tokenizer(model, tmp_path / "m", tiny_tokenizer(), state=state)
    assert (tmp_path / "m" / CODE).exists() == cut_one
    assert AutoTokenizer.from_pretrained(tmp_path / "m").get_vocab() == tiny_tokenizer().get_vocab()
    again = load_any(tmp_path / "m")
    assert type(again) is type(model)
    assert not any(parameter.any() for parameter in again.parameters())
