"""Every listed recipe exists; listing them imports nothing heavy; a missing package is a sentence."""

import dataclasses
import subprocess
import sys

import pytest

from laconic.errors import MissingExtraError, UsageError
from laconic.recipes.registry import Run, find_recipe, list_recipes


@pytest.mark.parametrize("name", list_recipes())
def test_a_recipe_has_its_name_a_frozen_config_and_a_run(name: str) -> None:
    recipe = find_recipe(name)
    assert recipe.name == name
    assert isinstance(recipe.run, Run)
    assert recipe.config.__dataclass_params__.frozen
    assert dataclasses.replace(recipe.config) == find_recipe(name).config


def test_an_unknown_recipe_is_named() -> None:
    with pytest.raises(UsageError, match="no recipe 'lm-gpu': choose one of lm-cpu"):
        find_recipe("lm-gpu")


def test_listing_needs_no_torch() -> None:
    code = "import sys; from laconic.recipes.registry import list_recipes; list_recipes(); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> None:
        raise ModuleNotFoundError("No module named 'accelerate'", name="accelerate")

    monkeypatch.setattr("importlib.import_module", refuse)
    with pytest.raises(MissingExtraError, match=r"the recipe lm-cpu needs .*'accelerate'.*laconic\[train\]"):
        find_recipe("lm-cpu")
