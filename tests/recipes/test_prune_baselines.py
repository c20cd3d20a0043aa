"""Each way to become small that CoFi is compared with, as a whole run on a task of seconds."""

from pathlib import Path

import pytest
import torch
from tests.recipes.test_prune import config
from transformers import AutoTokenizer

import laconic
from laconic.errors import UsageError
from laconic.pruning.baselines import count_zeros
from laconic.recipes.prune import run_prune
from laconic.recipes.prune_baselines import CHOICES
from laconic.recipes.prune_config import METHODS
from laconic.recipes.registry import RunOptions


@pytest.mark.parametrize("method", METHODS[1:])
def test_a_baseline_has_what_is_asked_for_and_sees_as_many_examples(method: str, tmp_path: Path) -> None:
    setup = config(tmp_path, method=method, sparsities=(0.5,))
    record = run_prune(setup, tmp_path / "run", RunOptions())
    dense, row = record.results["models"]
    assert 0 <= row["real_sparsity"] - 0.5 < (0.2 if method == "small" else 0.03)
    updates = {stage: getattr(setup, stage).epochs for stage in ("prepare", "prune", "tune")}
    updates["prepare"] *= method != "small"  # What begins with random weights has nothing of a prepared model.
    assert row["steps"] == dense["steps"] // setup.fine_tune.epochs * sum(updates.values())
    assert (tmp_path / "run" / "prepared").exists() == (method != "small")
    assert 0 <= row["scores"]["accuracy"] <= 1
    folder = tmp_path / "run" / "sparsity-0.5" / "model"
    model = laconic.load(folder)
    assert sum(parameter.numel() for parameter in model.parameters()) == row["parameters"]["all"]
    assert AutoTokenizer.from_pretrained(folder)("the good film")["input_ids"]
    assert (tmp_path / "run" / "progress.html").exists() == (method in CHOICES)
    if method == "weights":
        assert row["parameters"] == dense["parameters"] and row["structure"] is None
        assert 1 - (row["parameters"]["pruned"] - count_zeros(model)) / row["parameters"]["pruned"] == row["real_sparsity"]
    else:
        assert row["parameters"]["pruned"] <= 0.5 * dense["parameters"]["pruned"]


def test_several_sparsities_begin_with_the_same_student(tmp_path: Path) -> None:
    both = run_prune(config(tmp_path, method="magnitude", sparsities=(0.4, 0.7)), tmp_path / "both", RunOptions())
    alone = run_prune(config(tmp_path, method="magnitude", sparsities=(0.7,)), tmp_path / "alone", RunOptions())
    first, second = (laconic.load(tmp_path / name / "sparsity-0.7" / "model") for name in ("both", "alone"))
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert both.results["models"][2]["structure"] == alone.results["models"][1]["structure"]


def test_what_a_baseline_cannot_reach_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="method"):
        config(tmp_path, method="magic")
    with pytest.raises(UsageError, match="cannot be made"):
        run_prune(config(tmp_path, method="small", sparsities=(0.999,)), tmp_path / "run", RunOptions())
