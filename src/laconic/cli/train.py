"""`laconic train`: run a recipe, from its name and a few changed settings to a folder with a model and a record."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from laconic.cli.console import columns, print_result
from laconic.errors import UsageError

if TYPE_CHECKING:
    from laconic.recipes.registry import Recipe
    from laconic.records.record import Record


def train(
    recipe: Annotated[str | None, typer.Argument(metavar="RECIPE", help="Which recipe; --list shows them.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", "-s", metavar="KEY=VALUE", help="Change a setting of the recipe.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder of the run. [runs/RECIPE]")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in the folder from its last checkpoint.")] = False,
    show: Annotated[bool, typer.Option("--list", help="List the recipes; with RECIPE: its settings.")] = False,
    data_root: Annotated[Path | None, typer.Option(help="Folder with the named data sets. [LACONIC_DATA]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Train a language model by a named recipe.

    The folder of the run gets the configuration, a log, checkpoints, the tokenizer, the model and a record. Ctrl-C keeps a
    checkpoint; --resume goes on from it as if nothing had happened.

    Example: a small model on Equal-Info tokens, then what it costs per byte of held-out text:

        $ laconic train lm-cpu --set tokenizer=equal-info[16,256] --set train_bytes=2000000 --out runs/small

        $ laconic evaluate runs/small

    Example: which settings there are:

        $ laconic train lm-cpu --list
    """
    from laconic.recipes.registry import RunOptions, find_recipe, list_recipes

    if recipe is None:
        if not show:
            raise UsageError("no recipe was named: choose one that laconic train --list shows")
        return print_result({"recipes": list_recipes()}, as_json, columns(list_recipes()))
    found = find_recipe(recipe)
    config = _configure(found, settings or [], out, resume)
    if show:
        return _print_settings(recipe, config, as_json)
    from laconic.cli.bars import training_bar

    folder = out or Path("runs") / recipe
    with training_bar(recipe, quiet=as_json) as progress:
        record = found.run(recipe, config, folder, RunOptions(data_root=data_root, resume=resume, progress=progress))
    data = {"out": str(folder), "record": str(folder / "record.json"), **record.to_dict()}
    print_result(data, as_json, describe(record, folder))


def describe(record: "Record", folder: Path) -> str:
    """What came out, in a few lines."""
    results, cost = record.results, record.cost
    words = {
        "bits per byte": _number(results.get("bits_per_byte"), ".4f"),
        "bytes per token": _number(results.get("bytes_per_token"), ".3f"),
        "perplexity": _number(results.get("perplexity"), ",.2f"),
        "per word": _number(results.get("word_perplexity"), ",.2f"),
        "memory": _memory(results.get("memory_settings")),
        "tokens per second": _number(results.get("tokens_per_second"), ",.0f"),
        "FLOPs per byte": _number(results.get("flops_per_byte"), ",.0f"),
        "held-out bytes": _number(results.get("held_out_bytes"), ",.0f"),
        "trained on bytes": _number(results.get("training_bytes"), ",.0f"),
        "seconds": _number(cost.get("wall_seconds"), ",.0f"),
        "record": str(folder / "record.json"),
    }
    return columns({name: value for name, value in words.items() if value})


def _configure(found: "Recipe", settings: list[str], out: Path | None, resume: bool) -> Any:
    from laconic.recipes.rundir import load_config, read_config
    from laconic.recipes.settings import apply_settings

    if not resume or settings:
        return apply_settings(found.config, settings)
    folder = out or Path("runs") / found.name
    if read_config(folder)["recipe"] != found.name:
        raise UsageError(f"{folder} holds a run of {read_config(folder)['recipe']}: name that recipe to resume it")
    return load_config(folder, type(found.config))


def _print_settings(recipe: str, config: Any, as_json: bool) -> None:
    from laconic.recipes.settings import list_settings, to_plain

    settings = {key: str(value) for key, value in list_settings(config).items()}
    print_result({"recipe": recipe, "config": to_plain(config)}, as_json, columns(settings))


def _memory(settings: Any) -> str:
    """The memory that a model was read with, in a few words."""
    if not isinstance(settings, dict) or settings["read"] not in ("local", "long"):
        return settings["read"] if isinstance(settings, dict) else ""
    slots = f", {settings['size']:,} slots" if settings["read"] == "long" else ""
    weight = f", weight {settings['cache_weight']:g}" if settings["cache_weight"] is not None else ""
    return f"{settings['read']}{slots}, temperature {settings['temperature']:.3g}{weight}"


def _number(value: Any, form: str) -> str:
    return format(value, form) if isinstance(value, int | float) else ""
