"""laconic makes language models smaller: fewer tokens, memory instead of parameters, fewer weights.

Importing this package costs nothing: the few daily names below are fetched from their rooms when first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from laconic.archive.stream import compress as compress
    from laconic.archive.stream import decompress as decompress
    from laconic.hf import load as load
    from laconic.recipes.prune import prune as prune
    from laconic.records.citation import citation as citation
    from laconic.tokens.registry import load_tokenizer as load_tokenizer

__version__ = "0.1.0"

_HOMES = {
    "citation": "laconic.records.citation",
    "compress": "laconic.archive.stream",
    "decompress": "laconic.archive.stream",
    "load": "laconic.hf",
    "load_tokenizer": "laconic.tokens.registry",
    "prune": "laconic.recipes.prune",
}


def __getattr__(name: str) -> Any:
    """Fetch a daily name from the room it lives in."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'laconic' has no attribute {name!r}")
    return getattr(importlib.import_module(home), name)


def __dir__() -> list[str]:
    """List the daily names."""
    return sorted([*_HOMES, "__version__"])
