"""Peak memory of `laconic compress` and `laconic decompress`, for little and for much text: it must be the same.

    python benchmarks/archive_memory.py                                        # 8 MiB and 1 GiB
    python benchmarks/archive_memory.py --sizes 1048576 8388608 --out /tmp/try # a trial
    python benchmarks/archive_memory.py --model default --sizes 8388608 33554432 --compress-only   # half an hour

The text is real: enwik8 and Wikipedia from the data folder, else the standard library's sources, begun anew at another
place each time it is used up. It goes through pipes, so nothing but the compressed file lies on the disk. Each verb runs
in a process of its own, whose peak is what the system says when it ends (`ru_maxrss`). What comes out is verified by
SHA-256.
"""

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

from laconic.records.benchmark import markdown_table
from script import finish_record, new_parser, start_record

ENOUGH = 8 << 20
STEP = 1_000_003
LACONIC = (sys.executable, "-m", "laconic")
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


def compress(base: bytes, size: int, model: str, packed: Path) -> dict[str, Any]:
    began = time.perf_counter()
    process = subprocess.Popen([*LACONIC, "compress", "-", "-o", str(packed), "--model", model], stdin=subprocess.PIPE)
    assert process.stdin is not None
    feed(process.stdin, base, size)
    peak = peak_of(process)
    return {
        "text_bytes": size,
        "compressed": packed.stat().st_size,
        "compress_peak_mib": peak / (1 << 20),
        "compress_mb_per_s": size / (time.perf_counter() - began) / 1e6,
    }


def decompress(base: bytes, size: int, model: str, packed: Path) -> dict[str, Any]:
    began = time.perf_counter()
    named = ["--model", model] if model.endswith(".safetensors") else []
    process = subprocess.Popen([*LACONIC, "decompress", str(packed), "-o", "-", *named], stdout=subprocess.PIPE)
    digest, expected = hashlib.sha256(), hashlib.sha256()
    hashing = threading.Thread(target=lambda: [expected.update(piece) for piece in pieces(base, size)])
    hashing.start()
    assert process.stdout is not None
    while data := process.stdout.read(PIECE):
        digest.update(data)
    peak = peak_of(process)
    ended = time.perf_counter()
    hashing.join()
    return {
        "decompress_peak_mib": peak / (1 << 20),
        "decompress_mb_per_s": size / (ended - began) / 1e6,
        "verified": digest.digest() == expected.digest(),
    }


def main() -> int:
    parser = new_parser(__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("LACONIC_DATA"), help="data folder [LACONIC_DATA]")
    parser.add_argument("--sizes", type=int, nargs="+", default=[8 << 20, 1 << 30], help="bytes of text")
    parser.add_argument("--model", default="light")
    parser.add_argument("--compress-only", action="store_true", help="do not decompress, nor verify")
    arguments = parser.parse_args()
    record = start_record("archive-memory", arguments)
    base, rows = base_text(arguments.data), []
    with tempfile.TemporaryDirectory() as folder:
        for size in arguments.sizes:
            packed = Path(folder) / f"{size}.lac"
            rows.append(compress(base, size, arguments.model, packed))
            if not arguments.compress_only:
                rows[-1] |= decompress(base, size, arguments.model, packed)
            print(rows[-1], flush=True)
    peaks = [name for name in rows[0] if name.endswith("peak_mib")]
    growth = {name: max(row[name] for row in rows) / min(row[name] for row in rows) for name in peaks}
    verified = all(row.get("verified", True) for row in rows)
    results = {"sizes": rows, "largest_over_smallest": growth, "none_failed": verified}
    finish_record(record, markdown_table(rows), results, arguments)
    return 0 if verified else 1


if __name__ == "__main__":
    sys.exit(main())
