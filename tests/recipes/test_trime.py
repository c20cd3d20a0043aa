"""Models with memory train by the recipes of plain ones, and differ from them in nothing but what the recipe says."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.recipes.small import small_config, write_text

from laconic.errors import UsageError
from laconic.memory.objective import TrimeConfig
from laconic.recipes.evaluate import evaluate_run
from laconic.recipes.lm import LMConfig, run_lm
from laconic.recipes.registry import RunOptions, find_recipe
from laconic.recipes.trime import lm_wikitext2_cpu, trime_long_wikitext2_cpu, trime_wikitext2_cpu
from laconic.training.schedule import ScheduleConfig


@pytest.mark.parametrize(
    "changes",
    [
        {"objective": "lm"},
        {"objective": "trime", "trime": TrimeConfig(warmup=2)},
        {"objective": "trime", "order": "consecutive", "trime": TrimeConfig(reach="long", warmup=2)},
        {"objective": "trime", "order": "similar", "trime": TrimeConfig(reach="external", warmup=2)},
        {"objective": "trime", "cutoffs": (64, 128), "factor": 2, "dropout": 0.1},
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


def test_the_recipes_differ_in_what_they_are_about() -> None:
    plain, local, long = (recipe().config for recipe in (lm_wikitext2_cpu, trime_wikitext2_cpu, trime_long_wikitext2_cpu))
    assert replace(local, objective="lm", trime=plain.trime) == plain
    assert replace(long, objective="lm", trime=plain.trime, order="random") == plain
    assert (local.trime.reach, long.trime.reach) == ("local", "long")
    for name in ("lm-wikitext2-cpu", "trime-wikitext2-cpu", "trime-long-wikitext2-cpu"):
        assert find_recipe(name).config.corpus == "wikitext-2"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"order": "sorted"}, "order is 'sorted'"),
        ({"objective": "knn"}, "objective is 'knn'"),
        ({"objective": "trime", "trime": TrimeConfig(reach="long")}, "a long memory needs rows that follow each other"),
        ({"objective": "recurrence"}, "recurrence needs rows that go on from batch to batch"),
        ({"dropout": 1.0}, r"dropout is 1\.0"),
    ],
)
def test_settings_are_checked(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LMConfig(**changes)


def _config(tmp_path: Path) -> LMConfig:
    config = small_config(write_text(tmp_path))
    return replace(config, order="random", train_bytes=None, loop=replace(config.loop, steps=12))
