"""Models with memory train by the recipes of plain ones, and differ from them in nothing but what the recipe says."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.recipes.small import small_config, write_text

from laconic.errors import UsageError
from laconic.memory.objective import TrimeConfig
from laconic.model.sizes import build_model, count_parameters
from laconic.recipes.evaluate import evaluate_run
from laconic.recipes.lm import LMConfig, run_lm
from laconic.recipes.registry import RunOptions, find_recipe, list_recipes
from laconic.recipes.trime import METHODS, TEXTS, memory_recipe
from laconic.training.schedule import ScheduleConfig


@pytest.mark.parametrize(
    "changes",
    [
        {"objective": "lm"},
        {"objective": "trime", "trime": TrimeConfig(warmup=2)},
        {"objective": "trime", "order": "consecutive", "trime": TrimeConfig(reach="long", warmup=2)},
        {"objective": "trime", "order": "similar", "trime": TrimeConfig(reach="external", warmup=2)},
        {"objective": "trime", "cutoffs": (64, 128), "factor": 2, "dropout": 0.1},
        {"objective": "trime", "tokenizer": "equal-info[16,256]", "trime": TrimeConfig(warmup=2)},
        {"objective": "recurrence", "order": "parallel"},
    ],
)
def test_a_run_ends_with_a_model_and_a_record(tmp_path: Path, changes: dict[str, object]) -> None:
    config = replace(_config(tmp_path), **changes)
    record = run_lm("small", config, tmp_path / "run", RunOptions())
    assert record.results["training_steps"] == 12
    assert 0.5 < record.results["bits_per_byte"] < 8
    assert (tmp_path / "run" / "model" / "config.json").is_file()
    again, _ = evaluate_run(tmp_path / "run", limit=1_000)
    assert again.results["bits_per_byte"] == record.results["bits_per_byte"]
    assert again.results["memory"] == {"trime": "local", "lm": "none", "recurrence": "recurrence"}[config.objective]


def test_training_goes_on_from_a_model_in_a_folder(tmp_path: Path) -> None:
    config = _config(tmp_path)
    first = run_lm("small", config, tmp_path / "a", RunOptions())
    still = replace(config.loop, steps=1, schedule=ScheduleConfig(peak=1e-9, warmup=0))
    going_on = replace(config, initial=str(tmp_path / "a" / "model"), seed=1, loop=still)
    second = run_lm("small", going_on, tmp_path / "b", RunOptions())
    assert second.results["bits_per_byte"] == pytest.approx(first.results["bits_per_byte"], rel=1e-4)
    with pytest.raises(UsageError, match=r"has 258 ids, but equal-info\[16,65536\] and the start symbol need 65537"):
        run_lm("small", replace(going_on, tokenizer="equal-info[16,65536]"), tmp_path / "c", RunOptions())


@pytest.mark.parametrize("text", TEXTS)
def test_methods_differ_in_what_they_are_about(text: str) -> None:
    plain, recurrent, local, long, external = (find_recipe(f"{method}-{text}").config for method in METHODS)
    assert replace(local, objective="lm", trime=plain.trime) == plain
    assert replace(long, objective="lm", trime=plain.trime, order="random", run=0) == plain
    whole = replace(external.loop, micro_batch=0)
    assert replace(external, objective="lm", trime=plain.trime, order="random", loop=whole) == plain
    assert long.run == external.loop.micro_batch < plain.loop.batch
    assert replace(recurrent, objective="lm", order="random", stride=plain.stride) == plain
    assert [one.trime.reach for one in (local, long, external)] == ["local", "long", "external"]
    assert 0 < local.trime.warmup <= plain.loop.steps // 18


def test_every_method_on_every_text_is_listed() -> None:
    listed = [name for name in list_recipes() if name.endswith(tuple(TEXTS))]
    assert sorted(listed) == sorted(f"{method}-{text}" for method in METHODS for text in TEXTS)
    with pytest.raises(UsageError, match="methods are lm, recurrence"):
        memory_recipe("knn-wikitext2-cpu")


PRINTED = {"wikitext103-7m": 7.1e6, "wikitext103-150m": 150e6, "wikitext103-247m": 247e6, "enwik8-38m": 38e6}


@pytest.mark.parametrize("text", PRINTED)
def test_sizes_are_those_of_the_paper(text: str) -> None:
    config = find_recipe(f"lm-{text}").config
    rows = 257 if config.tokenizer == "bytes" else 267_745
    shape = {"context": config.context, "cutoffs": config.cutoffs, "factor": config.factor}
    count = count_parameters(build_model(config.size, vocab_size=rows, seed=0, device="meta", **shape))
    assert count.total == pytest.approx(PRINTED[text], rel=0.06)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"order": "sorted"}, "order is 'sorted'"),
        ({"objective": "knn"}, "objective is 'knn'"),
        ({"objective": "trime", "trime": TrimeConfig(reach="long")}, "a long memory needs rows that follow each other"),
        ({"objective": "recurrence"}, "recurrence needs rows that go on from batch to batch"),
        ({"run": 2}, "run is 2, but must divide the 32 rows of a batch in consecutive order"),
        ({"dropout": 1.0}, r"dropout is 1\.0"),
    ],
)
def test_settings_are_checked(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LMConfig(**changes)


def _config(tmp_path: Path) -> LMConfig:
    config = small_config(write_text(tmp_path))
    return replace(config, order="random", train_bytes=None, loop=replace(config.loop, steps=12))
