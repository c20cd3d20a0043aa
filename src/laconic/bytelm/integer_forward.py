"""The integer forward pass of the transformer byte model, written for reading: this file defines what the model answers.

Every faster path is tested equal to it, integer for integer. What makes that possible:

1. Sums run over integers only, and stay where the arithmetic holds them exactly: order, batch and device cannot matter.
2. Every other step is one IEEE operation per element, in the order written here, or a table look-up. Nothing is fused.

So a row of activations is kept as int8 with one float32 scale, which no sum runs over. A norm divides a whole row by one
number, which goes into that scale. Attention reaches over a band of `band` symbols. Positions count from the start of their
block of `band` positions, and a query is turned twice, once for the keys of its own block and once for those of the block
before, so that the rotary table has two blocks of entries however long a text is.
"""

import math
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Float32, Int, Int8, Int16, Int32, Int64
from torch import Tensor

from laconic.bytelm.fixedpoint import FRACTION, FRACTION_BITS, POWER_BITS, POWERS
from laconic.bytelm.transformer_weights import (
    ROTARY_BITS,
    START,
    AttentionWeights,
    FeedForwardWeights,
    Linear,
    TransformerShape,
    TransformerWeights,
)

ATTENTION_BITS = 14
"""Attention weights are integers below `2**14`."""

SCORE_FRACTION_BITS = 6
"""Scores are rounded to 1/64 bit before the table of powers is asked."""

RESIDUAL_LIMIT = 1 << 22
"""What one sub-layer adds to the residual stream is cut off here, in residual units."""

LOGIT_LIMIT = 1 << 20
"""Logits are cut off here, in units of 1/128 bit."""

TINY = 2.0**-20
"""Stands in for the largest size in a row of zeros."""

SCORE_REACH = (ATTENTION_BITS + 1) << SCORE_FRACTION_BITS
"""Scores further below the best one weigh nothing."""

ATTENTION_POWERS = np.array(
    [
        (int(POWERS[(-distance << 1) % FRACTION]) >> (POWER_BITS - ATTENTION_BITS - 1 + (distance + 63 >> 6))) + 1 >> 1
        for distance in range(SCORE_REACH)
    ]
    + [0],
    np.int32,
).clip(max=(1 << ATTENTION_BITS) - 1)
"""Weight by distance from the best score, in units of 1/64 bit; the last entry stands for all beyond."""


def symbol_weights(
    model: TransformerWeights, symbols_BT: Int[Tensor, "B T"], prior_BTS: Int32[Tensor, "B T 257"] | None = None
) -> Int64[Tensor, "B T 257"]:
    """The weight of each possible symbol at each position, given the symbols before it in its row.

    Args:
        model: the weights.
        symbols_BT: rows that begin at the start of a context; the last symbol of a row is not looked at.
        prior_BTS: logarithms of the prior's counts in units of 1/128 bit, if the model has a prior.

    Returns:
        Nonnegative integers, at most `2**30`, the likeliest symbol's exactly that.
    """
    shape = model.shape
    inputs_BT = torch.nn.functional.pad(symbols_BT[:, :-1].long(), (1, 0), value=START)
    residual_BTD = torch.from_numpy(model.embedding).to(symbols_BT.device)[inputs_BT].to(torch.int32)
    rotary = torch.from_numpy(model.rotary).to(symbols_BT.device)
    for part in model.parts:
        if isinstance(part, AttentionWeights):
            residual_BTD = residual_BTD + attend(residual_BTD, part, rotary, shape)
        else:
            residual_BTD = residual_BTD + transform(residual_BTD, part, shape)
    row = normalise(residual_BTD, model.norm, shape)
    logits_BTS = cut(project(row.units, model.output) * row.scale, LOGIT_LIMIT)
    if prior_BTS is not None:
        logits_BTS = logits_BTS + prior_BTS
    return powers_below(logits_BTS.amax(-1, keepdim=True) - logits_BTS)


