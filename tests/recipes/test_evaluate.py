"""A finished run is measured on its own test split as it was, and on any other text."""

import math
from pathlib import Path
from typing import Any

import pytest
from tests.recipes.small import small_config, write_text

from laconic.errors import UsageError
from laconic.evaluation.memory import MemoryConfig
from laconic.recipes.evaluate import evaluate_run
from laconic.recipes.lm import run_lm
from laconic.recipes.registry import RunOptions
from laconic.records.record import Record
from laconic.text.corpora import open_corpus


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluate")
    run_lm("small", small_config(write_text(folder)), folder / "run", RunOptions())
    return folder / "run"


def test_the_runs_own_measurement_is_repeated_exactly(run: Path) -> None:
    record, path = evaluate_run(run, limit=1_000)
    trained = Record.load(run / "record.json")
    for key in ("bits_per_byte", "tokens", "flops_per_byte", "flops_per_byte_full", "parameters"):
        assert record.results[key] == trained.results[key], key
    assert record.kind == "evaluate" and Record.load(path) == record


def test_another_text_with_overlap(run: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_bytes(bytes(range(256)) * 4)
    told: list[int] = []
    options = RunOptions(progress=lambda done, total, words: told.append(done))
    record, path = evaluate_run(run, corpus=str(other), split="all", limit=700, stride=8, options=options)
    assert (record.results["held_out_bytes"], told[-1]) == (700, 700)
    assert record.results["bits_per_byte"] > 8
    assert path.parent == run and path.name.startswith("evaluate-") and path.name.endswith("-all.json")


def test_earlier_records_stay_and_the_stride_is_recorded(run: Path, tmp_path: Path) -> None:
    text = tmp_path / "again.txt"
    text.write_text("The cat sat on the mat.\n" * 9)
    measured = [evaluate_run(run, corpus=str(text), split="all", limit=100, stride=stride) for stride in (None, 8, 1)]
    assert [path.name.removeprefix(measured[0][1].stem) for _, path in measured] == [".json", "-2.json", "-3.json"]
    assert [Record.load(path).config["stride"] for _, path in measured] == [32, 8, 1]


@pytest.mark.parametrize("stride", [-1, 0, 33])
def test_a_stride_beyond_the_context_is_refused(run: Path, stride: int) -> None:
    with pytest.raises(UsageError, match=f"the stride is {stride}, but must lie between 1 and the context of the run, 32"):
        evaluate_run(run, stride=stride)


def test_an_unfinished_run_is_named(run: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes((run / "config.json").read_bytes())
    with pytest.raises(UsageError, match="has not come to its end"):
        evaluate_run(tmp_path)
    with pytest.raises(UsageError, match="holds no run"):
        evaluate_run(tmp_path / "nothing")


def test_a_memory_changes_the_measurement_and_is_recorded(run: Path) -> None:
    reads = [MemoryConfig(), MemoryConfig(read="local"), MemoryConfig(read="long", size=64), MemoryConfig(read="none", size=64)]
    records = [evaluate_run(run, limit=1_000, stride=16, memory=read)[0] for read in reads]
    bits = [record.results["bits_per_byte"] for record in records]
    assert len(set(bits[:3])) == 3 and bits[0] == bits[3]
    assert [record.results["memory"] for record in records] == ["none", "local", "long", "none"]
    assert records[2].config["memory"]["size"] == 64


def test_byte_models_have_no_memory(tmp_path: Path) -> None:
    (tmp_path / "byte_model.safetensors").write_bytes(b"")
    with pytest.raises(UsageError, match="byte models are measured without a memory"):
        evaluate_run(tmp_path, memory=MemoryConfig(read="local"))


def test_settings_are_tuned_on_the_valid_split(run: Path) -> None:
    record, _ = evaluate_run(
        run, limit=1_000, stride=16, memory=MemoryConfig(read="long", size=900, cache_weight=0.1), tune=True
    )
    tuning = record.results["tuning"]
    best = {key: value for key, value in tuning["trials"][0].items() if key != "perplexity"}
    assert record.results["memory_settings"] == best
    assert tuning["split"] == "valid"
    same, _ = evaluate_run(run, limit=1_000, stride=16, memory=MemoryConfig(**best))
    assert same.results["bits_per_byte"] == record.results["bits_per_byte"]
    untuned, _ = evaluate_run(run, limit=1_000, stride=16, memory=MemoryConfig(read="local"))
    assert record.results["bits_per_byte"] < untuned.results["bits_per_byte"]


def test_words_are_counted_as_the_field_counts_them(run: Path, tmp_path: Path) -> None:
    text = tmp_path / "words.txt"
    text.write_text("the cat  sat\non the mat .\n")
    record, _ = evaluate_run(run, corpus=str(text), split="all")
    nats = record.results["bits_per_byte"] * text.stat().st_size * math.log(2)
    assert record.results["word_perplexity"] == pytest.approx(math.exp(nats / 9))


def test_what_memory_contributes_is_a_record_of_its_own(run: Path) -> None:
    record, _ = evaluate_run(run, limit=1_000, stride=16, memory=MemoryConfig(read="local"), look=True)
    looked = Record.load(next(run.glob("memory-*.json")))
    assert looked.kind == "memory"
    assert looked.results["perplexity"] == pytest.approx(record.results["perplexity"], rel=1e-5)
    assert looked.results["tokens"] == record.results["tokens"]
    view = looked.results["view"]
    text = next(iter(open_corpus(record.config["corpus"], "test").documents()))
    assert "".join(one["text"] for one in view).removesuffix("<eos>") in text.decode()
    assert len(view) == 400
    assert sum(bucket["tokens"] for bucket in looked.results["frequency_buckets"]) == record.results["tokens"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tune": True}, "'none' has nothing to tune"),
        ({"look": True}, "'none' has no slots to look into"),
        ({"tune": True, "memory": MemoryConfig(read="recurrence")}, "'recurrence' has nothing to tune"),
    ],
)
def test_only_slots_are_tuned_or_looked_into(run: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        evaluate_run(run, limit=200, **changes)


def test_what_does_not_fit_is_said_before_the_work(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("laconic.evaluation.memory.available_memory", lambda: 100_000)
    told = list[int]()
    options = RunOptions(progress=lambda done, total, words: told.append(done))
    with pytest.raises(
        UsageError, match=r"a memory of 1,\d\d\d slots needs 0\.\d GB of memory, but 0\.0 GB are free: take a smaller"
    ):
        evaluate_run(run, limit=1_000, memory=MemoryConfig(read="long", size=10**12), options=options)
    assert not told
