"""Named sizes of decoder-only language models, each a stock Hugging Face `LlamaConfig`, or one with a banded vocabulary.

The shapes of `3m` to `2b` are those of Lester et al. 2024 (arXiv 2404.03626, table 4). Their parameter counts come out
only with a gated feed-forward part of three matrices, so the activation is a gated ReLU (ReGLU). Positions are rotary
and norms are RMSNorm, where the paper learned relative positions: a deviation that every record states by its config.

The shapes of `trime-7m` to `trime-247m` are those of Zhong, Lei and Chen 2022 (arXiv 2205.12674, table 9) with two thirds of
the feed-forward units, because a gated part has three matrices where theirs has two; `trime-150m` has heads of 42 numbers
instead of 41, because rotary positions turn pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel

from laconic.errors import UsageError
from laconic.model.adaptive import AdaptiveLlamaConfig, AdaptiveLlamaForCausalLM


@dataclass(frozen=True, kw_only=True)
class ModelSize:
    """The shape of a decoder.

    Attributes:
        layers: L, transformer blocks.
        width: D, the size of the residual stream.
        heads: H, attention heads; `width / heads` is the size of one.
        ffn: units of the gated feed-forward part of each block.
    """

    layers: int
    width: int
    heads: int
    ffn: int

    @property
    def body(self) -> int:
        """Parameters of all attention and feed-forward matrices: the count that the paper prints, without norms."""
        return self.layers * (4 * self.width**2 + 3 * self.width * self.ffn)


SIZES: dict[str, ModelSize] = {
    "tiny": ModelSize(layers=2, width=64, heads=2, ffn=256),
    "500k": ModelSize(layers=2, width=128, heads=4, ffn=512),
    "1m": ModelSize(layers=4, width=128, heads=4, ffn=512),
    "3m": ModelSize(layers=3, width=256, heads=4, ffn=1024),
    "7m": ModelSize(layers=3, width=384, heads=6, ffn=1536),
    "25m": ModelSize(layers=6, width=512, heads=8, ffn=2048),
    "113m": ModelSize(layers=12, width=768, heads=12, ffn=3072),
    "403m": ModelSize(layers=24, width=1024, heads=16, ffn=4096),
    "2b": ModelSize(layers=24, width=2048, heads=32, ffn=8192),
    "trime-7m": ModelSize(layers=8, width=128, heads=4, ffn=344),
    "trime-38m": ModelSize(layers=12, width=512, heads=8, ffn=1368),
    "trime-150m": ModelSize(layers=16, width=420, heads=10, ffn=1400),
    "trime-247m": ModelSize(layers=16, width=1024, heads=8, ffn=2736),
}
"""Every size by its name. `3m` is the byte model M1 of the paper; `25m` to `2b` are its second models."""


@dataclass(frozen=True, kw_only=True)
class ParameterCount:
    """How many numbers a model learns, each counted once however often it is used.

    Attributes:
        total: all parameters.
        embeddings: token and position tables with their projections, and the output where it is not the same table.
        body: the rest, norms and biases included; what "without embeddings" means in this library.
    """

    total: int
    embeddings: int
    body: int


def find_size(size: str) -> ModelSize:
    """Look up a size by name.

    Raises:
        UsageError: no size has this name.
    """
    if size not in SIZES:
        raise UsageError(f"the model size {size!r} is not known: choose one of {', '.join(SIZES)}")
    return SIZES[size]


def build_config(
    size: str, *, vocab_size: int, context: int, cutoffs: Sequence[int] = (), factor: int = 4, **overrides: Any
) -> LlamaConfig:
    """The Hugging Face config of a named size.

    Args:
        size: a key of `SIZES`.
        vocab_size: rows of the embedding table, the padding and start id included (`tokenizer.vocab_size + 1`).
        context: the longest sequence the model is meant for, in tokens.
        cutoffs: where bands of the vocabulary begin (`laconic.model.adaptive`); none for one table.
        factor: how much narrower the vectors of each band are than those of the one before.
        overrides: further fields of `LlamaConfig`, which win over ours.

    Raises:
        UsageError: no size has this name, or no such bands can be made.
    """
    shape = find_size(size)
    fields: dict[str, Any] = {
        "vocab_size": vocab_size,
        "hidden_size": shape.width,
        "intermediate_size": shape.ffn,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.heads,
        "hidden_act": "relu",
        "max_position_embeddings": context,
        "tie_word_embeddings": True,
        "bos_token_id": vocab_size - 1,
        "eos_token_id": None,
        "pad_token_id": None,
    }
    if not cutoffs:
        return LlamaConfig(**(fields | overrides))
    fields |= {"tie_word_embeddings": False, "cutoffs": list(cutoffs), "factor": factor}
    config = AdaptiveLlamaConfig(**(fields | overrides))
    try:
        config.bands()
    except ValueError as error:
        raise UsageError(f"{error}: choose other cutoffs or another size") from error
    return config


def build_model(
    size: str, *, vocab_size: int, context: int, seed: int, device: str = "cpu", **overrides: Any
) -> PreTrainedModel:
    """A freshly initialised model: the same weights for the same arguments, whatever ran before.

    Args:
        size: a key of `SIZES`.
        vocab_size: rows of the embedding table, the padding and start id included.
        context: the longest sequence the model is meant for, in tokens.
        seed: names the initial weights.
        device: `cpu`, or `meta` for a model without storage, to count or inspect.
        overrides: as for `build_config`: `cutoffs`, `factor`, and further fields of `LlamaConfig`.

    Raises:
        UsageError: no size has this name, or no such bands can be made.
    """
    config = build_config(size, vocab_size=vocab_size, context=context, **overrides)
    if device not in ("cpu", "meta"):
        raise ValueError(
            f"device is {device!r}, but must be 'cpu' or 'meta': initial weights must not depend on the accelerator"
        )
    with torch.random.fork_rng(devices=[]), torch.device(device):
        torch.default_generator.manual_seed(seed)
        return AdaptiveLlamaForCausalLM(config) if isinstance(config, AdaptiveLlamaConfig) else LlamaForCausalLM(config)


def count_parameters(model: PreTrainedModel) -> ParameterCount:
    """Count the parameters of a model; tied tables count once, as embeddings."""
    banded = isinstance(model, AdaptiveLlamaForCausalLM)
    inputs, output = model.get_input_embeddings(), model.lm_head if banded else model.get_output_embeddings()  # type: ignore[no-untyped-call]
    tables = [module for module in model.modules() if isinstance(module, torch.nn.Embedding)]
    parts = [parameter for module in (inputs, output, *tables) if module is not None for parameter in module.parameters()]
    embeddings = sum({id(parameter): parameter.numel() for parameter in parts}.values())
    total = sum(parameter.numel() for parameter in model.parameters())
    return ParameterCount(total=total, embeddings=embeddings, body=total - embeddings)
