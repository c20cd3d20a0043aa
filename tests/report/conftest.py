"""Records to make pages from: a full set of harmless ones, and one whose every string is an attack."""

import math
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from laconic.records.record import Record
from laconic.report.page import render_page

TEXT = "def area(radius):\n\treturn 3.14159 * radius ** 2  # for r \u2265 0\n"


@pytest.fixture(scope="session")
def make_record() -> Callable[..., Record]:
    """A function from kind, name and results to a finished record."""

    def make(kind: str, name: str, results: dict[str, Any], **changes: Any) -> Record:
        fields: dict[str, Any] = {
            "created": "2025-03-01T12:00:59+00:00",
            "command": ("laconic", "quickstart", "--out", "two words"),
            "commit": "0123456789abcdef0123456789abcdef01234567-dirty",
            "seed": 1,
            "versions": {"python": "3.11.2", "numpy": "2.2.0"},
            "hardware": {"cpu": "a processor", "usable_cores": 2, "memory_bytes": 8 << 30, "accelerators": []},
            "config": {"steps": 400, "model": {"layers": 3}},
            "cost": {"wall_seconds": 183.2, "flops": 3.2e13, "joules": None},
        }
        return Record(kind=kind, name=name, results=results, **{**fields, **changes})

    return make


def _view(text: str) -> list[dict[str, Any]]:
    """Words of a text as if each were predicted from where it stood last, and from a place before the text."""
    words = text.split(" ")
    shown = []
    for index, word in enumerate(words):
        back = next((i for i in range(1, index + 1) if words[index - i] == word), None)
        share = 0.6 if back else 0.1
        sources = [[back, 0.5], [1_000, 0.1]] if back else [[1_000, 0.1]]
        shown.append({"text": f" {word}", "probability": 0.125, "from_memory": share, "gate": 0.4, "sources": sources})
    return shown


@pytest.fixture
def memory_results() -> dict[str, Any]:
    """What a record of kind `memory` holds, whole."""
    return _memory_results()


def _memory_results() -> dict[str, Any]:
    buckets = [("more than 10,000", 600, 11.0, 10.0), ("101 to 1,000", 300, 800.0, 1000.0), ("at most 10", 100, 2e4, 1e5)]
    return {
        "text": "wikitext-2, test",
        "run": "runs/trime",
        "memory": {"read": "long", "size": 15_000, "temperature": 1.0, "cache_weight": None},
        "tokens": 1000,
        "perplexity": 150.0,
        "vocabulary_perplexity": 200.0,
        "frequency_buckets": [
            {"bucket": name, "tokens": tokens, "perplexity": given, "vocabulary_perplexity": without}
            for name, tokens, given, without in buckets
        ],
        "gates": {"edges": [0.0, 0.25, 0.5, 0.75, 1.0], "tokens": [400, 300, 200, 100]},
        "memory_only": {"reachable": 0.61, "accuracy": 0.35, "vocabulary_accuracy": 0.285},
        "view": _view("the cat saw the dog and the dog saw the cat"),
    }


@pytest.fixture
def pruning_results() -> dict[str, Any]:
    """What a record of kind `prune` holds, whole."""
    return _pruning_results()


def _pruning_results() -> dict[str, Any]:
    asked = [(0.0, 0.0, 0.931, 1.0, None), (0.6, 0.601, 0.925, 2.5, (9, 1360)), (0.95, 0.951, 0.902, 12.1, (1, 50))]
    models = []
    for sparsity, gone, value, faster, left in asked:
        row: dict[str, Any] = {
            "sparsity": sparsity,
            "scores": {"accuracy": value},
            "parameters": {"all": 109e6 - 85e6 * gone, "without_embeddings": 85.6e6 - 85e6 * gone},
            "structure": left and [{"heads": left[0], "units": left[1]}, {"heads": 0, "units": 0}],
            "file_bytes": {"model": 4 * (109e6 - 85e6 * gone)},
            "latency": {"torch": {"median": 1.0 / faster}},
            "times_faster": {"torch": faster},
            "peak_memory": {"torch": 900_000_000},
        }
        models.append(row if sparsity == 0 else {**row, "real_sparsity": gone})
    models[-1]["delivery"] = {
        "vocabulary": 13_000, "scores": {"accuracy": 0.901}, "onnx": 1.2e-7, "int8": {"accuracy": 0.895},
    }  # fmt: skip
    models[-1]["file_bytes"] |= {"delivery": 3e7, "onnx": 5e7, "int8": 2e7}
    measured = {"batch": 8, "length": 128, "threads": 1, "rounds": 10, "device": "cpu"}
    whole = {"layers": 2, "heads": 12, "units": 3072}
    return {"task": "sst2", "metric": "accuracy", "models": models, "measured": measured, "whole": whole}