@final
@dataclass(frozen=True)
class Row:
    """Activations as integers: `units x scale`, one scale for the last axis.

    Attributes:
        units: int8, of shape (B, T, channels).
        scale: float32, of shape (B, T, 1).
    """

    units: Int8[Tensor, "B T N"]
    scale: Float32[Tensor, "B T 1"]


def normalise(residual_BTD: Int32[Tensor, "B T D"], gain: np.ndarray, shape: TransformerShape) -> Row:
    """RMSNorm. The root mean square divides the whole row, so it goes into the scale."""
    units_BTD, largest_BT1 = to_units(residual_BTD.float() * on(gain, residual_BTD))
    squares_BT1 = residual_BTD.long().square().sum(-1, keepdim=True)
    epsilon = shape.epsilon * 4.0**shape.residual_bits
    root_BT1 = (squares_BT1.double() * (1.0 / shape.width) + epsilon).sqrt()
    return Row(units_BTD, (largest_BT1.double() / (root_BT1 * 127.0)).float())


def to_units(values: Float32[Tensor, "*B N"]) -> tuple[Int8[Tensor, "*B N"], Float32[Tensor, "*B 1"]]:
    """Values in units of 1/127 of the largest one in their row, and how large that is."""
    largest = values.abs().amax(-1, keepdim=True).clamp(min=TINY)
    # A tensor over a tensor: torch computes a plain number over a tensor as a product with the reciprocal.
    return torch.round(values * (torch.tensor(127.0) / largest)).to(torch.int8), largest


def project(units: Int8[Tensor, "B T N"], linear: Linear) -> Float32[Tensor, "B T M"]:
    """A matrix product in integers, then the scale of each output channel."""
    return products(units, linear).float() * on(linear.scale, units)


def products(units: Int8[Tensor, "B T N"], linear: Linear) -> Int32[Tensor, "B T M"]:
    """Sums of products: exact, as no partial sum reaches `2**24` (see `TransformerShape`), far below what float64 holds."""
    return (units.double() @ on(linear.weight, units).double().T).to(torch.int32)


def cut(values: Float32[Tensor, "..."], limit: int) -> Int32[Tensor, "..."]:
    """Round to whole numbers (half to even), none beyond `limit`."""
    return torch.round(values.clamp(-limit, limit)).to(torch.int32)


def attend(
    residual_BTD: Int32[Tensor, "B T D"], part: AttentionWeights, rotary: Int16[Tensor, "2 P F"], shape: TransformerShape
) -> Int32[Tensor, "B T D"]:
    """What attention adds to the residual stream."""
    row = normalise(residual_BTD, part.norm, shape)
    parts_BTN = project(row.units, part.project_in) * row.scale
    queries, key, value = torch.split(parts_BTN, [part.heads * shape.head, shape.head, shape.head], -1)
    place_T = torch.arange(queries.shape[1], device=queries.device) % shape.band
    query_BTHN = queries.reshape(*queries.shape[:2], part.heads, shape.head)
    # Both turned queries share one scale, so that scores of both blocks are compared as integers.
    turned = torch.cat([rotate(query_BTHN, rotary, place_T), rotate(query_BTHN, rotary, place_T + shape.band)], -1)
    units, largest_BTH1 = to_units(turned)
    own_BTHN, former_BTHN = units.chunk(2, -1)
    key_BTN = cut(rotate(key[:, :, None], rotary, place_T)[:, :, 0] * float(np.float32(1) / part.key_scale), 127)
    value_BTN = cut(value * float(np.float32(1) / part.value_scale), 127)
    step = largest_BTH1 * score_step(part, shape)
    mixed_BTHN = mix(own_BTHN, former_BTHN, key_BTN, value_BTN, step, shape.band)
    units_BTN, largest_BT1 = to_units(mixed_BTHN.flatten(2))
    scale_BT1 = largest_BT1 * float(part.value_scale / np.float32(127))
    return cut(project(units_BTN, part.project_out) * scale_BT1, RESIDUAL_LIMIT)


def score_step(part: AttentionWeights, shape: TransformerShape) -> float:
    """What one unit of a score is worth in units of 1/64 bit, for a query whose largest channel is 1."""
    step = float(part.key_scale) * (1 << SCORE_FRACTION_BITS) * 1.4426950408889634 / (127.0 * math.sqrt(shape.head))
    return float(np.float32(step))


