"""A language model goes from text to record: the same bytes for every tokenizer, resumable, measured on all held-out bytes."""

import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.recipes.small import small_config, write_text

from laconic.errors import LaconicError, MissingDataError, TrainingError, UsageError
from laconic.model.folder import load_model
from laconic.recipes.lm import LMConfig, lm_cpu, run_lm
from laconic.recipes.lm_data import held_out_tokens
from laconic.recipes.registry import RunOptions
from laconic.recipes.rundir import begin_run
from laconic.records.record import Record
from laconic.tokens.registry import load_tokenizer


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_text(tmp_path_factory.mktemp("text"))


def test_a_run_leaves_everything_and_a_record_that_the_report_reads(tmp_path: Path, text: Path) -> None:
    told: list[tuple[int, int | None, str]] = []
    options = RunOptions(progress=lambda *words: told.append(words))
    record = run_lm("small", small_config(text), tmp_path / "run", options)
    results = record.results
    assert {path.name for path in (tmp_path / "run").iterdir()} == {
        "config.json", "tokenizer", "checkpoints", "log.jsonl", "model", "record.json",
    }  # fmt: skip
    assert Record.load(tmp_path / "run" / "record.json") == record
    assert (record.kind, results["tokenizer"], results["bytes_per_token"]) == ("language-model", "bytes", 1.0)
    assert results["training_bytes"] == 2_000 and results["held_out_bytes"] == 1_000
    assert 0.5 < results["bits_per_byte"] < results["uniform_bits_per_byte"]
    assert results["curve"][0]["bits_per_byte"] > results["curve"][-1]["bits_per_byte"]
    assert [point["bytes"] for point in results["held_out_curve"]][-1] == 2_000
    assert record.cost["flops"] == 6 * results["parameters_without_embeddings"] * results["training_tokens"]
    assert told[-1][:2] == (2_000, 2_000) and "bits/byte" in told[-1][2]
    assert load_model(tmp_path / "run" / "model").config.vocab_size == 258
    assert load_tokenizer(tmp_path / "run" / "tokenizer").name == "bytes"


@pytest.mark.parametrize("tokenizer", ["sentencepiece[600]", "gzip[256]"])
def test_every_tokenizer_trains_and_is_measured_on_the_same_bytes(tmp_path: Path, text: Path, tokenizer: str) -> None:
    record = run_lm("small", small_config(text, tokenizer=tokenizer), tmp_path / "run", RunOptions())
    assert abs(record.results["training_bytes"] - 2_000) <= 1
    assert record.results["held_out_bytes"] == 1_000
    assert record.results["bytes_per_token"] > 1.3


def test_an_interrupted_run_says_how_to_go_on_and_ends_as_if_it_had_not_been(tmp_path: Path, text: Path) -> None:
    config = small_config(text)
    straight = run_lm("small", config, tmp_path / "a", RunOptions())

    def stop(done: int, total: int | None, words: str) -> None:
        if words.startswith("step 6/"):
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(TrainingError, match=r"stopped on request at step 7 of 16: continue with --resume --out"):
        run_lm("small", config, tmp_path / "b", RunOptions(progress=stop))
    resumed = run_lm("small", config, tmp_path / "b", RunOptions(resume=True))
    assert resumed.results["bits_per_byte"] == straight.results["bits_per_byte"]
    weights = [(tmp_path / name / "model" / "model.safetensors").read_bytes() for name in "ab"]
    assert weights[0] == weights[1]


@pytest.mark.parametrize("resume", [False, True])
def test_a_start_without_a_checkpoint_is_begun_again(tmp_path: Path, text: Path, resume: bool) -> None:
    begin_run(tmp_path / "run", "small", small_config(text), resume=False)
    record = run_lm("small", small_config(text), tmp_path / "run", RunOptions(resume=resume))
    assert record.results["training_bytes"] == 2_000


def test_a_stream_without_a_limit_goes_on_for_its_steps(tmp_path: Path, text: Path) -> None:
    config = small_config(text, train_bytes=None, packing="trim")
    record = run_lm("small", replace(config, loop=replace(config.loop, steps=6)), tmp_path / "run", RunOptions())
    assert record.results["training_steps"] == 6
    assert record.results["training_tokens"] == 6 * 4 * 32


def test_a_taken_folder_and_an_unknown_size_are_refused_before_any_work(tmp_path: Path, text: Path) -> None:
    with pytest.raises(UsageError, match="size '9t' is not known"):
        run_lm("small", small_config(text, size="9t"), tmp_path / "run", RunOptions())
    assert not (tmp_path / "run").exists()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.json").write_text("{}")
    with pytest.raises(UsageError, match=r"holds no run, but a config\.json"):
        run_lm("small", small_config(text), tmp_path / "run", RunOptions())


def test_a_missing_or_empty_test_split_is_found_before_training(tmp_path: Path) -> None:
    (tmp_path / "text").mkdir()
    for split in ("train", "valid"):
        (tmp_path / "text" / f"{split}.txt").write_text("The cat sat on the mat.\n" * 50)
    config = small_config(tmp_path / "text")
    with pytest.raises(LaconicError):
        run_lm("small", config, tmp_path / "run", RunOptions())
    (tmp_path / "text" / "test.txt").write_text("")
    with pytest.raises(MissingDataError):
        run_lm("small", config, tmp_path / "run", RunOptions())
    assert not (tmp_path / "run" / "log.jsonl").exists()


def test_held_out_text_is_the_same_bytes_for_every_tokenizer(text: Path) -> None:
    config = small_config(text)
    for name in ("bytes", "gzip[65536]"):
        tokenizer = load_tokenizer(name)
        tokens, size = held_out_tokens(config, tokenizer, "test", 1_000, None)
        assert size == 1_000
        assert tokenizer.decode_bytes(tokens) in text.read_bytes()


def test_the_recipe_of_this_machine() -> None:
    assert lm_cpu().config == LMConfig()


@pytest.mark.parametrize("changes", [{"context": 0}, {"train_bytes": 0}, {"test_bytes": 0}, {"stride": 0}])
def test_wrong_settings_are_named(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(changes))} is 0"):
        LMConfig(**changes)
