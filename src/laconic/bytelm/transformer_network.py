"""A transformer's weights, laid out for the compiled paths."""

from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np
import torch

from laconic.bytelm.attention_kernels import Turning
from laconic.bytelm.integer_forward import score_step, unit_scale
from laconic.bytelm.products import Operand, prepare_weights
from laconic.bytelm.transformer_weights import (
    ROTARY_BITS,
    AttentionWeights,
    FeedForwardWeights,
    Linear,
    TransformerShape,
    TransformerWeights,
)


@final
@dataclass(frozen=True, kw_only=True)
class NetworkAttention:
    """Attention of a block.

    Attributes:
        index: which of all attentions it is.
        heads: H.
        project_in: second operand of products; likewise `project_out`.
        turning: what queries, keys and values are scaled and turned with.
        value_unit: what the largest weighted value is worth in units of the products that follow.
        channel: what one unit of each output channel is worth, float32.
        following_norm: gains of what comes next: another part, or the output.
    """

    index: int
    heads: int
    project_in: Operand
    turning: Turning
    value_unit: np.float32
    project_out: Operand
    channel: np.ndarray
    following_norm: np.ndarray


@final
@dataclass(frozen=True, kw_only=True)
class NetworkFeedForward:
    """The feed-forward part of a block.

    Attributes:
        project_in: second operand of products; likewise `project_out`.
        unit_F: what one product of two integer sums is worth, for each unit.
        channel: what one unit of each output channel is worth, float32.
        following_norm: gains of what comes next: another part, or the output.
    """

    project_in: Operand
    unit_F: np.ndarray
    project_out: Operand
    channel: np.ndarray
    following_norm: np.ndarray


NetworkPart: TypeAlias = NetworkAttention | NetworkFeedForward


@final
@dataclass(frozen=True, kw_only=True)
class Network:
    """A whole transformer.

    Attributes:
        shape: its sizes.
        embedding: residual units of each input, int32, of shape (258, D).
        first_norm: gains of what comes first: a part, or the output.
        parts: what adds to the residual stream, in order.
        output: second operand of products.
        output_channel: what one unit of each logit is worth.
        epsilon: what norms add to the mean square, in residual units.
    """

    shape: TransformerShape
    embedding: np.ndarray
    first_norm: np.ndarray
    parts: tuple[NetworkPart, ...]
    output: Operand
    output_channel: np.ndarray
    epsilon: float

    @property
    def attentions(self) -> list[NetworkAttention]:
        """Those parts that are attention."""
        return [part for part in self.parts if isinstance(part, NetworkAttention)]


def build_network(weights: TransformerWeights) -> Network:
    """Prepare the weights of a model, once."""
    shape = weights.shape
    angles = weights.rotary.astype(np.float32) * np.float32(2.0**-ROTARY_BITS)
    norms, parts, attentions = [*(part.norm for part in weights.parts), weights.norm], list[NetworkPart](), 0
    for part, following in zip(weights.parts, norms[1:], strict=True):
        if isinstance(part, AttentionWeights):
            parts.append(_build_attention(part, attentions, following, shape, angles))
            attentions += 1
        else:
            parts.append(_build_feed_forward(part, following))
    return Network(
        shape=shape,
        embedding=weights.embedding.astype(np.int32),
        first_norm=norms[0],
        parts=tuple(parts),
        output=_operand(weights.output),
        output_channel=weights.output.scale,
        epsilon=shape.epsilon * 4.0**shape.residual_bits,
    )


def _build_attention(
    part: AttentionWeights, index: int, following: np.ndarray, shape: TransformerShape, angles: np.ndarray
) -> NetworkAttention:
    one = np.float32(1)
    factors = np.array([score_step(part, shape), one / part.key_scale, one / part.value_scale], np.float32)
    return NetworkAttention(
        index=index,
        heads=part.heads,
        project_in=_operand(part.project_in),
        turning=Turning(part.project_in.scale, angles[0], angles[1], factors),
        value_unit=part.value_scale / np.float32(127),
        project_out=_operand(part.project_out),
        channel=part.project_out.scale,
        following_norm=following,
    )


def _build_feed_forward(part: FeedForwardWeights, following: np.ndarray) -> NetworkFeedForward:
    return NetworkFeedForward(
        project_in=_operand(part.project_in),
        unit_F=unit_scale(part),
        project_out=_operand(part.project_out),
        channel=part.project_out.scale,
        following_norm=following,
    )


def _operand(linear: Linear) -> Operand:
    return prepare_weights(torch.from_numpy(linear.weight))
