"""Whole runs of seconds on decoders: language models on a text, and classifiers."""

import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.tiny_decoder import DECODERS, text_tokenizer, tiny_decoder, tiny_text
from tests.tiny_encoder import tiny_encoder, tiny_table, tiny_tokenizer
from transformers import GPT2Config, GPT2LMHeadModel

import laconic
from laconic.errors import LaconicError, TrainingError, UsageError
from laconic.recipes.language_data import Texts, language_data
from laconic.recipes.prune import run_prune
from laconic.recipes.prune_config import PruneConfig, StageConfig
from laconic.recipes.prune_measures import MeasureConfig
from laconic.recipes.registry import RunOptions

QUICK: dict[str, Any] = {
    "start": "teacher",
    "fine_tune": StageConfig(epochs=4, rate=1e-2, batch=16),
    "prepare": StageConfig(epochs=0),
    "prune": StageConfig(epochs=1, rate=3e-3, batch=16),
    "tune": StageConfig(epochs=1, rate=3e-3, batch=16),
    "measure": MeasureConfig(rounds=0),
    "sparsities": (0.5,), "units_at": 2.0, "warmup": 0.3, "evaluations": 2, "max_length": 16, "precision": "fp32",
}  # fmt: skip


def config(tmp_path: Path, family: str = "gpt2", **changes: Any) -> PruneConfig:
    folder = tmp_path / family
    model = folder if folder.is_dir() else tiny_decoder(folder, family)
    text = {"text": str(tiny_text(tmp_path / "text.txt"))}
    return PruneConfig(**{"model": str(model), **text, **QUICK, **changes})


@pytest.mark.parametrize("family", DECODERS)
def test_a_language_model_becomes_a_smaller_one_that_still_foretells_the_text(tmp_path: Path, family: str) -> None:
    out = tmp_path / "run"
    record = run_prune(config(tmp_path, family), out, RunOptions())
    whole, half = record.results["models"]
    assert record.results["metric"] == "bits_per_byte" and list(whole["scores"]) == ["bits_per_byte", "perplexity"]
    assert 0 <= half["real_sparsity"] - 0.5 < 0.05
    data = language_data(Texts(train=str(tmp_path / "text.txt")), text_tokenizer(), max_length=16)
    # Nobody knows which of two words comes, twice in each of its lines.
    assert whole["scores"]["bits_per_byte"] <= half["scores"]["bits_per_byte"] < data.trivial
    smaller = laconic.load(out / "sparsity-0.5" / "model")
    assert data.judge(smaller.eval()) == pytest.approx(half["scores"])
    assert sum(parameter.numel() for parameter in smaller.parameters()) == half["parameters"]["all"]
    prompt = text_tokenizer()("the good film", add_special_tokens=False)["input_ids"]
    said = smaller.generate(torch.tensor([[2, *prompt]]), max_new_tokens=2, do_sample=False, pad_token_id=0)
    # What so small a run has learned may be little; that it goes on with a text is what has to be.
    assert said[0][: len(prompt) + 1].tolist() == [2, *prompt] and len(said[0]) == len(prompt) + 3


@pytest.mark.parametrize("stage", ["teacher, step 7/", "sparsity-0.5/prune, step 5/", "sparsity-0.5/tune, step 3/"])
def test_a_run_that_is_interrupted_anywhere_ends_as_if_it_had_not_been(tmp_path: Path, stage: str) -> None:
    def interrupt(done: int, total: int | None, words: str) -> None:
        if words.startswith(stage):
            signal.raise_signal(signal.SIGINT)

    settings, whole, broken = config(tmp_path), tmp_path / "whole", tmp_path / "broken"
    run_prune(settings, whole, RunOptions())
    with pytest.raises(TrainingError, match="stopped on request"):
        run_prune(settings, broken, RunOptions(progress=interrupt))
    run_prune(settings, broken, RunOptions(resume=True))
    one, other = (laconic.load(out / "sparsity-0.5" / "model").state_dict() for out in (whole, broken))
    assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_a_model_is_its_own_teacher_and_a_stranger_may_be_it(tmp_path: Path) -> None:
    run_prune(config(tmp_path), tmp_path / "first", RunOptions())
    learned = tmp_path / "first" / "teacher" / "model"
    as_it_is = {"fine_tune": StageConfig(epochs=0), "prune": StageConfig(epochs=0.2, batch=16), "tune": StageConfig(epochs=0)}
    own = run_prune(config(tmp_path, model=str(learned), **as_it_is), tmp_path / "second", RunOptions())
    assert own.results["models"][0]["steps"] == 0
    trained = tmp_path / "trained"  # As laconic train leaves it.
    shutil.copytree(learned, trained / "model")
    (trained / "tokenizer").mkdir()
    given = config(tmp_path, "llama", start="pretrained", teacher=str(trained), **as_it_is)
    other = run_prune(given, tmp_path / "third", RunOptions())
    assert other.results["models"][0]["scores"] == own.results["models"][0]["scores"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fine_tune": StageConfig(epochs=0)}, "no better than knowing how often each token occurs"),
        ({"max_length": 100}, "examples of 100 tokens, but the model in .* has 64: set max_length lower"),
        ({"train_limit": 9}, r"fine_tune\.batch is 16, but there are 9 examples"),
        ({"teacher": "ENCODER"}, "is a BertModel, but a text takes one that tells the next token"),
        ({"teacher": "WORDIER"}, "tells one of 17 ids, but the model one of 16: name a teacher with as many"),
    ],
)
def test_what_cannot_come_to_anything_is_said(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    if "teacher" in changes:
        tiny_encoder(tmp_path / "ENCODER")
        GPT2LMHeadModel(GPT2Config(vocab_size=17, n_embd=8, n_layer=1, n_head=2)).save_pretrained(tmp_path / "WORDIER")
        changes = {"teacher": str(tmp_path / changes["teacher"])}
    with pytest.raises(LaconicError, match=message):
        run_prune(config(tmp_path, **changes), tmp_path / "run", RunOptions())


def test_an_encoder_does_not_foretell_text(tmp_path: Path) -> None:
    encoder = tiny_encoder(tmp_path / "encoder")
    with pytest.raises(UsageError, match=r"is a BertModel, .* or give a task with --task or --data"):
        run_prune(config(tmp_path, model=str(encoder)), tmp_path / "run", RunOptions())


@pytest.mark.parametrize("family", DECODERS)
def test_a_decoder_learns_to_classify_where_its_tokenizer_pads(tmp_path: Path, family: str) -> None:
    folder = tiny_decoder(tmp_path / family, family)
    table = {"data": str(tiny_table(tmp_path / "train.csv")), "text_columns": ("text",), "label": "label", "text": ""}
    learn = {"fine_tune": StageConfig(epochs=12, rate=1e-2, batch=27)}
    settings = config(tmp_path, family, **table, **learn)
    with pytest.raises(UsageError, match="the tokenizer has no padding token"):
        run_prune(settings, tmp_path / "run", RunOptions())
    tiny_tokenizer().save_pretrained(folder)
    models = run_prune(settings, tmp_path / "run", RunOptions()).results["models"]
    assert models[0]["scores"]["accuracy"] == 1.0 and models[1]["scores"]["accuracy"] > 0.7
