"""How fast and how tight the neural codec is, beside what this machine and plain step-by-step code can do, in one run.

    python benchmarks/neural_codec.py                                     # the default model; ten minutes on two cores
    python benchmarks/neural_codec.py --limit 50000 --out /tmp/try        # a trial on the first 50,000 bytes
    python benchmarks/neural_codec.py --model m.safetensors --parent DIR  # a model of one's own, with its float parent

The text is the test split of `wikipedia-en`, every article followed by a line feed: 2,020,490 bytes. Measured are:

* Speed of compressing and decompressing, the file verified, with everything that the command line does but reading files.
* Operations of the network per second: two for each weight that a byte meets (embeddings are looked up and do not count),
  and for attention two for each key and each value channel of each head within the band, on average over a block that
  begins from an empty context. What an implementation does beyond that, and the prior, is not counted.
* The best that matrix products of the same shapes reach on this machine: `torch._int_mm` or float32, whichever is faster
  for each shape, with as many rows as the codec gives them, weighted by their operations.
* Plain step-by-step code: the float model, a stock Hugging Face Mistral with its cache, one symbol at a time, without
  prior and coder. Weights are random unless `--parent` names a folder; speed does not depend on them.
* The size of all coded blocks, frames included, against the ideal code length of the model's counts.
* What it costs that a block starts from an empty context: the same text in short and in long pieces.
* With `--parent`: what the integers cost against the float model, in segments of twice the band.
"""

import argparse
import io
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from transformers import MistralConfig, MistralForCausalLM, PreTrainedModel

from compressors import load_text
from laconic.archive.stream import decompress_stream
from laconic.archive.summary import Summary
from laconic.archive.writer import compress_stream
from laconic.bytelm.base import AbstractByteLM, AbstractSession, CountFormat
from laconic.bytelm.registry import find_byte_lm, load_byte_lm
from laconic.bytelm.transformer import TransformerByteLM
from laconic.bytelm.transformer_weights import (
    START,
    AttentionWeights,
    Linear,
    TransformerShape,
    TransformerWeights,
)
from laconic.model.folder import load_model
from laconic.recipes.bytelm import compare
from laconic.records.benchmark import markdown_table
from laconic.shapes import SYMBOLS
from script import finish_record, new_parser, start_record

PRECISION = 20
LONG_PIECE, SHORT_PIECE = 1 << 16, 1 << 11
BARS = {"compress": 0.5, "decompress": 0.25}
"""Which part of the best matrix products the network is to reach."""

LEAST_SPEED_UP = 20.0
MOST_OVERHEAD = (0.0005, 32)
"""Blocks may exceed the ideal code length by this part, and so many bytes for each block."""


@final
class Ideal(AbstractByteLM):
    """A byte model that adds up the ideal code length of everything it is asked about."""

    def __init__(self, model: AbstractByteLM) -> None:
        self._model = model
        self.bits = 0.0

    @property
    def fingerprint(self) -> int:
        return self._model.fingerprint

    @property
    def description(self) -> str:
        return self._model.description

    def start(self, batch: int, form: CountFormat) -> AbstractSession:
        return self._model.start(batch, form)

    def threads_for(self, rows: int) -> int:
        return self._model.threads_for(rows)

    def counts(self, symbols_BT: np.ndarray, form: CountFormat) -> np.ndarray:
        return self._model.counts(symbols_BT, form)

    def ranges(self, symbols_BT: np.ndarray, lengths_B: np.ndarray, form: CountFormat) -> tuple[np.ndarray, np.ndarray]:
        starts_BT, stops_BT = self._model.ranges(symbols_BT, lengths_B, form)
        widths = (stops_BT - starts_BT)[np.arange(symbols_BT.shape[1]) < lengths_B[:, None]]
        self.bits += float((form.precision - np.log2(widths.astype(np.float64))).sum())
        return starts_BT, stops_BT


