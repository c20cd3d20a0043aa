"""Peak memory of `laconic compress` and `laconic decompress`, for little and for much text: it must be the same.

    python benchmarks/archive_memory.py                                        # 8 MiB and 1 GiB
    python benchmarks/archive_memory.py --sizes 1048576 8388608 --out /tmp/try # a trial
    python benchmarks/archive_memory.py --model default --sizes 8388608 33554432   # the default model; an hour

The text is real: enwik8 and Wikipedia from the data folder, else the standard library's sources, begun anew at another
place each time it is used up. It goes through pipes, so nothing but the compressed file lies on the disk. Each verb runs
in a process of its own, whose peak is what the system says when it ends (`ru_maxrss`). What comes out is verified by
SHA-256.
"""

import argparse
import hashlib
import lzma
import os
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from laconic.records.benchmark import markdown_table, plain_settings, save_benchmark
from laconic.records.record import Record

ENOUGH = 8 << 20
STEP = 1_000_003
PIECE = 1 << 20


def base_text(data: Path | None) -> bytes:
    """Eight MiB of text."""
    held = b""
    names = ("enwik8/*.xz", "wikipedia-en/test.*", "wikipedia-en/valid.*", "calgary/*.xz") if data else ()
    for path in (path for name in names for path in sorted((data or Path()).glob(name))):
        with lzma.open(path) as file:
            held += file.read()
    library = Path(sysconfig.get_paths()["stdlib"])
    for path in sorted(library.glob("**/*.py")):
        if len(held) >= ENOUGH:
            break
        held += path.read_bytes()
    return held[:ENOUGH]


def pieces(base: bytes, size: int) -> Iterator[bytes]:
    """`size` bytes of text, a piece at a time."""
    start = 0
    while size > 0:
        piece = (base[start : start + PIECE] + base)[:PIECE][:size]
        yield piece
        size -= len(piece)
        start = (start + STEP) % len(base)


def feed(sink: BinaryIO, base: bytes, size: int) -> None:
    with sink:
        for piece in pieces(base, size):
            sink.write(piece)


def peak_of(process: "subprocess.Popen[bytes]") -> int:
    """Wait for a process; its peak memory in bytes."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def measure(base: bytes, size: int, model: str, folder: Path) -> dict[str, Any]:
    """One row: both verbs on one size."""
    packed = folder / f"{size}.lac"
    laconic = [sys.executable, "-m", "laconic"]
    began = time.perf_counter()
    process = subprocess.Popen([*laconic, "compress", "-", "-o", str(packed), "--model", model], stdin=subprocess.PIPE)
    assert process.stdin is not None
    feed(process.stdin, base, size)
    compress_peak = peak_of(process)
    between = time.perf_counter()
    named = ["--model", model] if model.endswith(".safetensors") else []
    process = subprocess.Popen([*laconic, "decompress", str(packed), "-o", "-", *named], stdout=subprocess.PIPE)
    digest, expected = hashlib.sha256(), hashlib.sha256()
    hashing = threading.Thread(target=lambda: [expected.update(piece) for piece in pieces(base, size)])
    hashing.start()
    assert process.stdout is not None
    while data := process.stdout.read(PIECE):
        digest.update(data)
    decompress_peak = peak_of(process)
    ended = time.perf_counter()
    hashing.join()
    return {
        "text_bytes": size,
        "compressed": packed.stat().st_size,
        "compress_peak_mib": compress_peak / (1 << 20),
        "decompress_peak_mib": decompress_peak / (1 << 20),
        "compress_mb_per_s": size / (between - began) / 1e6,
        "decompress_mb_per_s": size / (ended - between) / 1e6,
        "verified": digest.digest() == expected.digest(),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("LACONIC_DATA"), help="data folder [LACONIC_DATA]")
    parser.add_argument("--sizes", type=int, nargs="+", default=[8 << 20, 1 << 30], help="bytes of text")
    parser.add_argument("--model", default="light")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    arguments = parser.parse_args()
    record = Record.start(kind="benchmark", name="archive-memory", config=plain_settings(arguments))
    base, rows = base_text(arguments.data), []
    with tempfile.TemporaryDirectory() as folder:
        for size in arguments.sizes:
            rows.append(measure(base, size, arguments.model, Path(folder)))
            print(rows[-1], flush=True)
    growth = {
        verb: max(row[f"{verb}_peak_mib"] for row in rows) / min(row[f"{verb}_peak_mib"] for row in rows)
        for verb in ("compress", "decompress")
    }
    verified = all(row["verified"] for row in rows)
    results = {"sizes": rows, "largest_peak_over_smallest": growth, "all_verified": verified}
    print(*save_benchmark(record.finish(results=results), markdown_table(rows), arguments.out), sep="\n")
    return 0 if verified else 1


if __name__ == "__main__":
    sys.exit(main())
