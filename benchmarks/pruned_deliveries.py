"""What the models of a pruning run are delivered as: how large, how fast and how good their folders and ONNX files are.

    python benchmarks/pruned_deliveries.py runs/pruning/sst2-cofi            # some minutes: all models are judged three times

RUN is a finished run of `laconic prune` or of `pruning_tasks.py`. Each of its models, the teacher among them, is delivered
anew as `--deliver trimmed,half,onnx,int8` does it, into a folder that goes with the process. A line for each says how large
the file is, what the model is worth on the valid split, what a batch takes with one thread, medians of rounds in which all
take their turn, and how much memory a process of its own takes to load it and to read one batch.
"""

import argparse
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from laconic.model.folder import load_any
from laconic.recipes.prune import deliverer_of
from laconic.recipes.prune_config import PruneConfig
from laconic.recipes.prune_delivery import FOLDER
from laconic.recipes.prune_loading import load_data
from laconic.recipes.prune_measures import MeasureConfig, measure_models
from laconic.recipes.prune_stages import Setting
from laconic.recipes.registry import RunOptions
from laconic.recipes.rundir import MODEL, RECORD, load_config
from laconic.records.benchmark import markdown_table
from laconic.records.record import Record
from script import finish_record, new_parser, start_record

ASKED = ("trimmed", "half", "onnx", "int8")
KINDS = {
    MODEL: ("model", "torch"),
    FOLDER: ("trimmed, half", ""),
    "onnx": ("trimmed, onnx", "onnx"),
    "int8": ("trimmed, int8", "int8"),
}
"""What there is of each model: its name, and what its time is found under."""


def deliver(run: Path, rows: list[dict[str, Any]], out: Path, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Deliver and measure the models of a run; the rows of its record with what they came to."""
    config = replace(load_config(run, PruneConfig), deliver=ASKED)
    if config.text:
        raise SystemExit(f"{run} holds language models, which are delivered in 16 bits only: name a run of a task")
    known = RunOptions(data_root=options.data_root)
    tokenizer, data = load_data(config, known)
    setting = Setting.of(config, data, out)
    deliverer = deliverer_of(config, setting, tokenizer, known)
    places = [out / row["folder"] for row in rows]
    for row, place in zip(rows, places, strict=True):
        row["delivery"] = deliverer.write(load_any(run / row["folder"] / MODEL), place)
        print(row["folder"], row["delivery"], flush=True)
    how = MeasureConfig(rounds=options.rounds, batch=options.batch, length=options.length, threads=1)
    measured, _ = measure_models(how, places, length=options.length, device=setting.device)
    return [row | more for row, more in zip(rows, measured, strict=True)]


def lines_of(rows: list[dict[str, Any]], metric: str) -> Iterator[dict[str, Any]]:
    """A line for each file of each model."""
    for row in rows:
        delivery: Mapping[str, Any] = row["delivery"]
        scores = {MODEL: row["scores"], FOLDER: delivery["scores"], "onnx": delivery["scores"], "int8": delivery["int8"]}
        for kind, (name, timed) in KINDS.items():
            timing = row["latency"].get(timed)
            yield {
                "model": row["folder"],
                "as": name,
                metric: round(scores[kind][metric], 4),
                "megabytes": round(row["file_bytes"][kind] / 1e6, 2),
                "ms_per_batch": timing and round(1e3 * timing["median"], 2),
                "texts_per_second": timing and round(row["throughput"][timed]),
                "times_faster": timing and round(row["times_faster"][timed], 2),
                "peak_megabytes": row["peak_memory"].get(timed) and round(row["peak_memory"][timed] / 1e6, 1),
            }


def main() -> None:
    arguments = _arguments()
    record = start_record("pruned-deliveries", arguments, seed=0)
    run = Record.load(arguments.run / RECORD)
    with tempfile.TemporaryDirectory() as folder:
        rows = deliver(arguments.run, run.results["models"], Path(folder), arguments)
    lines = list(lines_of(rows, run.results["metric"]))
    vocabularies = {row["folder"]: row["delivery"]["vocabulary"] for row in rows}
    results = {"task": run.results["task"], "rows": lines, "models": rows, "vocabularies": vocabularies}
    finish_record(record, markdown_table(lines), results, arguments)


def _arguments() -> argparse.Namespace:
    parser = new_parser(__doc__)
    parser.add_argument("run", type=Path, help="folder of a finished run")
    parser.add_argument("--batch", type=int, default=8, help="rows read at once")
    parser.add_argument("--length", type=int, default=128, help="tokens in a row")
    parser.add_argument("--rounds", type=int, default=11, help="batches of each that are timed")
    parser.add_argument("--data-root", type=Path, default=None, help="data folder; that of LACONIC_DATA if not given")
    return parser.parse_args()


if __name__ == "__main__":
    main()
