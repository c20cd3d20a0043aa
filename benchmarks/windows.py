"""Equal-Info windows of real text: how many decode wrongly in each reading, and how much text a window holds.

    python benchmarks/windows.py                                   # a million windows each: a quarter of an hour on two cores
    python benchmarks/windows.py --windows 20000 --bits 16 64      # a quick look

English Wikipedia, documents ended by symbol 256, joined 128 at a time and cut into examples of 10,240 symbols; every example
is cut into windows of W bits under the default byte model, context and coder emptied at each, and every code is decoded by
itself. A window is *wrong* if its code decodes to other text than it was made from. All readings see the same text: the one
that needs the most text for so many windows says how much. `exact` must have none wrong: the script fails otherwise.
Equal codes are decoded once, since with an empty context a code alone says what it stands for.
"""

import argparse
import itertools
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from typing import Any, Self

import numba
import numpy as np

from laconic.bytelm.registry import load_byte_lm
from laconic.codec.windows import Reading
from laconic.records.benchmark import markdown_table
from laconic.shapes import EOS
from laconic.text.corpora import open_corpus
from laconic.text.examples import cut_examples
from laconic.tokens.expand import expand
from laconic.tokens.segment import WindowFormat, segment
from script import finish_record, new_parser, start_record

EXAMPLE = 10_240
EXAMPLES_PER_JOB = 400


@dataclass(kw_only=True)
class Tally:
    """What one job counts; tallies add up.

    Attributes:
        text_bytes: bytes of text, ends of documents not among them.
        windows: windows of all examples.
        final: of these, the last ones of their examples, which the end of the text cut short.
        wrong: windows that decode to other text.
        too_long: of these, those that decode to more symbols than they hold.
        wrong_final: of the wrong ones, the last ones of their examples.
        encode_seconds: one process.
        decode_seconds: one process, each distinct code once.
    """

    text_bytes: int = 0
    windows: int = 0
    final: int = 0
    wrong: int = 0
    too_long: int = 0
    wrong_final: int = 0
    encode_seconds: float = 0.0
    decode_seconds: float = 0.0

    def __iadd__(self, other: Self) -> Self:
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))
        return self


def prepare(model: str) -> None:
    """Load the model once per process, and keep each process to one thread."""
    global MODEL
    numba.set_num_threads(1)
    MODEL = load_byte_lm(model)


def try_windows(examples: list[np.ndarray], form: WindowFormat) -> Tally:
    """Encode and decode examples, and compare window by window."""
    began = time.perf_counter()
    cut = segment(examples, MODEL, form)
    between = time.perf_counter()
    back = expand([windows.codes for windows in cut], MODEL, form)
    tally = Tally(encode_seconds=between - began, decode_seconds=time.perf_counter() - between)
    for symbols, windows, (decoded, lengths) in zip(examples, cut, back, strict=True):
        if windows.lengths.sum() != symbols.size:
            raise AssertionError("the windows do not cover the text")
        wrong = find_wrong(symbols, windows.lengths, decoded, lengths)
        tally.text_bytes += int((symbols != EOS).sum())
        tally.windows += wrong.size
        tally.final += 1
        tally.wrong += int(wrong.sum())
        tally.too_long += int((lengths > windows.lengths).sum())
        tally.wrong_final += int(wrong[-1])
    return tally


def find_wrong(symbols: np.ndarray, lengths_N: np.ndarray, decoded: np.ndarray, decoded_lengths_N: np.ndarray) -> np.ndarray:
    """Which windows do not decode to the symbols they were made from."""
    wrong_N = lengths_N != decoded_lengths_N
    begins_N, decoded_begins_N = np.cumsum(lengths_N) - lengths_N, np.cumsum(decoded_lengths_N) - decoded_lengths_N
    same = np.flatnonzero(~wrong_N)
    window = np.repeat(same, lengths_N[same])
    place = np.arange(window.size) - np.repeat(np.cumsum(lengths_N[same]) - lengths_N[same], lengths_N[same])
    differs = symbols[begins_N[window] + place] != decoded[decoded_begins_N[window] + place]
    wrong_N[window[differs]] = True
    return wrong_N


