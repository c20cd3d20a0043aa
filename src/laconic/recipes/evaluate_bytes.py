"""Measuring the byte model of a finished run, and its float parent where it has one, on any text."""

from pathlib import Path
from typing import Any

from laconic.bytelm.registry import load_byte_lm
from laconic.model.folder import load_model
from laconic.recipes.bytelm import compare, held_out_segments
from laconic.recipes.ngram import BYTE_MODEL
from laconic.recipes.rundir import MODEL, read_config

_SEGMENT = 10_240
"""Symbols in a segment where the run names no context, as in the pipeline's examples."""


def measure_byte_run(run: Path, *, corpus: str | None, split: str | None, limit: int, data_root: Path | None) -> dict[str, Any]:
    """Bits per byte of a run's byte model, each segment of the run's context from an empty one.

    Args:
        run: a folder with `byte_model.safetensors`.
        corpus: name or path of the text; the run's first one if None.
        split: which part of it; `test` if None.
        limit: bytes to measure on.
        data_root: the folder with the named data sets.

    Returns:
        What was measured and on what: `corpus`, `split`, `context`, `held_out_bytes`, `bits_per_byte`, and where
        there is a parent `float_bits_per_byte` and `quantization_cost`.

    Raises:
        MissingDataError: the text is not at hand, or empty.
    """
    config = read_config(run)["config"]
    first = str((config.get("corpora") or [config.get("prose", "stdlib")])[0])
    corpus = first.rpartition(":")[0] or first if corpus is None else corpus
    split = config.get("test_split", "test") if split is None else split
    context = config.get("context", _SEGMENT)
    segments_NT = held_out_segments(corpus, split, limit, context, data_root)
    model = load_byte_lm(run / BYTE_MODEL)
    prior = None if config.get("prior", "none") == "none" else load_byte_lm(config["prior"])
    parent = load_model(run / MODEL) if (run / MODEL).is_dir() else None
    if parent is not None:
        parent.train(False)
    measured = compare(parent, model, prior, segments_NT, config["precision"])
    size = int((segments_NT < 256).sum())
    asked = {"corpus": corpus, "split": split, "context": context, "held_out_bytes": size}
    return {**asked, **measured, "description": model.description, "fingerprint": f"{model.fingerprint:016x}"}
