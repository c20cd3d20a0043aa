"""How fast and how tight the neural codec is with a model pruned, beside the whole model and those that come with laconic.

    python benchmarks/pruned_codec.py runs/pruned/sparsity-*/byte_model.safetensors           # some minutes for each model
    python benchmarks/pruned_codec.py --limit 4000 --repeats 1 --out /tmp/try                 # a trial, of shipped models only

The text is the beginning of the test split of `wikipedia-en`, every article followed by a line feed. Each model compresses and
decompresses it once in each round, one model after the other, so that what else the machine does meets all of them alike; the
file is verified. Shown is the quickest round, and the quotient of the medians of all rounds against the first model. Bits per
byte are those of the whole file.
"""

import argparse
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from compressors import load_text
from laconic.archive.summary import Summary
from laconic.bytelm.base import AbstractByteLM
from laconic.bytelm.limits import limit_threads
from laconic.bytelm.registry import load_byte_lm
from laconic.bytelm.transformer import TransformerByteLM
from laconic.records.benchmark import markdown_table
from neural_codec import run_codec
from script import finish_record, new_parser, start_record

SHIPPED = ("default", "transformer-1m", "light")
VERBS = ("compress", "decompress")


def measure(models: dict[str, AbstractByteLM], text: bytes, repeats: int) -> list[dict[str, Any]]:
    """One row for each model: how tight, how fast, how large."""
    for model in models.values():
        run_codec(text[:3000], model)  # Compiles, and is not counted.
    seconds: dict[str, dict[str, list[float]]] = {name: {verb: [] for verb in VERBS} for name in models}
    summaries = dict[str, Summary]()
    for number in range(repeats):
        for name, model in models.items():
            taken, summaries[name] = run_codec(text, model)
            for verb in VERBS:
                seconds[name][verb].append(taken[verb])
        print(f"round {number + 1} of {repeats}", flush=True)
    first = seconds[next(iter(models))]
    return [
        {
            "model": name,
            "layer_parameters": layer_parameters(model),
            "blocks": blocks_of(model),
            "bits_per_byte": 8 * summaries[name].file_bytes / len(text),
            **{f"{verb}_kb_per_s": len(text) / min(seconds[name][verb]) / 1000 for verb in VERBS},
            **{f"{verb}_times": quotient(first[verb], seconds[name][verb]) for verb in VERBS},
            "fingerprint": f"{model.fingerprint:016x}",
            "seconds": seconds[name],
        }
        for name, model in models.items()
    ]


def quotient(first: Sequence[float], own: Sequence[float]) -> float:
    """How many times as fast as the first model."""
    return statistics.median(first) / statistics.median(own)


def layer_parameters(model: AbstractByteLM) -> int | None:
    """Weights of attention and feed-forward parts; None for a model without."""
    if not isinstance(model, TransformerByteLM):
        return None
    return sum(part.project_in.weight.size + part.project_out.weight.size for part in model.weights.parts)


def blocks_of(model: AbstractByteLM) -> str:
    """Heads and units of each block."""
    if not isinstance(model, TransformerByteLM):
        return ""
    return " ".join(f"{block.heads}/{block.ffn}" for block in model.weights.shape.blocks)


def load(paths: Sequence[Path]) -> dict[str, AbstractByteLM]:
    """The models that come with laconic, and those of files, called by their folders."""
    return {name: load_byte_lm(name) for name in SHIPPED} | {path.parent.name: load_byte_lm(path) for path in paths}


def main() -> None:
    arguments = _arguments()
    limit_threads(arguments.threads)
    models = load(arguments.models)
    record = start_record("pruned-codec", arguments, models=list(models))
    (text,) = load_text("wikipedia-en", arguments.data_root)
    text = text[: arguments.limit]
    rows = measure(models, text, arguments.repeats)
    shown = [{name: value for name, value in row.items() if name not in ("seconds", "fingerprint")} for row in rows]
    page = f"The first {len(text):,} bytes, {arguments.threads} thread(s); blocks as heads/units.\n\n{markdown_table(shown)}"
    results = {"text_bytes": len(text), "models": rows}
    finish_record(record, page, results, arguments)


def _arguments() -> argparse.Namespace:
    parser = new_parser(__doc__)
    parser.add_argument("models", type=Path, nargs="*", help="byte models beside those that come with laconic")
    parser.add_argument("--limit", type=int, default=500_000, help="only the first bytes of the text; 500,000")
    parser.add_argument("--repeats", type=int, default=5, help="rounds; 5")
    parser.add_argument("--threads", type=int, default=1, help="threads of the codec; 1")
    parser.add_argument("--data-root", type=Path, default=None, help="data folder; that of LACONIC_DATA if not given")
    return parser.parse_args()


if __name__ == "__main__":
    main()