def _sample(make_record: Callable[..., Record]) -> list[Record]:
    """One file through codecs, three tokenizers, three language models; a memory, a pruned model, and a stranger."""
    codecs = [("laconic default", 1.9), ("xz -9e", 2.3), ("gzip -9", 2.6)]
    compression = {
        "file": "module.py",
        "bytes": 80_000,
        "codecs": [
            {
                "name": name,
                "compressed_bytes": int(10_000 * bits),
                "bits_per_byte": bits,
                "verified": True,
                "encode_mb_per_s": 1.5,
            }
            for name, bits in codecs
        ],
    }
    kinds = [("bytes", 257, 1.0), ("sentencepiece", 4096, 3.5), ("equal-info [16, 256]", 256, 2.4)]
    tokenizers = {
        "file": "held-out modules",
        "bytes": 500_000,
        "tokenizers": [
            {
                "name": name,
                "vocab_size": size,
                "bytes_per_token": length,
                "tokens_shown": [[part, len(part)] for part in TEXT.split(" ")],
            }
            for name, size, length in kinds
        ],
    }
    models = [
        make_record(
            "language-model",
            f"quickstart-{index}",
            {
                "tokenizer": name,
                "bits_per_byte": 2.5 - 0.2 * index,
                "bytes_per_token": length,
                "flops_per_byte": 4e6 / length,
                "flops_per_byte_full": 5e6 / length,
                "held_out_bytes": 500_000,
                "training_bytes": 3_000_000,
                "curve": [
                    {"bytes": 10_000 * i, "seconds": i, "bits_per_byte": 2.4 + 5 * math.exp(-i / 20)} for i in range(1, 300)
                ],
                "notes": ["So little text is enough for 256 types only."],
            },
        )
        for index, (name, _, length) in enumerate(kinds)
    ]
    stranger = make_record("evaluate", "sizes", {"perplexity": 12.5, "rows": [{"tokens": 1024, "loss": 2.5}]})
    return [
        make_record("compression", "module", compression),
        make_record("tokenizers", "three", tokenizers),
        *models,
        make_record("memory", "long", _memory_results()),
        make_record("prune", "sst2", _pruning_results()),
        stranger,
    ]


@pytest.fixture
def sample(make_record: Callable[..., Record]) -> list[Record]:
    """What a quickstart leaves, a memory, a pruned model, and a record of an unknown kind."""
    return _sample(make_record)


@pytest.fixture(scope="session")
def sample_page(make_record: Callable[..., Record]) -> str:
    """The page of `sample`, made once."""
    return render_page(_sample(make_record))


@pytest.fixture(scope="session")
def hostile(make_record: Callable[..., Record]) -> Callable[[str], list[Record]]:
    """A function from a string to records that hold it wherever a record can hold a string."""

    def make(poison: str) -> list[Record]:
        rows = [
            {"name": f"{poison}{i}", "compressed_bytes": 5, "bits_per_byte": 1.0 + i, "verified": poison, poison: poison}
            for i in (0, 1)
        ]
        tokens = [{**row, "bytes_per_token": 2.0, "tokens_shown": [[poison, poison], [poison, 3]]} for row in rows]
        curve = [{"bytes": i, "seconds": i, "bits_per_byte": 3.0 - i / 10} for i in range(5)]
        model = {
            "tokenizer": poison,
            "bits_per_byte": 1.0,
            "bytes_per_token": 2.0,
            "flops_per_byte": 3.0,
            "curve": curve,
            "notes": [poison],
        }
        memory = {
            **_memory_results(),
            "text": poison,
            "run": poison,
            "memory": {"read": poison, "size": poison, "temperature": 1.0, "cache_weight": poison, poison: poison},
            "frequency_buckets": [{"bucket": poison, "tokens": poison, "perplexity": 2.0, "vocabulary_perplexity": 3.0}],
            "view": [{"text": poison, "probability": poison, "from_memory": 0.5, "sources": [[1, 0.5], poison]}] * 3,
            poison: poison,
        }
        pruning = {
            **_pruning_results(),
            "task": poison,
            "metric": poison,
            "measured": {"batch": poison, "device": poison, poison: poison},
            "models": [
                {**row, "scores": {poison: row["scores"]["accuracy"]}, poison: poison} for row in _pruning_results()["models"]
            ],
            poison: poison,
        }
        around: dict[str, Any] = {
            "created": poison,
            "command": (poison, poison),
            "commit": poison,
            "versions": {poison: poison},
            "hardware": {poison: poison},
            "config": {poison: {poison: [poison]}},
            "cost": {"wall_seconds": poison, poison: poison},
        }
        kinds: list[tuple[str, dict[str, Any]]] = [
            ("compression", {"file": poison, "bytes": poison, "codecs": rows}),
            ("tokenizers", {"file": poison, "tokenizers": tokens}),
            ("language-model", model),
            ("language-model", {**model, "bytes_per_token": 40.0, "flops_per_byte": 300.0}),
            ("memory", memory),
            ("memory", memory),
            ("prune", pruning),
            ("prune", {**pruning, "models": poison}),
            (poison, {poison: poison, "table": rows, "inner": {poison: poison}}),
        ]
        return [make_record(kind, poison, results, **around) for kind, results in kinds]

    return make


def _chromium() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        found = shutil.which(name)
        if found:
            return found
    pytest.skip("no Chromium on this machine: install one (Debian: apt-get install chromium) to open the page in a browser")


@pytest.fixture
def browse(tmp_path: Path) -> Callable[..., tuple[str, list[str]]]:
    """A function from a page and options of the browser to the page's elements as it has them in the end, and what it wrote
    to the console.
    """

    def run(page: Path, *options: str) -> tuple[str, list[str]]:
        command = [_chromium(), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"]
        command += ["--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"]
        command += [f"--user-data-dir={tmp_path / 'profile'}", "--host-resolver-rules=MAP * ~NOTFOUND"]
        command += ["--enable-logging=stderr", *options, page.as_uri()]
        told = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        return told.stdout, [line for line in told.stderr.splitlines() if "CONSOLE" in line]

    return run
