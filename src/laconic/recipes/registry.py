"""Recipes by name. Looking one up imports only its module; listing them imports none."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, final, runtime_checkable

from laconic.errors import UsageError, missing_extra
from laconic.records.record import Record


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What a run is told besides its configuration: nothing here changes its result.

    Attributes:
        data_root: the folder with the named data sets; that of `LACONIC_DATA` if None.
        resume: continue from the last checkpoint.
        progress: told of every step as (bytes done, bytes in all or None, words).
    """

    data_root: Path | None = None
    resume: bool = False
    progress: "Callable[[int, int | None, str], None] | None" = None


@runtime_checkable
class Run(Protocol):
    """What carries out a recipe."""

    def __call__(self, name: str, config: Any, out: Path, options: RunOptions) -> Record:
        """Run, write everything into `out`, and return the record that was saved there."""
        ...


@final
@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A named run.

    Attributes:
        name: as on the command line.
        config: everything that decides the result, as a frozen dataclass.
        run: what carries it out.
    """

    name: str
    config: Any
    run: Run


_HOMES = {
    "lm-cpu": ("lm", "lm_cpu", "a small language model on any tokenizer, sized for a computer without accelerator"),
    "bytes-25m": ("paper", "bytes_25m", "Lester et al. 2024, 25m on bytes"),
    "sentencepiece-25m": ("paper", "sentencepiece_25m", "Lester et al. 2024, 25m on SentencePiece, v=32,000"),
    "equal-info-25m": ("paper", "equal_info_25m", "Lester et al. 2024, 25m on Equal-Info windows, b=16, v=65,536"),
    "equal-info-256-25m": (
        "paper",
        "equal_info_256_25m",
        "Lester et al. 2024, 25m on Equal-Info windows, b=16, v=256",
    ),
    "bytelm": ("bytelm", "bytelm", "a small transformer byte model on top of the shipped n-gram, quantised to exact integers"),
    "bytelm-default": ("bytelm", "bytelm_default", "the transformer byte model that comes with laconic"),
    "bytelm-paper": ("bytelm", "bytelm_paper", "Lester et al. 2024, the 3m byte model M1 on C4"),
    "bytelm-pruned": ("byte_pruning", "bytelm_pruned", "the transformer byte model that comes with laconic, pruned by CoFi"),
    "ngram": ("ngram", "ngram", "an n-gram byte model for the codec and the Equal-Info tokenizer; no network"),
    "ngram-6": ("shipped", "ngram_6", "the n-gram byte model that comes with laconic, from Wikipedia and the standard library"),
}
_METHODS = {
    "lm": "a plain model",
    "recurrence": "a plain model with Transformer-XL's recurrence",
    "trime": "TrimeLM",
    "trime-long": "TrimeLMlong",
    "trime-ext": "TrimeLMext",
}
_TEXTS = {
    "wikitext2-cpu": "words of WikiText-2, sized for two cores",
    "wikitext2-bpe-cpu": "BPE tokens of WikiText-2, sized for two cores",
    "enwik8-cpu": "bytes of enwik8's beginning, sized for two cores",
    "wikitext103-7m": "words of WikiText-103, the 7M model of Zhong et al. 2022",
    "wikitext103-150m": "words of WikiText-103, the 150M model of Zhong et al. 2022",
    "wikitext103-247m": "words of WikiText-103, the 247M model of Zhong et al. 2022",
    "enwik8-38m": "bytes of enwik8, the 38M model of Zhong et al. 2022",
}
_MEMORY = {f"{method}-{text}": f"{what}, {where}" for text, where in _TEXTS.items() for method, what in _METHODS.items()}
"""Recipes that `laconic.recipes.trime` puts together: any of its methods on any of its texts."""
_NEEDS = {"torch": "train", "transformers": "train", "accelerate": "train", "sentencepiece": "train", "tokenizers": "train"}


def list_recipes() -> dict[str, str]:
    """Every recipe's name, and what it is in one line."""
    return {name: summary for name, (_, _, summary) in _HOMES.items()} | _MEMORY


def find_recipe(name: str) -> Recipe:
    """The recipe of this name.

    Raises:
        UsageError: there is none.
        MissingExtraError: a package that it needs is not installed.
    """
    if name not in _HOMES and name not in _MEMORY:
        composed = f"or METHOD-TEXT of the methods {', '.join(_METHODS)} and the texts {', '.join(_TEXTS)}"
        raise UsageError(f"there is no recipe {name!r}: choose one of {', '.join(_HOMES)}; {composed}")
    module, function, _ = _HOMES.get(name, ("trime", "memory_recipe", ""))
    try:
        build = getattr(importlib.import_module(f"laconic.recipes.{module}"), function)
        recipe: Recipe = build(name) if name in _MEMORY else build()
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _NEEDS:
            raise
        raise missing_extra(package, _NEEDS[package], f"the recipe {name}") from error
    return recipe
