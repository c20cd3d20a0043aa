"""From exact integers back to a float parent: what is at hand of a model whose parent was not kept, to go on training from."""

import math

import numpy as np
import torch
from torch import Tensor
from transformers import MistralForCausalLM

from laconic.bytelm.fixedpoint import FRACTION
from laconic.bytelm.quantize import rotary_table
from laconic.bytelm.transformer_weights import START, AttentionWeights, FeedForwardWeights, Linear, TransformerWeights
from laconic.errors import UsageError
from laconic.model.byte_parent import byte_parent_config
from laconic.model.sizes import ModelSize


def dequantize(weights: TransformerWeights) -> MistralForCausalLM:
    """The float parent whose weights are what the integers stand for; it predicts nearly what they do.

    Args:
        weights: of a transformer whose blocks are all alike.

    Raises:
        UsageError: blocks that differ, or positions that are not those of a parent of ours.
    """
    shape, block, unit = weights.shape, weights.shape.blocks[0], 2.0**-weights.shape.residual_bits
    if len(set(shape.blocks)) > 1 or not block.heads or not block.ffn:
        raise UsageError("a byte model that was cut has no stock parent: name one whose blocks are all alike")
    size = ModelSize(layers=len(shape.blocks), width=shape.width, heads=block.heads, ffn=block.ffn)
    parent = MistralForCausalLM(byte_parent_config(size, band=shape.band, head_dim=shape.head, rms_norm_eps=shape.epsilon))
    if not np.array_equal(rotary_table(parent, 2 * shape.band), weights.rotary):
        raise UsageError("this byte model turns its positions by other angles than a stock parent: name its parent")
    output = _float(weights.output, math.log(2) / FRACTION)
    state = {
        "model.embed_tokens.weight": torch.from_numpy(weights.embedding).float() * unit,
        "model.norm.weight": torch.from_numpy(weights.norm),
        "lm_head.weight": torch.cat([output, output.new_zeros(START + 1 - len(output), shape.width)]),
    }
    for index, part in enumerate(weights.parts):
        name = f"model.layers.{index // 2}"
        state |= _attention(name, part, unit) if isinstance(part, AttentionWeights) else _feed_forward(name, part, unit)
    parent.load_state_dict(state)
    parent.train(False)
    return parent


def _attention(name: str, part: AttentionWeights, unit: float) -> dict[str, Tensor]:
    inputs = _float(part.project_in)
    head = len(inputs) // (part.heads + 2)
    matrices = zip("qkv", torch.split(inputs, [part.heads * head, head, head]), strict=True)
    return {
        f"{name}.input_layernorm.weight": torch.from_numpy(part.norm),
        f"{name}.self_attn.o_proj.weight": _float(part.project_out, unit),
        **{f"{name}.self_attn.{letter}_proj.weight": matrix for letter, matrix in matrices},
    }


def _feed_forward(name: str, part: FeedForwardWeights, unit: float) -> dict[str, Tensor]:
    gate, other = _float(part.project_in).chunk(2)
    return {
        f"{name}.post_attention_layernorm.weight": torch.from_numpy(part.norm),
        f"{name}.mlp.gate_proj.weight": gate,
        f"{name}.mlp.up_proj.weight": other,
        f"{name}.mlp.down_proj.weight": _float(part.project_out, unit),
    }


def _float(linear: Linear, unit: float = 1.0) -> Tensor:
    """A matrix, whose outputs count in units of `unit`."""
    return torch.from_numpy(linear.weight).float() * torch.from_numpy(linear.scale)[:, None] * unit
