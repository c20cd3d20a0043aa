"""Tiny models of every family that can be cut, with weights that say something."""

from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedConfig, PreTrainedModel

from laconic.model import cut

SIZE, LAYERS, WIDTH, UNITS = 8, 3, 32, 48
COMMON: dict[str, Any] = {
    "vocab_size": 64,
    "hidden_size": WIDTH,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 4,
    "intermediate_size": UNITS,
    "bos_token_id": 1,
    "eos_token_id": None,
    "pad_token_id": 0,
}
FIELDS: dict[str, dict[str, Any]] = {
    "bert": COMMON | {"max_position_embeddings": 32},
    "roberta": COMMON | {"max_position_embeddings": 32, "type_vocab_size": 1},
    "distilbert": {
        "vocab_size": 64,
        "dim": WIDTH,
        "n_layers": LAYERS,
        "n_heads": 4,
        "hidden_dim": UNITS,
        "pad_token_id": 0,
        "max_position_embeddings": 32,
    },
    "gpt2": {
        "vocab_size": 64,
        "n_embd": WIDTH,
        "n_layer": LAYERS,
        "n_head": 4,
        "n_inner": UNITS,
        "n_positions": 32,
        "pad_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": None,
    },
    "llama": COMMON,
    "mistral": COMMON | {"num_key_value_heads": 2, "sliding_window": 6},
}
NARROW = 20
"""What is left of the width where it is cut."""

CAUSAL = ("gpt2", "llama", "mistral")


def family(model_class: Any) -> str:
    """The family of a class of cut models."""
    return str(model_class.config_class.model_type.removeprefix("laconic_"))


CLASSES = {found.__name__: found for found in cut.CUT.values()}
STOCK = {found.__name__: stock for stock, found in cut.CUT.items()}
WIDE_ONLY = tuple(name for name in CLASSES if name.endswith("MaskedLM") or family(CLASSES[name]) in CAUSAL)
"""Classes that keep their width."""

IDS = torch.tensor([[5, 9, 33, 17, 2, 40, 21], [3, 3, 60, 12, 8, 50, 11]])


def whole(kind: str, **more: Any) -> PreTrainedConfig:
    """The stock config of a family."""
    stock: Any = next(found.config_class for found in cut.CUT if found.config_class.model_type == kind)
    return stock(**(FIELDS[kind] | more))


def layer(kind: str, heads: int, units: int, kv_heads: int | None = None) -> dict[str, int]:
    """What is left of a layer; where two heads share keys and values, half as many of these unless given."""
    shared = (heads + 1) // 2 if kind == "mistral" else heads
    return {"heads": heads, "kv_heads": shared if kv_heads is None else kv_heads, "units": units}


def ragged(kind: str) -> list[dict[str, int]]:
    """A layer of each kind: attention only, feed-forward only, both with some left."""
    return [layer(kind, 2, 0), layer(kind, 0, 5), layer(kind, 2, 7)]


def build(name: str, layers: list[dict[str, int]] | None, *, width: int | None = None, **more: Any) -> PreTrainedModel:
    """A model of the class of this name with random weights."""
    found = CLASSES[name]
    return loud(found(cut.cut_config(whole(family(found), **more), layers, width=width)))


def loud(model: PreTrainedModel) -> PreTrainedModel:
    """Weights large enough that each of them changes what the model says."""
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            norm = parameter.ndim == 1 and name.endswith("weight")
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.4 + norm)
    model.tie_weights()
    return model.eval()


def numbers(outputs: Any) -> list[Tensor]:
    """All tensors of an output, caches excepted."""
    return [value for value in outputs.values() if isinstance(value, Tensor)]
