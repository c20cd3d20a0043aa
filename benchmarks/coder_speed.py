"""Symbols per second: our compiled coder, its readable reference, and constriction's range coder, in one run.

    python benchmarks/coder_speed.py                    # about two minutes
    python benchmarks/coder_speed.py --symbols 20000 --repeats 1

All code the same symbols of a 256-letter alphabet, drawn from the distributions they are coded with, twice: `static`,
one distribution for all symbols, and `varying`, another one for each symbol, as a language model gives them.

What is timed differs in one respect: our coders are handed integer counts, since in laconic the byte model answers in
integers, and looking up the two edges of each symbol is timed; constriction is handed float32 probabilities and makes its
own integers (`perfect=False`, its fast way). `batched` hands over all distributions in one call, which an encoder can do
and a decoder of a language model's text cannot; `stepwise` hands over one distribution at a time, as such a decoder must.
Ours encodes batched and decodes stepwise; B is the number of streams that go side by side. One thread; the rounds go over
all coders before the next one begins; medians over rounds; every decode is checked.
"""

import argparse
import functools
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import constriction
import numpy as np

from laconic.codec import reference
from laconic.codec.arithmetic import Decoder, Encoder
from laconic.records.benchmark import markdown_table
from script import finish_record, new_parser, start_record

LETTERS = 256
STREAMS = (1, 16, 256)
REFERENCE_STREAM = 256
"""Symbols per stream of the readable reference: its numbers grow with the stream, and so does its time per symbol."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Task:
    """What all coders code.

    Attributes:
        symbols_T: the symbols.
        probabilities_TS: their distributions as float32; one row only where it is static.
        cumulative_TC: the same as cumulative integer counts.
        precision: bits of these counts.
    """

    symbols_T: np.ndarray
    probabilities_TS: np.ndarray
    cumulative_TC: np.ndarray
    precision: int

    @property
    def static(self) -> bool:
        return len(self.probabilities_TS) == 1

    @property
    def ideal_bits(self) -> float:
        """Bits per symbol of the integer counts."""
        starts_T, stops_T = self.edges()
        return float(np.mean(self.precision - np.log2(stops_T.astype(float) - starts_T)))

    def edges(self) -> tuple[np.ndarray, np.ndarray]:
        """Start and stop of each symbol in its cumulative counts."""
        rows_T = np.zeros(len(self.symbols_T), int) if self.static else np.arange(len(self.symbols_T))
        return self.cumulative_TC[rows_T, self.symbols_T], self.cumulative_TC[rows_T, self.symbols_T + 1]


def make_task(kind: str, symbols: int, precision: int, seed: int) -> Task:
    """Distributions of about 2.5 bits, peaked at other letters each time, and symbols drawn from them."""
    draw = np.random.default_rng(seed)
    logits = draw.normal(0, 4.0, (1 if kind == "static" else symbols, LETTERS))
    shares = np.exp(logits - logits.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    counts = 1 + np.floor(shares * ((1 << precision) - LETTERS)).astype(np.int64)
    counts[np.arange(len(counts)), counts.argmax(1)] += (1 << precision) - counts.sum(1)
    cumulative = np.zeros((len(counts), LETTERS + 1), np.uint32)
    np.cumsum(counts, axis=1, out=cumulative[:, 1:], dtype=np.uint32)
    place_T = draw.integers(0, 1 << precision, symbols)
    symbols_T = (cumulative[:, 1:] <= place_T[:, None]).sum(1).astype(np.int64)
    return Task(
        symbols_T=symbols_T,
        probabilities_TS=(counts / (1 << precision)).astype(np.float32),
        cumulative_TC=cumulative,
        precision=precision,
    )


@dataclass(frozen=True, kw_only=True)
class Coder:
    """One way to code a task.

    Attributes:
        name: as shown in the table.
        encode: to whatever `decode` takes; and the number of bits.
        decode: to the symbols.
        symbols: how many of the task's symbols it codes; slow coders take fewer.
    """

    name: str
    encode: Callable[[Task], tuple[Any, int]]
    decode: Callable[[Task, Any], np.ndarray]
    symbols: int


def ours(streams: int, symbols: int) -> Coder:
    """The compiled coder with the symbols dealt out to so many streams."""

    def encode(task: Task) -> tuple[list[bytes], int]:
        starts_T, stops_T = task.edges()
        encoder = Encoder(streams, task.precision)
        shape = (streams, len(starts_T) // streams)
        encoder.push(starts_T.reshape(shape), stops_T.reshape(shape), np.full(streams, shape[1]))
        codes = encoder.finish()
        return [code for code, _ in codes], sum(bits for _, bits in codes)

    def decode(task: Task, codes: list[bytes]) -> np.ndarray:
        steps = len(task.symbols_T) // streams
        decoder, active_B = Decoder(codes, task.precision), np.ones(streams, bool)
        symbols_TB = np.empty((steps, streams), np.int64)
        if task.static:
            same_BC = np.repeat(task.cumulative_TC, streams, 0)
            for step in range(steps):
                symbols_TB[step] = decoder.pull(same_BC, active_B)
        else:
            next_TBC = _by_step(task, streams)
            for step in range(steps):
                symbols_TB[step] = decoder.pull(next_TBC[step], active_B)
        return symbols_TB.T.ravel()

    return Coder(name=f"laconic, B = {streams}", encode=encode, decode=decode, symbols=symbols // streams * streams)


@functools.cache
def _by_step(task: Task, streams: int) -> np.ndarray:
    """The counts of all streams, step by step, in the order in which a model would make them; made once, not timed."""
    steps = len(task.cumulative_TC) // streams
    return np.ascontiguousarray(task.cumulative_TC.reshape(streams, steps, -1).swapaxes(0, 1))


def readable(symbols: int) -> Coder:
    """The reference in plain Python, on short streams."""

    def parts(task: Task) -> Iterator[tuple[list[list[int]], list[int]]]:
        rows = task.cumulative_TC.tolist()
        for first in range(0, len(task.symbols_T), REFERENCE_STREAM):
            part = task.symbols_T[first : first + REFERENCE_STREAM].tolist()
            yield (rows * len(part) if task.static else rows[first : first + len(part)]), part

    def encode(task: Task) -> tuple[list[str], int]:
        codes = [reference.encode(tables, part, task.precision) for tables, part in parts(task)]
        return codes, sum(map(len, codes))

    def decode(task: Task, codes: list[str]) -> np.ndarray:
        found = [
            list(reference.decode(tables, code, task.precision)) for (tables, _), code in zip(parts(task), codes, strict=True)
        ]
        return np.concatenate(found)

    return Coder(name="laconic, readable reference", encode=encode, decode=decode, symbols=symbols)


def constriction_batched(symbols: int) -> Coder:
    """constriction's range coder with all distributions in one call."""
    family = constriction.stream.model.Categorical(perfect=False)

    def encode(task: Task) -> tuple[np.ndarray, int]:
        encoder = constriction.stream.queue.RangeEncoder()
        symbols_T = task.symbols_T.astype(np.int32)
        if task.static:
            encoder.encode(symbols_T, constriction.stream.model.Categorical(task.probabilities_TS[0], perfect=False))
        else:
            encoder.encode(symbols_T, family, task.probabilities_TS)
        return encoder.get_compressed(), encoder.num_bits()

    def decode(task: Task, code: np.ndarray) -> np.ndarray:
        decoder = constriction.stream.queue.RangeDecoder(code)
        if task.static:
            model = constriction.stream.model.Categorical(task.probabilities_TS[0], perfect=False)
            return decoder.decode(model, len(task.symbols_T))
        return decoder.decode(family, task.probabilities_TS)

    return Coder(name="constriction, batched", encode=encode, decode=decode, symbols=symbols)


