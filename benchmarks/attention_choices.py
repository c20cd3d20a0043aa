"""What narrow attention costs in bits per byte, and saves in memory read per byte: heads of keys and values, and the band.

    python benchmarks/attention_choices.py --data-root ../shared/data                # about half an hour on one core
    python benchmarks/attention_choices.py --data-root ../shared/data --steps 100    # a trial

Small parents of byte models (size `1m`, on top of the shipped n-gram) are trained alike, on the same text in the same
order, and measured on the same held-out segments; they differ in one choice at a time. With `--parent FOLDER`, a trained
parent is also measured with narrower bands than it was trained with.

The cache of one stream is what a step that decodes one byte has to read: layers x band x key heads x head x 2 bytes.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import torch

from laconic.bytelm.registry import load_byte_lm
from laconic.model.byte_parent import build_byte_parent
from laconic.model.folder import load_model
from laconic.model.sizes import find_size
from laconic.recipes.bytelm import ByteLMConfig, held_out_segments, segment_bits, stream_segments
from laconic.records.benchmark import markdown_table
from laconic.text.corpora import open_corpus
from laconic.training.byte_modeling import ByteModeling
from laconic.training.loop import LoopConfig, train
from laconic.training.optimizer import OptimizerConfig
from laconic.training.schedule import ScheduleConfig
from script import finish_record, new_parser, start_record

CORPUS = "wikipedia-en"
CONTEXT = 512
CHOICES = ((1, 64), (1, 128), (1, 256), (1, 512), (2, 256), (4, 256))
"""Heads of keys and values, and band."""


def train_parent(key_heads: int, band: int, options: argparse.Namespace) -> torch.nn.Module:
    """A small parent, trained on the same text whatever its attention looks like."""
    prior = load_byte_lm("light")
    model = build_byte_parent(options.size, band=band, seed=0, key_heads=key_heads, quiet=True)
    loop = LoopConfig(
        steps=options.steps,
        batch=8,
        optimizer=OptimizerConfig(name="muon", weight_decay=0.1),
        schedule=ScheduleConfig(peak=4e-3, warmup=50, decay="linear", floor=0.01),
        clip=0.2,
        log_every=50,
    )
    config = ByteLMConfig(corpora=(f"{CORPUS}:1",), context=CONTEXT, loop=loop)
    stream = stream_segments(open_corpus(CORPUS, "train", data_root=options.data_root), config, 0, 1)
    with tempfile.TemporaryDirectory() as folder:
        train(model, ByteModeling(prior=prior, short=0.125), stream, loop, Path(folder))
    return model.eval()


def measure(options: argparse.Namespace) -> list[dict[str, Any]]:
    """One row for each choice."""
    valid_BT = held_out_segments(CORPUS, "valid", options.valid_bytes, CONTEXT, options.data_root)
    prior, shape, rows = load_byte_lm("light"), find_size(options.size), []
    for key_heads, band in CHOICES:
        bits = segment_bits(train_parent(key_heads, band, options), prior, valid_BT)
        cache = 2 * shape.layers * band * key_heads * (shape.width // shape.heads)
        rows.append({"model": options.size, "key_heads": key_heads, "band": band, "bits_per_byte": bits, "cache_bytes": cache})
        print(rows[-1], flush=True)
    if options.parent:
        model = load_model(options.parent)
        config: Any = model.config
        for band in (32, 64, 128, config.sliding_window):
            model.config.sliding_window = band
            bits = segment_bits(model.eval(), prior, valid_BT)
            cache = 2 * config.num_hidden_layers * band * config.num_key_value_heads * config.head_dim
            rows.append({"model": "parent", "key_heads": config.num_key_value_heads, "band": band})
            rows[-1] |= {"bits_per_byte": bits, "cache_bytes": cache}
            print(rows[-1], flush=True)
    return rows


def main() -> None:
    arguments = _arguments()
    record = start_record("attention-choices", arguments, seed=0)
    rows = measure(arguments)
    table = markdown_table(rows)
    finish_record(record, table, {"rows": rows}, arguments)


def _arguments() -> argparse.Namespace:
    parser = new_parser(__doc__)
    parser.add_argument("--size", default="1m", help="size of the parents")
    parser.add_argument("--steps", type=int, default=1000, help="updates of 4,096 bytes each")
    parser.add_argument("--valid-bytes", type=int, default=400_000, help="held-out text")
    parser.add_argument("--parent", type=Path, help="folder of a trained parent, to measure with narrower bands")
    parser.add_argument("--data-root", type=Path, default=None, help="data folder; that of LACONIC_DATA if not given")
    return parser.parse_args()


if __name__ == "__main__":
    main()
