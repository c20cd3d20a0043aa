"""What the structure of an encoder costs: seconds for a batch, with PyTorch and ONNX Runtime, of what pruning leaves.

    python benchmarks/encoder_speed.py                                          # some minutes on one core
    python benchmarks/encoder_speed.py --families tiny --batch 1 --length 8     # a trial

Weights are random, for speed depends on shapes alone. Two families, each compared with its dense model:

    bert-base       12 layers of width 768 with 12 heads of 64 and 3,072 feed-forward units
    minilm          6 layers of width 384 with 12 heads of 32 and 1,536 units (MiniLM-L6-H384)
    tiny            for trials

The structures at 60, 80 and 95 % are the mean numbers of heads and units that CoFi keeps in each layer of BERT-base (Xia,
Zhong and Chen 2022), rounded; those at 95 % are also shaped as single runs leave them, with few whole sub-layers or with
many thin ones. MiniLM's are these, scaled. A removed sub-layer hands its input on, without its norm. All run on the same
tokens, all rows of full length, in turn, and medians are compared.
"""

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import BertConfig, PreTrainedModel

from laconic.evaluation.latency import Runner, measure_latency, onnx_runner, speed_ratios, torch_runner
from laconic.model.cut import CutBertModel, cut_config
from laconic.model.onnx import export_onnx, quantize_onnx, verify_onnx
from laconic.records.benchmark import markdown_table
from script import finish_record, new_parser, start_record

KINDS = ("torch", "onnx", "onnx-int8")


@dataclass(frozen=True, kw_only=True)
class Structure:
    """What each layer has.

    Attributes:
        heads: of each layer; 0 where there is no attention.
        units: of each layer; 0 where there is no feed-forward part.
        width: of the model.
        size: of a head.
    """

    heads: Sequence[int]
    units: Sequence[int]
    width: int = 768
    size: int = 64


FAMILIES = {
    "bert-base": {
        "dense": Structure(heads=[12] * 12, units=[3072] * 12),
        "6 layers": Structure(heads=[12] * 6, units=[3072] * 6),
        "60 %": Structure(
            heads=[9, 8, 7, 9, 9, 8, 7, 5, 10, 5, 6, 5],
            units=[1360, 1050, 1325, 1205, 1275, 1250, 650, 980, 780, 290, 180, 290],
        ),
        "80 %": Structure(
            heads=[6, 6, 4, 4, 5, 5, 3, 3, 5, 2, 3, 2], units=[700, 355, 690, 600, 610, 445, 110, 485, 225, 185, 185, 250]
        ),
        "95 %": Structure(
            heads=[2, 2, 1, 2, 1, 1, 0, 0, 2, 1, 1, 1], units=[315, 50, 130, 25, 105, 25, 15, 155, 95, 50, 75, 130]
        ),
        "95 %, 6 attentions, 3 feed-forwards": Structure(
            heads=[3, 3, 0, 2, 0, 2, 0, 0, 0, 2, 0, 2], units=[500, 0, 400, 0, 350, 0, 0, 0, 0, 0, 0, 0]
        ),
        "95 %, 9 attentions, 10 feed-forwards": Structure(
            heads=[2, 2, 1, 2, 1, 0, 0, 0, 2, 1, 1, 1], units=[315, 50, 130, 0, 105, 25, 0, 155, 95, 50, 75, 130]
        ),
        "TinyBERT4": Structure(heads=[12] * 4, units=[1200] * 4, width=312, size=26),
    },
    "minilm": {
        "dense": Structure(heads=[12] * 6, units=[1536] * 6, width=384, size=32),
        "95 %, 3 attentions, 2 feed-forwards": Structure(
            heads=[3, 0, 2, 0, 0, 1], units=[170, 0, 120, 0, 0, 0], width=384, size=32
        ),
        "95 %, 5 attentions, 5 feed-forwards": Structure(
            heads=[2, 1, 1, 0, 1, 1], units=[100, 50, 40, 0, 50, 50], width=384, size=32
        ),
    },
    "tiny": {
        "dense": Structure(heads=[4] * 2, units=[64] * 2, width=32, size=8),
        "cut": Structure(heads=[1, 0], units=[0, 5], width=32, size=8),
    },
}


