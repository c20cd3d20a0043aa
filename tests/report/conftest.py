"""Records to make pages from: a full set of harmless ones, and one whose every string is an attack."""

import math
from collections.abc import Callable
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


def _sample(make_record: Callable[..., Record]) -> list[Record]:
    """What a quickstart leaves: one file through codecs, three tokenizers, three language models, and a stranger."""
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
    stranger = make_record("memory", "sizes", {"perplexity": 12.5, "rows": [{"tokens": 1024, "loss": 2.5}]})
    return [
        make_record("compression", "module", compression),
        make_record("tokenizers", "three", tokenizers),
        *models,
        stranger,
    ]


@pytest.fixture
def sample(make_record: Callable[..., Record]) -> list[Record]:
    """What a quickstart leaves, and a record of an unknown kind."""
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
            (poison, {poison: poison, "table": rows, "inner": {poison: poison}}),
        ]
        return [make_record(kind, poison, results, **around) for kind, results in kinds]

    return make
