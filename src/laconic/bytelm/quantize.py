"""From a float parent to exact integers: seven-bit weights, and ranges of keys and values seen on text."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt16
from torch import Tensor, nn
from transformers import PreTrainedModel

from laconic.bytelm.base import AbstractByteLM
from laconic.bytelm.files import ModelFile
from laconic.bytelm.fixedpoint import FRACTION
from laconic.bytelm.integer_forward import RESIDUAL_LIMIT
from laconic.bytelm.transformer_weights import CUT_KIND, KIND, ROTARY_BITS, START, BlockShape
from laconic.errors import UsageError
from laconic.model.cut import NoAttention, NoFeedForward
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
        parent: a Mistral as `laconic.model.byte_parent` builds it, with one key and value head, whole or cut
            (`laconic.model.cut`).
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
    seen = _largest_seen(parent, texts_NT)
    bits = _residual_bits(float(state["model.embed_tokens.weight"].abs().max()), seen.added)
    unit = 2.0**bits
    tensors = {
        "embedding": torch.round(state["model.embed_tokens.weight"] * unit).to(torch.int16).numpy(),
        "rotary": rotary_table(parent, 2 * config.sliding_window),
        "norm": state["model.norm.weight"].numpy(),
        **_matrix("output", state["lm_head.weight"][:SYMBOLS], FRACTION / math.log(2)),
    }
    blocks = [_block(layer, config.head_dim) for layer in parent.model.layers]
    for index, block in enumerate(blocks):
        if block.heads:
            tensors |= _attention(state, index, seen, unit)
        if block.ffn:
            tensors |= _feed_forward(state, index, unit)
    kind, sizes = _sizes(blocks)
    shape = {
        **sizes,
        "width": config.hidden_size,
        "head": config.head_dim,
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
    return ModelFile(kind=kind, config={**shape, "prior": name}, description=description, tensors=tensors)


def _block(layer: Any, head: int) -> BlockShape:
    attention, ffn = layer.self_attn, layer.mlp
    heads = 0 if isinstance(attention, NoAttention) else attention.q_proj.out_features // head
    return BlockShape(heads=heads, ffn=0 if isinstance(ffn, NoFeedForward) else ffn.down_proj.in_features)


def _sizes(blocks: list[BlockShape]) -> tuple[str, dict[str, Any]]:
    """What a file says of blocks: in one number of each where all are alike and complete, as ever; else one by one."""
    first = blocks[0]
    if first.heads and first.ffn and set(blocks) == {first}:
        return KIND, {"layers": len(blocks), "heads": first.heads, "ffn": first.ffn}
    return CUT_KIND, {"blocks": [asdict(block) for block in blocks]}


def _attention(state: dict[str, Tensor], index: int, seen: "_Largest", unit: float) -> dict[str, np.ndarray]:
    source, target = f"model.layers.{index}", f"layers.{index}"
    inputs = [state[f"{source}.self_attn.{name}_proj.weight"] for name in ("q", "k", "v")]
    return {
        f"{target}.attention_norm": state[f"{source}.input_layernorm.weight"].numpy(),
        f"{target}.cache_scale": np.array([seen.keys[index] / 127, seen.values[index] / 127], np.float32),
        **_matrix(f"{target}.attention_in", torch.cat(inputs)),
        **_matrix(f"{target}.attention_out", state[f"{source}.self_attn.o_proj.weight"], unit),
    }


def _feed_forward(state: dict[str, Tensor], index: int, unit: float) -> dict[str, np.ndarray]:
    source, target = f"model.layers.{index}", f"layers.{index}"
    return {
        f"{target}.ffn_norm": state[f"{source}.post_attention_layernorm.weight"].numpy(),
        **_matrix(f"{target}.ffn_in", torch.cat([state[f"{source}.mlp.{name}_proj.weight"] for name in ("gate", "up")])),
        **_matrix(f"{target}.ffn_out", state[f"{source}.mlp.down_proj.weight"], unit),
    }


def _matrix(name: str, weight: Tensor, unit: float = 1.0) -> dict[str, np.ndarray]:
    """Integers and one scale per output channel, which is in units of `1 / unit`."""
    step_N = weight.abs().amax(1).clamp(min=1e-12) / _STEPS
    return {
        f"{name}.weight": torch.round(weight / step_N[:, None]).to(torch.int8).numpy(),
        f"{name}.scale": (step_N * unit).numpy().astype(np.float32),
    }


def _residual_bits(embedded: float, added: float) -> int:
    """As fine a unit as int16 allows for the embedding, and `RESIDUAL_LIMIT` for twice what a sub-layer adds."""
    units = min(_EMBEDDING_LIMIT / max(embedded, 1e-6), RESIDUAL_LIMIT / max(2 * added, 1e-6))
    return max(1, min(_RESIDUAL_BITS, math.floor(math.log2(units))))


def rotary_table(parent: PreTrainedModel, places: int) -> np.ndarray:
    """Cosines and sines of all places, as integers: of shape (2, places, head / 2)."""
    angles = torch.arange(places).double()[:, None] * parent.model.rotary_emb.inv_freq.double()
    return torch.round(torch.stack([angles.cos(), angles.sin()]) * (1 << ROTARY_BITS)).to(torch.int16).numpy()


@dataclass
class _Largest:
    """The largest sizes seen on some text.

    Attributes:
        keys: of keys after turning, by layer.
        values: of values, by layer.
        added: of what any sub-layer adds to the residual stream.
    """

    keys: list[float]
    values: list[float]
    added: float = 0.0


def _largest_seen(parent: PreTrainedModel, texts_NT: UInt16[np.ndarray, "N T"], rows: int = 8) -> _Largest:
    """Send some text through the parent and watch."""
    layers, half = parent.model.layers, parent.config.head_dim // 2
    seen = _Largest(keys=[1e-6] * len(layers), values=[1e-6] * len(layers))

    def watch(module: nn.Module, note: Callable[[Tensor], None]) -> Any:
        return module.register_forward_hook(lambda module, inputs, output: note(output))

    def note_key(index: int, output: Tensor) -> None:
        # Turning a pair of channels keeps its length, which bounds both.
        pairs = output.reshape(*output.shape[:-1], 2, half)
        seen.keys[index] = max(seen.keys[index], float(pairs.norm(dim=-2).max()))

    def note_value(index: int, output: Tensor) -> None:
        seen.values[index] = max(seen.values[index], float(output.abs().max()))

    def note_added(output: Tensor) -> None:
        seen.added = max(seen.added, float(output.abs().max()))

    hooks = []
    for index, layer in enumerate(layers):
        if not isinstance(layer.self_attn, NoAttention):
            hooks += [
                watch(layer.self_attn.k_proj, partial(note_key, index)),
                watch(layer.self_attn.v_proj, partial(note_value, index)),
                watch(layer.self_attn.o_proj, note_added),
            ]
        if not isinstance(layer.mlp, NoFeedForward):
            hooks.append(watch(layer.mlp.down_proj, note_added))
    try:
        with torch.no_grad():
            for at in range(0, len(texts_NT), rows):
                texts_BT = texts_NT[at : at + rows, :-1].astype(np.int64)
                parent(input_ids=torch.from_numpy(np.pad(texts_BT, ((0, 0), (1, 0)), constant_values=START)), use_cache=False)
    finally:
        for hook in hooks:
            hook.remove()
    return seen