def constriction_stepwise(symbols: int) -> Coder:
    """constriction's range coder with one distribution at a time."""

    def models(task: Task) -> Iterator[Any]:
        if task.static:
            model = constriction.stream.model.Categorical(task.probabilities_TS[0], perfect=False)
            for _ in task.symbols_T:
                yield model
        else:
            for row_S in task.probabilities_TS:
                yield constriction.stream.model.Categorical(row_S, lazy=True, perfect=False)

    def encode(task: Task) -> tuple[np.ndarray, int]:
        encoder = constriction.stream.queue.RangeEncoder()
        for symbol, model in zip(task.symbols_T.tolist(), models(task), strict=True):
            encoder.encode(symbol, model)
        return encoder.get_compressed(), encoder.num_bits()

    def decode(task: Task, code: np.ndarray) -> np.ndarray:
        decoder = constriction.stream.queue.RangeDecoder(code)
        return np.array([decoder.decode(model) for model in models(task)])

    return Coder(name="constriction, stepwise", encode=encode, decode=decode, symbols=symbols)


def shortened(task: Task, symbols: int) -> Task:
    """The first symbols of a task."""
    return Task(
        symbols_T=task.symbols_T[:symbols],
        probabilities_TS=task.probabilities_TS[:symbols],
        cumulative_TC=task.cumulative_TC[:symbols],
        precision=task.precision,
    )


