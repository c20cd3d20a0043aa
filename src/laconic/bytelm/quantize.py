"""From a float parent to exact integers: seven-bit weights, and ranges of keys and values seen on text."""

import math
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt16
from torch import Tensor, nn
from transformers import PreTrainedModel

from laconic.bytelm.base import AbstractByteLM
from laconic.bytelm.files import ModelFile
from laconic.bytelm.fixedpoint import FRACTION
from laconic.bytelm.transformer_weights import ROTARY_BITS, START
from laconic.errors import UsageError
from laconic.shapes import SYMBOLS

_STEPS = 63
"""Weights become whole numbers from -63 to 63."""

_EMBEDDING_LIMIT = (1 << 15) - 1
_RESIDUAL_BITS = 14


def quantize(
    parent: PreTrainedModel, texts_NT: UInt16[np.ndarray, "N T"], *, prior: AbstractByteLM | None, trained_on: str
) -> ModelFile:
    """The integer transformer of a float parent, as the content of a model file.

    Args:
        parent: a Mistral as `laconic.model.byte_parent` builds it, with one key and value head.
        texts_NT: text to find the ranges of keys and values on; training text, not test text.
        prior: the byte model whose logarithms are added to the logits, as in training.
        trained_on: words for the description.

    Raises:
        UsageError: the parent has a shape that the integer forward pass does not know.
    """
    config: Any = parent.config
    if config.num_key_value_heads != 1 or config.hidden_act != "relu" or config.vocab_size != START + 1:
        raise UsageError("only a Mistral of 258 symbols, gated ReLU and one key and value head becomes an integer model")
    state = {name: tensor.detach().float() for name, tensor in parent.state_dict().items()}
    bits = _residual_bits(state["model.embed_tokens.weight"])
    unit = 2.0**bits
    tensors = {
        "embedding": torch.round(state["model.embed_tokens.weight"] * unit).to(torch.int16).numpy(),
        "rotary": _rotary(parent, 2 * config.sliding_window),
        "norm": state["model.norm.weight"].numpy(),
        **_matrix("output", state["lm_head.weight"][:SYMBOLS], FRACTION / math.log(2)),
    }
    for index, (key, value) in enumerate(_largest_cached(parent, texts_NT)):
        source, target = f"model.layers.{index}", f"layers.{index}"
        attention = [state[f"{source}.self_attn.{name}_proj.weight"] for name in ("q", "k", "v")]
        units = [state[f"{source}.mlp.{name}_proj.weight"] for name in ("gate", "up")]
        tensors |= {
            f"{target}.attention_norm": state[f"{source}.input_layernorm.weight"].numpy(),
            f"{target}.ffn_norm": state[f"{source}.post_attention_layernorm.weight"].numpy(),
            f"{target}.cache_scale": np.array([key / 127, value / 127], np.float32),
            **_matrix(f"{target}.attention_in", torch.cat(attention)),
            **_matrix(f"{target}.attention_out", state[f"{source}.self_attn.o_proj.weight"], unit),
            **_matrix(f"{target}.ffn_in", torch.cat(units)),
            **_matrix(f"{target}.ffn_out", state[f"{source}.mlp.down_proj.weight"], unit),
        }
    shape = {
        "layers": config.num_hidden_layers,
        "width": config.hidden_size,
        "heads": config.num_attention_heads,
        "head": config.head_dim,
        "ffn": config.intermediate_size,
        "band": config.sliding_window,
        "residual_bits": bits,
        "epsilon": float(config.rms_norm_eps),
    }
    name = None if prior is None else f"{prior.fingerprint:016x}"
    count = sum(parameter.numel() for parameter in parent.parameters())
    description = (
        f"transformer of {count / 1e6:.1f}M parameters in 7-bit integers, {config.num_hidden_layers} layers, attention over"
        f" {config.sliding_window} bytes, trained on {trained_on}"
    ) + ("" if prior is None else f", on top of an {prior.description.partition(',')[0]}")
    return ModelFile(kind="transformer", config={**shape, "prior": name}, description=description, tensors=tensors)


def _matrix(name: str, weight: Tensor, unit: float = 1.0) -> dict[str, np.ndarray]:
    """Integers and one scale per output channel, which is in units of `1 / unit`."""
    step_N = weight.abs().amax(1).clamp(min=1e-12) / _STEPS
    return {
        f"{name}.weight": torch.round(weight / step_N[:, None]).to(torch.int8).numpy(),
        f"{name}.scale": (step_N * unit).numpy().astype(np.float32),
    }


def _residual_bits(embedding: Tensor) -> int:
    """As fine a unit as int16 allows for the embedding, up to `2**-14`."""
    return min(_RESIDUAL_BITS, math.floor(math.log2(_EMBEDDING_LIMIT / max(float(embedding.abs().max()), 1e-6))))


def _rotary(parent: PreTrainedModel, places: int) -> np.ndarray:
    """Cosines and sines of all places, as integers: of shape (2, places, head / 2)."""
    angles = torch.arange(places).double()[:, None] * parent.model.rotary_emb.inv_freq.double()
    return torch.round(torch.stack([angles.cos(), angles.sin()]) * (1 << ROTARY_BITS)).to(torch.int16).numpy()


def _largest_cached(parent: PreTrainedModel, texts_NT: UInt16[np.ndarray, "N T"], rows: int = 8) -> list[tuple[float, float]]:
    """The largest size of keys (after turning) and values that each layer keeps on some text."""
    layers = parent.model.layers
    largest = [[0.0, 0.0] for _ in layers]
    half = parent.config.head_dim // 2

    def note(index: int, part: int) -> Any:
        def hook(module: nn.Module, inputs: Any, output: Tensor) -> None:
            # Turning a pair of channels keeps its length, which bounds both.
            pairs = output.reshape(*output.shape[:-1], 2, half)
            size = pairs.norm(dim=-2) if part == 0 else output.abs()
            largest[index][part] = max(largest[index][part], float(size.max()))

        return hook

    hooks = [
        projection.register_forward_hook(note(index, part))
        for index, layer in enumerate(layers)
        for part, projection in enumerate((layer.self_attn.k_proj, layer.self_attn.v_proj))
    ]
    try:
        with torch.no_grad():
            for at in range(0, len(texts_NT), rows):
                inputs_BT = torch.from_numpy(
                    np.pad(texts_NT[at : at + rows, :-1].astype(np.int64), ((0, 0), (1, 0)), constant_values=START)
                )
                parent(input_ids=inputs_BT, use_cache=False)
    finally:
        for hook in hooks:
            hook.remove()
    return [(key or 1.0, value or 1.0) for key, value in largest]
