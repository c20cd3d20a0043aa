"""The float parent of a transformer byte model: a stock Hugging Face Mistral.

Rotary positions, RMSNorm, a gated ReLU feed-forward part and attention over a band are what the integer forward pass
knows. One key and value head serves all query heads, so that a step that decodes reads a quarter of what four would need.
"""

from typing import Any

import torch
from transformers import MistralConfig, MistralForCausalLM

from laconic.model.sizes import ModelSize, find_size

SYMBOLS_AND_START = 258
"""Bytes, the end of a document, and the start of a context."""


def build_byte_parent(size: str, *, band: int, seed: int, key_heads: int = 1, quiet: bool = False) -> MistralForCausalLM:
    """A freshly initialised parent.

    Args:
        size: a key of `laconic.model.sizes.SIZES`.
        band: how many symbols attention reaches, the present one included.
        seed: names the initial weights.
        key_heads: heads of keys and values. The integer model takes one; more are for comparisons.
        quiet: all logits begin at 0: for a model that adds to a prior.

    Raises:
        UsageError: no size has this name.
    """
    config = byte_parent_config(find_size(size), band=band, key_heads=key_heads)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        model = MistralForCausalLM(config)
    if quiet:
        with torch.no_grad():
            model.lm_head.weight.zero_()
    return model


def byte_parent_config(shape: ModelSize, *, band: int, key_heads: int = 1, **overrides: Any) -> MistralConfig:
    """The config of a parent.

    Args:
        shape: its sizes.
        band: how many symbols attention reaches, the present one included.
        key_heads: heads of keys and values.
        overrides: further fields of `MistralConfig`, which win over ours.
    """
    fields: dict[str, Any] = {
        "vocab_size": SYMBOLS_AND_START,
        "hidden_size": shape.width,
        "intermediate_size": shape.ffn,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": key_heads,
        "head_dim": shape.width // shape.heads,
        "hidden_act": "relu",
        "sliding_window": band,
        "max_position_embeddings": 1 << 20,
        "tie_word_embeddings": False,
        "bos_token_id": SYMBOLS_AND_START - 1,
        "eos_token_id": None,
        "pad_token_id": None,
    }
    return MistralConfig(**(fields | overrides))