def measure(task: Task, coder: Coder) -> tuple[float, float, int]:
    """Seconds to encode, seconds to decode, and bits; raises when a symbol differs."""
    start = time.perf_counter()
    code, bits = coder.encode(task)
    middle = time.perf_counter()
    symbols_T = coder.decode(task, code)
    end = time.perf_counter()
    if not np.array_equal(symbols_T, task.symbols_T):
        raise AssertionError(f"{coder.name} did not give the symbols back")
    return middle - start, end - middle, bits


def compare(kind: str, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """One row per coder for one kind of task."""
    task = make_task(kind, arguments.symbols, arguments.precision, arguments.seed)
    coders = [ours(streams, arguments.symbols) for streams in STREAMS]
    coders += [constriction_batched(arguments.symbols), constriction_stepwise(arguments.symbols // 4)]
    coders.append(readable(arguments.symbols // 25))
    tasks = {coder.name: shortened(task, coder.symbols) for coder in coders}
    for coder in coders:  # Compiles, fills caches, and is not counted.
        measure(tasks[coder.name], coder)
    found: dict[str, list[tuple[float, float, int]]] = {coder.name: [] for coder in coders}
    for _ in range(arguments.repeats):
        for coder in coders:
            found[coder.name].append(measure(tasks[coder.name], coder))
    rows = []
    for coder in coders:
        times = found[coder.name]
        rows.append(
            {
                "distributions": kind,
                "coder": coder.name,
                "symbols": coder.symbols,
                "encode_symbols_per_s": round(coder.symbols / statistics.median(one[0] for one in times)),
                "decode_symbols_per_s": round(coder.symbols / statistics.median(one[1] for one in times)),
                "bits_per_symbol": times[0][2] / coder.symbols,
                "ideal_bits_per_symbol": tasks[coder.name].ideal_bits,
            }
        )
    return rows


def main() -> None:
    parser = new_parser(__doc__)
    parser.add_argument("--symbols", type=int, default=102_400, help="symbols per task; 102,400")
    parser.add_argument("--precision", type=int, default=16, help="bits of the integer counts; 16")
    parser.add_argument("--repeats", type=int, default=7, help="rounds; 7")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    record = start_record("coder_speed", arguments, seed=arguments.seed)
    rows = [row for kind in ("static", "varying") for row in compare(kind, arguments)]
    table = markdown_table(rows)
    finish_record(record, table, {"rows": rows}, arguments)


if __name__ == "__main__":
    main()
