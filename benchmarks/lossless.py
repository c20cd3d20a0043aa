"""Lossless or not: files of every kind, compressed, brought back, and compared to the byte.

    python benchmarks/lossless.py                                # an hour on two cores, most of it for the default model
    python benchmarks/lossless.py --limit 20000 --out /tmp/try   # the first bytes of each file, as a trial

Every file of the data folder is unpacked on the fly; then come the empty file, one byte, noise, one repeated byte, and text
with invalid UTF-8. Compressing and decompressing stream through the same functions as the command line; `auto` takes the
light model from 2.5 MB on. A round trip is verified by SHA-256 of what went in and what came out, and by their lengths.
"""

import argparse
import functools
import hashlib
import io
import lzma
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, final

from laconic.archive.choice import choose_model
from laconic.archive.ports import ByteSource
from laconic.archive.stream import compress_stream, decompress_stream
from laconic.bytelm.registry import load_byte_lm
from laconic.records.benchmark import markdown_table
from script import finish_record, new_parser, start_record

NOISE = 10_000_000
REPEATED = 10_000_000


@final
class Hashing:
    """Hands bytes on, or swallows them, and hashes them."""

    def __init__(self, source: ByteSource | None = None, limit: int | None = None) -> None:
        self._source, self._left = source, limit
        self._digest = hashlib.sha256()
        self.length = 0

    def read(self, size: int = -1, /) -> bytes:
        assert self._source is not None
        size = size if self._left is None else min(size, self._left)
        data = self._source.read(size)
        self._left = None if self._left is None else self._left - len(data)
        self.write(data)
        return data

    def write(self, data: bytes, /) -> int:
        self._digest.update(data)
        self.length += len(data)
        return len(data)

    @property
    def result(self) -> tuple[int, str]:
        return self.length, self._digest.hexdigest()


def made_up() -> dict[str, Callable[[], BinaryIO]]:
    """The hostile cases."""
    broken = ("Grüße aus Köln, 東京から, с приветом. " * 2000).encode()
    broken = b"".join(broken[start : start + 997] + b"\xff\xc3\x28\x80" for start in range(0, len(broken), 1000))
    return {
        "empty file": lambda: io.BytesIO(b""),
        "one byte": lambda: io.BytesIO(b"x"),
        "random bytes": lambda: io.BytesIO(random.Random(1).randbytes(NOISE)),
        "one repeated byte": lambda: io.BytesIO(b"z" * REPEATED),
        "text with invalid UTF-8": lambda: io.BytesIO(broken),
    }


def cases(data: Path | None) -> Iterator[tuple[str, Callable[[], BinaryIO]]]:
    """Names, and how to open each."""
    yield from made_up().items()
    for path in sorted(data.rglob("*")) if data else []:
        if path.suffix == ".xz":
            yield str(path.relative_to(data or path).with_suffix("")), functools.partial(lzma.open, path)
        elif path.is_file():
            yield str(path.relative_to(data or path)), functools.partial(path.open, "rb")


def length_of(opened: Callable[[], BinaryIO], limit: int | None) -> int:
    with opened() as source:
        total = 0
        while total < (limit or sys.maxsize) and (piece := source.read(1 << 20)):
            total += len(piece)
    return min(total, limit or total)


def round_trip(name: str, opened: Callable[[], BinaryIO], arguments: argparse.Namespace) -> dict[str, Any]:
    """One row of the table."""
    size = length_of(opened, arguments.limit)
    model_name = choose_model(size).name if arguments.model == "auto" else arguments.model
    model = load_byte_lm(model_name)
    back = Hashing()
    with tempfile.TemporaryFile() as packed:
        began = time.perf_counter()
        with opened() as source:
            hashing = Hashing(source, arguments.limit)
            summary = compress_stream(hashing, packed, model=model)
        between = time.perf_counter()
        packed.seek(0)
        decompress_stream(packed, back)
        ended = time.perf_counter()
    kinds = {kind: total.blocks for kind, total in summary.kinds.items() if total.blocks}
    return {
        "file": name,
        "model": model_name,
        "bytes": size,
        "compressed": summary.file_bytes,
        "bits_per_byte": summary.bits_per_byte,
        "compress_mb_per_s": size / (between - began) / 1e6,
        "decompress_mb_per_s": size / (ended - between) / 1e6,
        "blocks": ", ".join(f"{count} {kind}" for kind, count in kinds.items()),
        "verified": back.result == hashing.result and back.result[0] == size,
        "within_bound": summary.file_bytes <= size * 1.001 + 64,
    }


def main() -> int:
    parser = new_parser(__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("LACONIC_DATA"), help="data folder [LACONIC_DATA]")
    parser.add_argument("--model", default="auto")
    parser.add_argument("--limit", type=int, help="only so many bytes of each file")
    parser.add_argument("--skip-larger", type=int, default=sys.maxsize, help="leave out files of more unpacked bytes")
    arguments = parser.parse_args()
    record = start_record("lossless", arguments)
    for name in ("default", "light"):  # Compiles, and is not counted.
        blob = io.BytesIO()
        compress_stream(io.BytesIO(b"warm " * 9), blob, model=load_byte_lm(name))
        decompress_stream(io.BytesIO(blob.getvalue()), io.BytesIO())
    rows, skipped = [], []
    for name, opened in cases(arguments.data):
        if length_of(opened, arguments.skip_larger if arguments.skip_larger < sys.maxsize else 0) >= arguments.skip_larger:
            skipped.append(name)
            continue
        rows.append(round_trip(name, opened, arguments))
        print({key: rows[-1][key] for key in ("file", "bytes", "compressed", "verified")}, flush=True)
    lossless = all(row["verified"] for row in rows)
    bounded = all(row["within_bound"] for row in rows)
    results = {"files": rows, "skipped": skipped, "all_verified": lossless, "all_within_bound": bounded}
    table = markdown_table(rows) + (f"\nLeft out: {', '.join(skipped)}\n" if skipped else "")
    finish_record(record, table, results, arguments)
    return 0 if lossless and bounded else 1


if __name__ == "__main__":
    sys.exit(main())