@dataclass(frozen=True, kw_only=True)
class Product:
    """A matrix product of the network: rows x inputs by inputs x outputs, so many times for each byte.

    Attributes:
        name: which one.
        inputs: length of the sums.
        outputs: sums for each row.
        times: how often a byte meets it.
    """

    name: str
    inputs: int
    outputs: int
    times: float = 1.0

    @property
    def operations(self) -> float:
        """Two for each product and sum, per byte."""
        return 2 * self.inputs * self.outputs * self.times


def products_of(weights: TransformerWeights, block: float) -> list[Product]:
    """All matrix products, attention's last: keys and values of one head seen by one position, on average over a block."""
    shape, linear = weights.shape, dict[str, Linear]()
    for part in weights.parts:
        kind = "attention" if isinstance(part, AttentionWeights) else "ffn"
        linear |= {f"{kind}_in": part.project_in, f"{kind}_out": part.project_out}
    layers, heads = len(shape.blocks), sum(block.heads for block in shape.blocks)
    products = [
        Product(name=name, inputs=matrix.weight.shape[1], outputs=matrix.weight.shape[0], times=layers)
        for name, matrix in linear.items()
    ]
    products.append(Product(name="output", inputs=shape.width, outputs=len(weights.output.weight)))
    part = reach(shape.band, block) / shape.band
    return [
        *products,
        Product(name="scores", inputs=shape.head, outputs=shape.band, times=part * heads),
        Product(name="values", inputs=shape.band, outputs=shape.head, times=part * heads),
    ]


def reach(band: int, block: float) -> float:
    """How many positions are seen on average within blocks of this length: 1 by the first one, `band` by all later ones."""
    growing = min(band, block)
    return (growing * (growing + 1) / 2 + max(0.0, block - band) * band) / block


def best_products(products: Sequence[Product], rows: int, heads: int, seconds: float) -> list[dict[str, Any]]:
    """For each product how many 10^9 operations per second int8 and float32 reach: one row of a table each.

    Attention of one row of text multiplies the queries of all heads, at most 256 together, by its own keys.
    """
    table = []
    for product in products:
        together = rows if product.name not in ("scores", "values") else max(heads, min(256, heads * rows))
        left = torch.randint(-127, 128, (together, product.inputs), dtype=torch.int8)
        right = torch.randint(-63, 64, (product.inputs, product.outputs), dtype=torch.int8)
        floats = left.float(), right.float()
        operations = 2e-9 * together * product.inputs * product.outputs
        speed = {
            "int8": operations / quickest(lambda left=left, right=right: torch._int_mm(left, right), seconds),
            "float32": operations / quickest(lambda floats=floats: floats[0] @ floats[1], seconds),
        }
        table.append(
            {
                "product": product.name,
                "rows": together,
                "inputs": product.inputs,
                "outputs": product.outputs,
                "share_of_operations": product.operations / sum(other.operations for other in products),
                "int8_gop_per_s": speed["int8"],
                "float32_gop_per_s": speed["float32"],
            }
        )
    return table


def combined(table: Sequence[dict[str, Any]]) -> float:
    """The speed of all products together, each in its faster way."""
    return 1 / sum(row["share_of_operations"] / max(row["int8_gop_per_s"], row["float32_gop_per_s"]) for row in table)


def quickest(work: Callable[[], object], seconds: float) -> float:
    """The least time that `work` took within about so many seconds."""
    work()
    times: list[float] = []
    while sum(times) < seconds:
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


def run_codec(text: bytes, model: AbstractByteLM) -> tuple[dict[str, float], Summary]:
    """Compress and decompress once, verified; seconds of both."""
    packed, back = io.BytesIO(), io.BytesIO()
    began = time.perf_counter()
    summary = compress_stream(io.BytesIO(text), packed, model=model, precision=PRECISION)
    between = time.perf_counter()
    packed.seek(0)
    decompress_stream(packed, back, model=model)
    ended = time.perf_counter()
    if back.getvalue() != text:
        raise AssertionError("the text did not come back")
    return {"compress": between - began, "decompress": ended - between}, summary