def jobs(documents: Iterable[bytes]) -> Iterator[list[np.ndarray]]:
    """Examples, a few hundred at a time."""
    examples = cut_examples(documents, join=128, size=EXAMPLE)
    while job := list(itertools.islice(examples, EXAMPLES_PER_JOB)):
        yield job


def measure(pool: ProcessPoolExecutor, bits: int, arguments: argparse.Namespace) -> dict[Reading, Tally]:
    """Go through the text until every reading has enough windows, or the text ends."""
    forms = {reading: WindowFormat(bits=bits, precision=arguments.precision, reading=reading) for reading in arguments.readings}
    tallies = {reading: Tally() for reading in forms}
    work = jobs(open_corpus(arguments.corpus, arguments.split).documents())
    while min(tally.windows for tally in tallies.values()) < arguments.windows:
        batch = list(itertools.islice(work, arguments.workers))
        if not batch:
            break
        running = [(reading, pool.submit(try_windows, job, form)) for job in batch for reading, form in forms.items()]
        for reading, result in running:
            tallies[reading] += result.result()
        done = ", ".join(f"{reading}: {tally.windows:,} ({tally.wrong:,} wrong)" for reading, tally in tallies.items())
        print(f"  W = {bits}: {done}", flush=True)
    return tallies


def row(bits: int, reading: Reading, tally: Tally, tallies: dict[Reading, Tally]) -> dict[str, Any]:
    """One line of the table."""
    per_window = tally.text_bytes / tally.windows
    paper = tallies.get("paper")
    against = per_window / (paper.text_bytes / paper.windows) - 1 if paper else None
    return {
        "W": bits,
        "reading": reading,
        "windows": tally.windows,
        "wrong": tally.wrong,
        "wrong %": 100 * tally.wrong / tally.windows,
        "too long": tally.too_long,
        "last of an example": tally.final,
        "wrong among these": tally.wrong_final,
        "MB of text": tally.text_bytes / 1e6,
        "bytes/window": per_window,
        "against paper %": None if against is None else 100 * against,
        "bit compression": 8 * per_window / bits,
        "encode MB/s": tally.text_bytes / 1e6 / tally.encode_seconds,
        "decode MB/s": tally.text_bytes / 1e6 / tally.decode_seconds,
    }


def main() -> None:
    parser = new_parser(__doc__)
    parser.add_argument("--windows", type=int, default=1_000_000, help="at least so many for each W and reading; 1,000,000")
    parser.add_argument("--bits", type=int, nargs="+", default=[16, 24, 32, 64])
    parser.add_argument("--readings", nargs="+", default=["exact", "paper"], choices=["exact", "paper", "delay"])
    parser.add_argument("--precision", type=int, default=16)
    parser.add_argument("--model", default="default")
    parser.add_argument("--corpus", default="wikipedia-en")
    parser.add_argument("--split", default="train")
    parser.add_argument("--workers", type=int, default=2, help="processes; 2")
    arguments = parser.parse_args()
    model = load_byte_lm(arguments.model)
    record = start_record("windows", arguments)
    rows = []
    with ProcessPoolExecutor(arguments.workers, initializer=prepare, initargs=(arguments.model,)) as pool:
        for bits in arguments.bits:
            tallies = measure(pool, bits, arguments)
            rows += [row(bits, reading, tally, tallies) for reading, tally in tallies.items()]
    table = markdown_table(rows)
    results = {"rows": rows, "model": f"{model.fingerprint:016x}", "model_description": model.description}
    finish_record(record, table, results, arguments)
    wrong = sum(line["wrong"] for line in rows if line["reading"] != "paper")
    if wrong:
        raise SystemExit(f"{wrong} windows of a lossless reading decoded wrongly")


if __name__ == "__main__":
    main()
