"""A transformer's weights, laid out for the compiled paths."""

from dataclasses import dataclass
from typing import final

import numpy as np
import torch

from laconic.bytelm.attention_kernels import Turning
from laconic.bytelm.integer_forward import score_step, unit_scale
from laconic.bytelm.products import Operand, prepare_weights
from laconic.bytelm.transformer_weights import ROTARY_BITS, LayerWeights, Linear, TransformerShape, TransformerWeights


@final
@dataclass(frozen=True, kw_only=True)
class NetworkLayer:
    """One block.

    Attributes:
        attention_in: second operand of products; likewise the others.
        turning: what queries, keys and values are scaled and turned with.
        attention_norm: gains, float32; likewise `ffn_norm`, and `following_norm`, which is that of the next block or output.
        attention_channel: what one unit of each output channel is worth, float32; likewise `ffn_channel`.
        value_unit: what the largest weighted value is worth in units of the products that follow.
        unit_F: what one product of two integer sums is worth, for each feed-forward unit.
    """

    attention_norm: np.ndarray
    attention_in: Operand
    turning: Turning
    value_unit: np.float32
    attention_out: Operand
    attention_channel: np.ndarray
    ffn_norm: np.ndarray
    ffn_in: Operand
    unit_F: np.ndarray
    ffn_out: Operand
    ffn_channel: np.ndarray
    following_norm: np.ndarray


@final
@dataclass(frozen=True, kw_only=True)
class Network:
    """A whole transformer.

    Attributes:
        shape: its sizes.
        embedding: residual units of each input, int32, of shape (258, D).
        layers: the blocks.
        output: second operand of products.
        output_channel: what one unit of each logit is worth.
        epsilon: what norms add to the mean square, in residual units.
    """

    shape: TransformerShape
    embedding: np.ndarray
    layers: tuple[NetworkLayer, ...]
    output: Operand
    output_channel: np.ndarray
    epsilon: float


def build_network(weights: TransformerWeights) -> Network:
    """Prepare the weights of a model, once."""
    shape = weights.shape
    cosine_PF, sine_PF = weights.rotary.astype(np.float32) * np.float32(2.0**-ROTARY_BITS)
    following = [*(layer.attention_norm for layer in weights.layers[1:]), weights.norm]
    return Network(
        shape=shape,
        embedding=weights.embedding.astype(np.int32),
        layers=tuple(
            _build_layer(layer, norm, shape, cosine_PF, sine_PF) for layer, norm in zip(weights.layers, following, strict=True)
        ),
        output=_operand(weights.output),
        output_channel=weights.output.scale,
        epsilon=shape.epsilon * 4.0**shape.residual_bits,
    )


def _build_layer(
    layer: LayerWeights, following: np.ndarray, shape: TransformerShape, cosine_PF: np.ndarray, sine_PF: np.ndarray
) -> NetworkLayer:
    one = np.float32(1)
    factors = np.array([score_step(layer, shape), one / layer.key_scale, one / layer.value_scale], np.float32)
    return NetworkLayer(
        attention_norm=layer.attention_norm,
        attention_in=_operand(layer.attention_in),
        turning=Turning(layer.attention_in.scale, cosine_PF, sine_PF, factors),
        value_unit=layer.value_scale / np.float32(127),
        attention_out=_operand(layer.attention_out),
        attention_channel=layer.attention_out.scale,
        ffn_norm=layer.ffn_norm,
        ffn_in=_operand(layer.ffn_in),
        unit_F=unit_scale(layer),
        ffn_out=_operand(layer.ffn_out),
        ffn_channel=layer.ffn_out.scale,
        following_norm=following,
    )


def _operand(linear: Linear) -> Operand:
    return prepare_weights(torch.from_numpy(linear.weight))
