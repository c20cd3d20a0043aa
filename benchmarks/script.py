"""What the scripts here share: options, the start of a record, and its end on disk and on the screen."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from laconic.records.benchmark import plain_settings, save_benchmark
from laconic.records.record import Record


def new_parser(description: str | None) -> argparse.ArgumentParser:
    """Options as a script's docstring describes them; `--out` is among them."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results", help="folder of the record")
    return parser


def start_record(name: str, arguments: argparse.Namespace, *, seed: int | None = None, **settings: Any) -> Record:
    """The record of a benchmark that begins now, with the options as its config; `settings` stand in their place."""
    return Record.start(kind="benchmark", name=name, seed=seed, config=plain_settings(arguments) | settings)


def finish_record(record: Record, page: str, results: Mapping[str, Any], arguments: argparse.Namespace) -> None:
    """Print a page, then save what came out beside it, as new files below `--out`."""
    print(page)
    raw, written = save_benchmark(record.finish(results=dict(results)), page, arguments.out)
    print(f"wrote {raw} and {written}")
