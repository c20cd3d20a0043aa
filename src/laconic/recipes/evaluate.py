"""Measuring a finished run on any text: a language model on tokens, or a byte model."""

import re
import time
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from laconic.errors import UsageError
from laconic.evaluation.memory import MemoryConfig, word_perplexity
from laconic.recipes.evaluate_bytes import measure_byte_run
from laconic.recipes.evaluate_memory import Reader, count_words, looked_into, tuned
from laconic.recipes.lm import LMConfig, load_finished, measure, measured_results, memory_of
from laconic.recipes.lm_data import held_out_tokens
from laconic.recipes.ngram import BYTE_MODEL
from laconic.recipes.registry import RunOptions
from laconic.recipes.rundir import RECORD, load_config
from laconic.recipes.settings import to_plain
from laconic.records.record import Record
from laconic.text.corpora import open_corpus
from laconic.text.corpus import take_bytes


def evaluate_run(
    run: Path,
    *,
    corpus: str | None = None,
    split: str | None = None,
    limit: int = 1_000_000,
    stride: int | None = None,
    memory: MemoryConfig | None = None,
    tune: bool = False,
    look: bool = False,
    options: RunOptions | None = None,
) -> tuple[Record, Path]:
    """Measure a trained model, and write a record beside it.

    Args:
        run: a folder that `laconic train` wrote.
        corpus: name or path of the text; the run's own if None.
        split: which part of it; that of the run's final measurement if None.
        limit: bytes to measure on, from the beginning of the split.
        stride: new tokens per segment; the run's own if None.
        memory: with which memory a language model is read; local if None and it was trained with one.
        tune: find the settings of the memory on as much of the valid split first.
        look: look into what the memory contributes, and write a second record of it, of kind `memory`, which
            `laconic report` shows.
        options: where the data are, and whom to tell of progress.

    Returns:
        The record, and the file it was written to.

    Raises:
        UsageError: `run` is not the folder of a run, or was not trained to its end; or a name that is not
            known, or a stride beyond the context, or a memory for a model that cannot have one, or none to be tuned or
            looked into, or one that does not fit into this machine.
        MissingDataError: the text is not at hand, or empty.
    """
    options = options or RunOptions()
    if (run / BYTE_MODEL).is_file():
        if (memory is not None and memory.read != "none") or tune or look:
            raise UsageError("byte models are measured without a memory: leave it out")
        if stride is not None:
            raise UsageError("byte models are measured on segments that do not overlap: leave out the stride")
        return _evaluate_bytes(run, corpus, split, limit, options)
    config = load_config(run, LMConfig)
    if stride is not None and not 1 <= stride <= config.context:
        raise UsageError(f"the stride is {stride}, but must lie between 1 and the context of the run, {config.context}")
    memory = memory or memory_of(config)
    corpus, split = config.corpus if corpus is None else corpus, config.test_split if split is None else split
    stride = config.reading_stride if stride is None else stride
    asked = {"run": str(run), "corpus": corpus, "split": split, "limit": limit, "stride": stride, "memory": to_plain(memory)}
    record = Record.start(
        kind="evaluate", name=f"{corpus}, {split}", seed=config.seed, config={**asked, "trained": to_plain(config)}
    )
    model, tokenizer = load_finished(run)
    reading = replace(config, corpus=corpus, stride=stride)
    reader = Reader(config=reading, model=model, tokenizer=tokenizer, data_root=options.data_root, tell=options.progress)
    results: dict[str, Any] = {}
    if tune:
        memory, results["tuning"] = tuned(reader, memory, limit=limit)
    tokens_N, size = held_out_tokens(reader.config, reader.tokenizer, split, limit, options.data_root)
    results |= _measured(reader, split, limit, tokens_N, size, memory)
    finished = record.finish(results=results, cost={"flops": results["flops_per_byte_full"] * size})
    path = _free_path(run, f"evaluate-{_slug(corpus)}-{split}")
    finished.save(path)
    if look:
        _look(run, reader, record, memory, tokens_N, size)
    return finished, path


def _measured(reader: Reader, split: str, limit: int, tokens_N: np.ndarray, size: int, memory: MemoryConfig) -> dict[str, Any]:
    config, model, tokenizer, tell = reader.config, reader.model, reader.tokenizer, reader.tell
    reader.require_room(len(tokens_N), memory, kept=False)
    progress = (lambda done: tell(done, size, "")) if tell is not None else None
    began = time.perf_counter()
    bits = measure(config, model, tokenizer, tokens_N, size, memory, progress)
    seconds = time.perf_counter() - began
    documents = take_bytes(open_corpus(config.corpus, split, data_root=reader.data_root).documents(), limit)
    return {
        **measured_results(model, tokenizer, bits, context=config.context),
        "word_perplexity": word_perplexity(bits, count_words(documents)),
        "memory": memory.read,
        "memory_settings": to_plain(memory),
        "tokens_per_second": bits.tokens / seconds,
    }


def _look(run: Path, reader: Reader, asked: Record, memory: MemoryConfig, tokens_N: np.ndarray, size: int) -> None:
    trained = Record.load(run / RECORD).results.get("training_bytes", 0)
    record = Record.start(kind="memory", name=asked.name, seed=asked.seed, config=asked.config)
    results = {"text": asked.name, "run": str(run), **looked_into(reader, memory, tokens_N, size, trained_bytes=trained)}
    record.finish(results=results, cost={}).save(_free_path(run, f"memory-{_slug(asked.name)}"))


def _evaluate_bytes(run: Path, corpus: str | None, split: str | None, limit: int, options: RunOptions) -> tuple[Record, Path]:
    record = Record.start(
        kind="evaluate", name=f"{run.name}, {corpus or 'its own text'}", config={"run": str(run), "limit": limit}
    )
    measured = measure_byte_run(run, corpus=corpus, split=split, limit=limit, data_root=options.data_root)
    finished = record.finish(results=measured, cost={})
    path = _free_path(run, f"evaluate-{_slug(measured['corpus'])}-{measured['split']}")
    finished.save(path)
    return finished, path


def _free_path(folder: Path, stem: str) -> Path:
    """A name that no earlier record has."""
    names = (f"{stem}.json" if number == 1 else f"{stem}-{number}.json" for number in count(1))
    return next(path for path in (folder / name for name in names) if not path.exists())


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-").lower()[-60:] or "text"
