"""Which training goes with which memory: perplexities of trained models, each read with every memory that it can have.

    for method in lm recurrence trime trime-long; do
        laconic train $method-wikitext2-cpu --set seed=0 --out runs/$method-512-s0
    done
    python benchmarks/memory_matrix.py measure runs/*-s0 --rows rows.jsonl        # five minutes each, on one core
    python benchmarks/memory_matrix.py summary --rows rows.jsonl                  # the record

`measure` takes finished runs whose folders are named METHOD-ANYTHING, and adds their rows to a file, so that runs can be made
and measured over days. Temperature, size and weight of each memory are found on the beginning of the valid split; then the
whole test split is read with them. All readings of a run come from one pass over the text, with windows of the length that it
was trained with, half of each new (those with recurrence do not overlap, and see a whole window before them).

What is read, for each run:

    none         the vocabulary alone
    local        the window's earlier positions, in one sum with the vocabulary (TRIME)
    long         those and what came before, of the size that suits best
    long, full   those and the latest 15,000 positions before, whether that suits or not
    cache ...    the same with a fixed weight (Grave et al. 2017)
    recurrence   the keys and values of the window before, for models trained so
"""

import argparse
import json
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from laconic.evaluation.memory import MemoryConfig, Said, charge
from laconic.evaluation.tuning import tune
from laconic.model.sizes import count_parameters
from laconic.recipes.evaluate_memory import Reader
from laconic.recipes.lm import LMConfig, load_finished, measure
from laconic.recipes.lm_data import held_out_tokens
from laconic.recipes.rundir import RECORD, load_config
from laconic.recipes.settings import to_plain
from laconic.records.benchmark import markdown_table
from laconic.records.record import Record
from script import finish_record, new_parser, start_record

SIZE = 15_000
"""Slots of the largest long-term memory."""


def measure_run(run: Path, options: argparse.Namespace) -> dict[str, Any]:
    """All readings of a run."""
    config = load_config(run, LMConfig)
    model, tokenizer = load_finished(run)
    overlapping = replace(config, stride=max(1, config.context // 2))
    reader = Reader(config=overlapping, model=model, tokenizer=tokenizer, data_root=options.data_root)
    trained = Record.load(run / RECORD)
    tests, test_size = held_out_tokens(config, tokenizer, config.test_split, options.test_bytes, options.data_root)
    row = {
        "run": run.name,
        "method": _method(run.name),
        "corpus": config.corpus,
        "tokenizer": tokenizer.name,
        "context": config.context,
        "seed": config.seed,
        "parameters": count_parameters(model).total,
        "steps": trained.results["training_steps"],
        "trained_tokens": trained.results["training_tokens"],
        "training_seconds": trained.cost.get("training_seconds"),
        "test_tokens": len(tests),
        "test_bytes": test_size,
    }
    if config.objective == "recurrence":
        bits = measure(config, model, tokenizer, tests, test_size, MemoryConfig(read="recurrence"))
        return {
            **row,
            "readings": [{"read": "recurrence", "test_perplexity": bits.perplexity, "bits_per_byte": bits.bits_per_byte}],
        }
    valid_N, valid_size = held_out_tokens(config, tokenizer, "valid", options.valid_bytes, options.data_root)
    valid, test = list(reader.windows(valid_N, valid_size, "")), list(reader.windows(tests, test_size, ""))
    readings = [_reading("none", test, MemoryConfig(), None, test_size)]
    for name, memory, nats in _chosen(valid):
        readings.append(_reading(name, test, memory, math.exp(nats / len(valid_N)), test_size))
        print(run.name, readings[-1], flush=True)
    return {**row, "readings": readings}


def _chosen(valid: Sequence[Said]) -> Iterable[tuple[str, MemoryConfig, float]]:
    """Each reading with memory, the settings that suit it best, and what the valid text costs with them."""
    for kind, weight in (("", None), ("cache ", 0.1)):
        trials = tune(valid, MemoryConfig(read="long", size=SIZE, cache_weight=weight))
        for name, fits in (
            ("local", lambda memory: memory.read == "local"),
            ("long", lambda memory: True),
            ("long, full", lambda memory: memory.read == "long" and memory.size == SIZE),
        ):
            best = next(trial for trial in trials if fits(trial.memory))
            yield kind + name, best.memory, best.nats


def _reading(name: str, test: Sequence[Said], memory: MemoryConfig, valid: float | None, size: int) -> dict[str, Any]:
    nats = -sum(float(log_p_N.double().sum()) for _, log_p_N in charge(test, memory))
    tokens = sum(said.window.asked for said in test)
    return {
        "read": name,
        "settings": to_plain(memory),
        "valid_perplexity": valid,
        "test_perplexity": math.exp(nats / tokens),
        "bits_per_byte": nats / math.log(2) / size,
    }


def _method(name: str) -> str:
    return next(method for method in ("trime-long", "trime-ext", "trime", "recurrence", "lm") if name.startswith(method))


def summarise(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Means over seeds, a line for each method and memory on each text and length."""
    groups: dict[tuple[Any, ...], list[tuple[float, float]]] = {}
    for row in rows:
        for reading in row["readings"]:
            key = (row["corpus"], row["tokenizer"], row["context"], row["method"], reading["read"])
            groups.setdefault(key, []).append((reading["test_perplexity"], reading["bits_per_byte"]))
    lines = []
    for (corpus, tokenizer, context, method, read), values in groups.items():
        perplexities, bits = zip(*values, strict=True)
        spread = statistics.stdev(perplexities) if len(values) > 1 else None
        plain = groups.get((corpus, tokenizer, context, "lm", "none"))
        base = statistics.fmean(value for value, _ in plain) if plain else None
        lines.append(
            {
                "corpus": corpus,
                "tokenizer": tokenizer,
                "context": context,
                "method": method,
                "memory": read,
                "seeds": len(values),
                "perplexity": round(statistics.fmean(perplexities), 2),
                "deviation": None if spread is None else round(spread, 2),
                "of_the_plain_model": base and round(statistics.fmean(perplexities) / base, 4),
                "bits_per_byte": round(statistics.fmean(bits), 4),
            }
        )
    return lines


def main() -> None:
    arguments = _arguments()
    if arguments.verb == "measure":
        known = {row["run"] for row in _read(arguments.rows)}
        for run in arguments.runs:
            if run.name in known or not (run / RECORD).is_file():
                continue
            row = measure_run(run, arguments)
            with arguments.rows.open("a") as stream:
                stream.write(json.dumps(row) + "\n")
        return
    rows = _read(arguments.rows)
    record = start_record("memory-matrix", arguments, seed=0)
    lines = summarise(rows)
    table = markdown_table(lines)
    finish_record(record, table, {"rows": lines, "runs": rows}, arguments)


def _read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def _arguments() -> argparse.Namespace:
    parser = new_parser(__doc__)
    parser.add_argument("verb", choices=("measure", "summary"))
    parser.add_argument("runs", type=Path, nargs="*", help="folders of finished runs")
    parser.add_argument("--rows", type=Path, required=True, help="file that rows are added to")
    parser.add_argument("--valid-bytes", type=int, default=500_000, help="text that settings are found on")
    parser.add_argument("--test-bytes", type=int, default=10**12, help="text that is measured")
    parser.add_argument("--data-root", type=Path, default=None, help="data folder; that of LACONIC_DATA if not given")
    return parser.parse_args()


if __name__ == "__main__":
    main()