def rotate(
    values: Float32[Tensor, "B T H N"], rotary: Int16[Tensor, "2 P F"], place_T: Int64[Tensor, "T"]
) -> Float32[Tensor, "B T H N"]:
    """Turn the two halves of each head by the angles of their positions."""
    cosine, sine = (rotary[part][place_T][:, None].float() * 2.0**-ROTARY_BITS for part in (0, 1))
    first, second = values.chunk(2, -1)
    return torch.cat([first * cosine - second * sine, second * cosine + first * sine], -1)


def mix(
    own_BTHN: Int8[Tensor, "B T H N"],
    former_BTHN: Int8[Tensor, "B T H N"],
    key_BTN: Int32[Tensor, "B T N"],
    value_BTN: Int32[Tensor, "B T N"],
    step_BTH1: Float32[Tensor, "B T H 1"],
    band: int,
) -> Float32[Tensor, "B T H N"]:
    """Attention over the band, in units of values.

    Scores stay below `2**23` for heads of up to 512 channels, and sums of weighted values below
    `2**14 x 127 x 2,048 < 2**32`, which float64 holds.
    """
    place_T = torch.arange(key_BTN.shape[1], device=key_BTN.device)
    key_BNS, value_B1SN = key_BTN.double().mT[:, None], value_BTN.double()[:, None]
    own, former = (queries.double().transpose(1, 2) @ key_BNS for queries in (own_BTHN, former_BTHN))
    same_TS = place_T[:, None] // band == place_T // band
    away_TS = place_T[:, None] - place_T
    scores_BHTS = torch.where(same_TS, own, former)
    scores_BHTS = torch.where((away_TS >= 0) & (away_TS < band), scores_BHTS, -torch.inf)
    below = (scores_BHTS.amax(-1, keepdim=True) - scores_BHTS).float()
    distance = torch.round((below * step_BTH1.transpose(1, 2)).clamp(max=SCORE_REACH)).long()
    weights_BHTS = on(ATTENTION_POWERS, key_BTN)[distance].double()
    weights_BHTS = weights_BHTS.masked_fill((away_TS < 0) | (away_TS >= band), 0.0)
    sums_BHTN = (weights_BHTS @ value_B1SN).float()
    return (sums_BHTN / weights_BHTS.sum(-1, keepdim=True).float()).transpose(1, 2)


def transform(
    residual_BTD: Int32[Tensor, "B T D"], part: FeedForwardWeights, shape: TransformerShape
) -> Int32[Tensor, "B T D"]:
    """What the feed-forward part adds to the residual stream. Its units are gated: relu(gate) x other."""
    row = normalise(residual_BTD, part.norm, shape)
    gate, other = products(row.units, part.project_in).float().chunk(2, -1)
    units_BTN, largest_BT1 = to_units((gate.clamp(min=0) * other) * on(unit_scale(part), gate))
    scale_BT1 = (largest_BT1 * float(np.float32(1 / 127))) * (row.scale * row.scale)
    return cut(project(units_BTN, part.project_out) * scale_BT1, RESIDUAL_LIMIT)


def unit_scale(part: FeedForwardWeights) -> np.ndarray:
    """What one product of two integer sums is worth, for each feed-forward unit."""
    gate, other = np.split(part.project_in.scale, 2)
    return np.asarray(gate * other, np.float32)


def powers_below(distance: Int32[Tensor, "B T N"]) -> Int64[Tensor, "B T N"]:
    """`2**30` halved for every 128 units of distance, rounded down."""
    whole, part = -(-distance >> FRACTION_BITS), -distance & (FRACTION - 1)
    return on(POWERS, distance)[part.long()] >> whole.clamp(max=POWER_BITS + 2).long()


def on(array: np.ndarray, like: Tensor) -> Tensor:
    """An array as a tensor, where another one is."""
    return torch.from_numpy(np.asarray(array)).to(like.device)