def build(structure: Structure) -> PreTrainedModel:
    """A bare BERT of random weights, cut to a structure."""
    config = BertConfig(
        hidden_size=structure.width,
        num_attention_heads=structure.width // structure.size,
        num_hidden_layers=len(structure.heads),
        intermediate_size=max(structure.units),
    )
    layers = [
        {"heads": heads, "kv_heads": heads, "units": units}
        for heads, units in zip(structure.heads, structure.units, strict=True)
    ]
    return CutBertModel(cut_config(config, layers), add_pooling_layer=False).eval()


def measure_family(family: str, options: argparse.Namespace) -> list[dict[str, Any]]:
    """A row for each structure and kind."""
    models = {name: build(structure) for name, structure in FAMILIES[family].items()}
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        files = {name: Path(folder) / f"{number}.onnx" for number, name in enumerate(models)}
        runners = {
            (name, kind): _runner(model, kind, files[name], options) for name, model in models.items() for kind in options.kinds
        }
        named = {f"{name} / {kind}": runner for (name, kind), runner in runners.items()}
        timings = measure_latency(named, rounds=options.rounds)
        for kind in options.kinds:
            ratios = speed_ratios(timings, f"dense / {kind}")
            for name, model in models.items():
                timing = timings[f"{name} / {kind}"]
                rows.append(
                    {
                        "family": family,
                        "structure": name,
                        "kind": kind,
                        "encoder_parameters": sum(parameter.numel() for parameter in model.encoder.parameters()),
                        "parameters": sum(parameter.numel() for parameter in model.parameters()),
                        "bytes": _bytes(model, kind, files[name]),
                        "seconds": timing.median,
                        "low": timing.low,
                        "high": timing.high,
                        "times_faster": round(ratios[f"{name} / {kind}"], 2),
                    }
                )
    return rows


def _runner(model: PreTrainedModel, kind: str, file: Path, options: argparse.Namespace) -> Runner:
    sizes = {"batch": options.batch, "length": options.length, "threads": options.threads}
    if kind == "torch":
        return torch_runner(model, **sizes)
    if not file.exists():
        export_onnx(model, file)
        difference = verify_onnx(model, file, batch=2, length=8)
        assert difference < 1e-3, f"{file} answers otherwise than its model, by {difference}"
    if kind == "onnx-int8":
        quantize_onnx(file, file.with_suffix(".int8.onnx"))
        file = file.with_suffix(".int8.onnx")
    return onnx_runner(file, **sizes)


def _bytes(model: PreTrainedModel, kind: str, file: Path) -> int:
    """Of all weights, or of the file."""
    if kind == "torch":
        return sum(parameter.nbytes for parameter in model.parameters())
    return (file.with_suffix(".int8.onnx") if kind == "onnx-int8" else file).stat().st_size


def main() -> None:
    arguments = _arguments()
    record = start_record("encoder-speed", arguments, seed=0)
    rows = [row for family in arguments.families for row in measure_family(family, arguments)]
    table = markdown_table(rows)
    finish_record(record, table, {"rows": rows}, arguments)


def _arguments() -> argparse.Namespace:
    parser = new_parser(__doc__)
    parser.add_argument("--families", nargs="+", choices=tuple(FAMILIES), default=["bert-base", "minilm"], help="of models")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=["torch", "onnx"], help="what runs them")
    parser.add_argument("--threads", type=int, default=1, help="that compute")
    parser.add_argument("--batch", type=int, default=8, help="rows read at once")
    parser.add_argument("--length", type=int, default=128, help="tokens in a row, up to 512")
    parser.add_argument("--rounds", type=int, default=11, help="batches of each that are timed")
    return parser.parse_args()


if __name__ == "__main__":
    main()
