"""How far a cut model's logits are from those of the model that wears the masks: over many random structures and families.

    python benchmarks/cut_equality.py                      # 1,000 structures, some minutes on one core
    python benchmarks/cut_equality.py --structures 10      # a trial

Models and masks are random; heads, units, whole attentions and whole feed-forward parts are off with chances that differ from
structure to structure, up to all of them. Errors are the largest difference of any logit: in float64 as it is, in float32
divided by the largest logit, or by 1 where that is smaller.
"""

import argparse
from typing import Any

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    BertConfig,
    DistilBertConfig,
    GPT2Config,
    LlamaConfig,
    PreTrainedModel,
    RobertaConfig,
)

from laconic.pruning.cutting import cut
from laconic.pruning.masking import Masking
from laconic.pruning.masks import Masks
from laconic.pruning.parts import Parts, count_parts
from laconic.records.benchmark import markdown_table
from script import finish_record, new_parser, start_record

LAYERS, HEADS, WIDTH, UNITS, WORDS, LENGTH = 4, 4, 32, 48, 100, 12
_COMMON: dict[str, Any] = {
    "vocab_size": WORDS,
    "hidden_size": WIDTH,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "intermediate_size": UNITS,
}
CONFIGS: dict[str, Any] = {
    "bert": BertConfig(**_COMMON),
    "roberta": RobertaConfig(**_COMMON, max_position_embeddings=64),
    "distilbert": DistilBertConfig(vocab_size=WORDS, dim=WIDTH, n_layers=LAYERS, n_heads=HEADS, hidden_dim=UNITS),
    "gpt2": GPT2Config(
        vocab_size=WORDS, n_embd=WIDTH, n_layer=LAYERS, n_head=HEADS, n_inner=UNITS, bos_token_id=1, eos_token_id=2
    ),
    "llama": LlamaConfig(**_COMMON, num_key_value_heads=2, bos_token_id=1, eos_token_id=2),
    "MiniLM-L6-H384": BertConfig(
        vocab_size=WORDS, hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536
    ),
}


def build(family: str, dtype: torch.dtype) -> PreTrainedModel:
    torch.manual_seed(0)
    auto = AutoModelForCausalLM if family in ("gpt2", "llama") else AutoModelForSequenceClassification
    model: PreTrainedModel = auto.from_config(CONFIGS[family])
    with torch.no_grad():
        for parameter in model.parameters():
            # Biases and norms matter, too; numbers keep their size from layer to layer.
            parameter.add_(torch.randn_like(parameter) / model.config.hidden_size**0.5)
    return model.to(dtype).eval()


def random_masks(parts: Parts, seed: int, dtype: torch.dtype) -> Masks:
    random = torch.Generator().manual_seed(seed)
    off = float(torch.rand((), generator=random)) * 1.05

    def some(*shape: int) -> torch.Tensor:
        values = 0.3 + 0.7 * torch.rand(shape, generator=random, dtype=dtype)
        return values * (torch.rand(shape, generator=random) >= off)

    return Masks(
        head_LH=some(parts.layers, parts.heads),
        attention_L=some(parts.layers),
        unit_LU=some(parts.layers, parts.units),
        ffn_L=some(parts.layers),
    )


@torch.no_grad()
def differences(family: str, seeds: range, dtype: torch.dtype) -> list[tuple[float, float]]:
    """The largest difference of any logit, and the largest logit, for each structure."""
    model, found = build(family, dtype), []
    parts, masking = count_parts(model), Masking(model)
    for seed in seeds:
        ids_BT = torch.randint(3, WORDS, (2, LENGTH), generator=torch.Generator().manual_seed(seed))
        inputs = {"input_ids": ids_BT, "attention_mask": torch.ones_like(ids_BT)}
        masks = random_masks(parts, seed, dtype)
        masking.wear(None)
        smaller = cut(model, masks)
        masking.wear(masks)
        masked = model(**inputs).logits
        found.append((float((masked - smaller(**inputs).logits).abs().max()), float(masked.abs().max())))
    return found


def main() -> None:
    arguments = _arguments()
    record = start_record("cut-equality", arguments, seed=0)
    rows = []
    for place, family in enumerate(CONFIGS):
        seeds = range(place, arguments.structures, len(CONFIGS))
        row: dict[str, Any] = {"family": family, "structures": len(seeds)}
        for name, dtype in {"float64": torch.float64, "float32": torch.float32}.items():
            found = differences(family, seeds, dtype)
            row[name] = max(error / max(1.0, logit if dtype == torch.float32 else 1.0) for error, logit in found)
        rows.append(row)
        print(row, flush=True)
    table = markdown_table(rows)
    finish_record(record, table, {"rows": rows}, arguments)


def _arguments() -> argparse.Namespace:
    parser = new_parser(__doc__)
    parser.add_argument("--structures", type=int, default=1000, help="in all, shared among the families")
    arguments = parser.parse_args()
    if arguments.structures < len(CONFIGS):
        parser.error(f"--structures is {arguments.structures}, but each of {len(CONFIGS)} families needs one")
    return arguments


if __name__ == "__main__":
    main()