def float_parent(shape: TransformerShape) -> PreTrainedModel:
    """A float model of the same shape, with random weights."""
    block = shape.blocks[0]
    config = MistralConfig(
        vocab_size=START + 1,
        hidden_size=shape.width,
        intermediate_size=block.ffn,
        num_hidden_layers=len(shape.blocks),
        num_attention_heads=block.heads,
        num_key_value_heads=1,
        head_dim=shape.head,
        hidden_act="relu",
        sliding_window=shape.band,
        tie_word_embeddings=False,
    )
    return MistralForCausalLM(config)


def seconds_per_step(parent: PreTrainedModel, text: bytes, band: int, steps: int) -> float:
    """The median over single steps of a float model with its cache full."""
    parent.eval()
    times = []
    with torch.inference_mode():
        out = parent(input_ids=torch.tensor([[START, *text[: band - 1]]]), use_cache=True)
        for symbol in text[band : band + steps]:
            began = time.perf_counter()
            out = parent(input_ids=torch.tensor([[symbol]]), past_key_values=out.past_key_values, use_cache=True)
            torch.softmax(out.logits[0, -1, :SYMBOLS], -1)
            times.append(time.perf_counter() - began)
    return statistics.median(times)


def restart_bits(text: bytes, model: AbstractByteLM) -> float:
    """What an empty context costs more than a full one: the same text in long and in short pieces."""
    long, short = (pieces_bits(text, model, size) for size in (LONG_PIECE, SHORT_PIECE))
    return (short - long) / (-(-len(text) // SHORT_PIECE) - -(-len(text) // LONG_PIECE))


def pieces_bits(text: bytes, model: AbstractByteLM, size: int) -> float:
    symbols = np.frombuffer(text, np.uint8).astype(np.uint16)
    rows_BT = np.pad(symbols, (0, -len(symbols) % size)).reshape(-1, size)
    lengths_B = np.minimum(size, len(symbols) - size * np.arange(len(rows_BT)))
    ideal = Ideal(model)
    ideal.ranges(rows_BT, lengths_B, CountFormat(precision=PRECISION, eos=False))
    return ideal.bits


def compare_with_float(text: bytes, model: TransformerByteLM, parent: PreTrainedModel) -> dict[str, float]:
    """Bits per byte of both, in segments of twice the band, each from an empty context."""
    size, known = 2 * model.weights.shape.band, model.weights.prior
    symbols = np.frombuffer(text, np.uint8).astype(np.int64)
    segments_NT = symbols[: len(symbols) // size * size].reshape(-1, size)
    prior = None if known is None else find_byte_lm(known)
    return compare(parent, model, prior, segments_NT, PRECISION)


def bar(what: str, value: float, least: float | None = None, most: float | None = None) -> dict[str, Any]:
    """One row: a number, and whether it keeps to its bar."""
    wanted = f"at least {least:g}" if least is not None else f"at most {most:g}" if most is not None else ""
    kept = (least is None or value >= least) and (most is None or value <= most)
    return {"what": what, "value": value, "bar": wanted, "kept": ("yes" if kept else "no") if wanted else ""}


def measure(arguments: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """All of it: the results, and the tables."""
    model = load_byte_lm(arguments.model)
    if not isinstance(model, TransformerByteLM):
        raise SystemExit(f"{arguments.model} is {model.description}: name a transformer with --model")
    if len(set(model.weights.shape.blocks)) > 1:
        raise SystemExit(f"{arguments.model} has blocks that differ: measure it with pruned_codec.py")
    (text,) = load_text("wikipedia-en", arguments.data_root)
    text = text[: arguments.limit]
    shape, weights = model.weights.shape, model.weights
    run_codec(text[:3000], model)  # Compiles, and is not counted.
    ideal = Ideal(model)
    seconds, summary = run_codec(text, ideal)
    bits = ideal.bits
    for _ in range(arguments.repeats - 1):
        again, _ = run_codec(text, model)
        seconds = {verb: min(seconds[verb], again[verb]) for verb in seconds}
    blocks = summary.kinds["coded"].blocks
    block = len(text) / max(1, summary.blocks)
    print(f"compressed and decompressed {len(text):,} bytes: {seconds}", flush=True)
    products = products_of(weights, block)
    per_byte = sum(product.operations for product in products)
    rows = {"compress": min(arguments.rows, len(text)), "decompress": blocks}
    tables = {verb: best_products(products, count, shape.blocks[0].heads, arguments.seconds) for verb, count in rows.items()}
    parent = float_parent(shape) if arguments.parent is None else load_model(arguments.parent)
    step = seconds_per_step(parent, text, shape.band, arguments.steps)
    print(f"one step of the float model: {1000 * step:.3f} ms", flush=True)
    speeds = [speed_of(verb, len(text) / seconds[verb], per_byte, combined(tables[verb]), step) for verb in rows]
    facts = [bar("bits per byte of the file", 8 * summary.file_bytes / len(text))]
    facts += [bar(f"{row['verb']}: part of the best products", row["part_of_best"], BARS[row["verb"]]) for row in speeds]
    facts += [bar(f"{row['verb']}: times plain float steps", row["times_float_steps"], LEAST_SPEED_UP) for row in speeds]
    if blocks == summary.blocks:
        payload = summary.kinds["coded"].file_bytes
        share, each = MOST_OVERHEAD
        facts.append(bar("coded blocks, bytes", payload, most=round(bits / 8 * (1 + share) + each * blocks)))
        facts.append(bar("ideal code length of their text, bytes", bits / 8))
    facts.append(bar("an empty context costs, bits", restart_bits(text[: arguments.restart_bytes], model)))
    if arguments.parent is not None:
        costs = compare_with_float(text[: arguments.float_bytes], model, parent)
        facts += [bar(f"segments of {2 * shape.band}: {name}", value) for name, value in costs.items()]
    results = {
        "model": model.description,
        "fingerprint": f"{model.fingerprint:016x}",
        "text_bytes": len(text),
        "file_bytes": summary.file_bytes,
        "blocks": {kind: total.blocks for kind, total in summary.kinds.items()},
        "operations_per_byte": per_byte,
        "torch_threads": torch.get_num_threads(),
        "float_step_ms": 1000 * step,
        "speeds": speeds,
        "facts": facts,
        "products": tables,
    }
    pages = [f"{model.description}; {per_byte / 1e6:.2f} million operations per byte, {blocks} blocks.\n"]
    pages += [markdown_table(speeds), markdown_table(facts)]
    pages += [f"Products, {verb}:\n\n" + markdown_table(table) for verb, table in tables.items()]
    return results, "\n".join(pages)


def speed_of(verb: str, rate: float, per_byte: float, best: float, step: float) -> dict[str, Any]:
    """One row: what a verb reaches, and beside it what can be reached."""
    return {
        "verb": verb,
        "kb_per_s": rate / 1000,
        "gop_per_s": rate * per_byte / 1e9,
        "best_gop_per_s": best,
        "part_of_best": rate * per_byte / 1e9 / best,
        "float_steps_per_s": 1 / step,
        "times_float_steps": rate * step,
    }


def main() -> None:
    arguments = _arguments()
    record = start_record("neural-codec", arguments)
    results, page = measure(arguments)
    finish_record(record, page, results, arguments)


def _arguments() -> argparse.Namespace:
    parser = new_parser(__doc__)
    parser.add_argument("--model", default="default", help="name of a byte model, or path of its .safetensors file")
    parser.add_argument("--parent", type=Path, default=None, help="folder of the float model it was made from")
    parser.add_argument("--limit", type=int, default=None, help="only the first bytes of the text")
    parser.add_argument("--repeats", type=int, default=2, help="rounds, of which the quickest counts, as for products; 2")
    parser.add_argument("--rows", type=int, default=1024, help="positions that compressing multiplies at once; 1024")
    parser.add_argument("--steps", type=int, default=300, help="steps of the float model; 300")
    parser.add_argument("--seconds", type=float, default=0.5, help="for each matrix product; 0.5")
    parser.add_argument("--restart-bytes", type=int, default=1 << 18, help="text for the cost of an empty context")
    parser.add_argument("--float-bytes", type=int, default=1 << 18, help="text for the comparison with the float model")
    parser.add_argument("--data-root", type=Path, default=None, help="data folder; that of LACONIC_DATA if not given")
    return parser.parse_args()


if __name__ == "__main__":
    main()
