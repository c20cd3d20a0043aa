"""What the parallel and the stepwise path share: all of the network but attention itself."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TypeAlias, final

import numpy as np
import torch
from jaxtyping import Integer
from torch import Tensor

from laconic.bytelm.products import multiply_weights
from laconic.bytelm.transformer_kernels import add_and_normalise_rows, gate_rows, normalise_rows
from laconic.bytelm.transformer_network import Network, NetworkLayer
from laconic.shapes import SYMBOLS

FFN_ROWS = 128
"""Feed-forward units of so many positions are worked on together: they are wide, and stay in the near caches."""

Attend: TypeAlias = Callable[[int, NetworkLayer, "Space"], None]
"""Attention of one layer: from `parts_NM` and `scale_N` to `mixed_NK` and `scale_N`."""


@final
class Both:
    """One buffer, for torch and for compiled loops."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor, self.array = tensor, tensor.numpy()

    def first(self, rows: int) -> "Both":
        """The same memory for at most so many rows."""
        return self if rows >= len(self.array) else Both(self.tensor[:rows])


@final
@dataclass(frozen=True, kw_only=True)
class Space:
    """Activations of N positions between two matrix products.

    Attributes:
        scale_N: float32, what the present units are worth: of a norm, of mixed values, of gated units.
        units_ND: int8, normalised rows.
        parts_NM: int32, products of `attention_in`.
        mixed_NK: int8, what attention found, all heads.
        sums_ND: int32, products of `attention_out` and `ffn_out`.
        gates_NM: int32, products of `ffn_in`, of at most `FFN_ROWS` positions at a time.
        gated_NF: int8, feed-forward units, likewise.
        sums_NS: int32, products of the output layer.
    """

    scale_N: np.ndarray
    units_ND: Both
    parts_NM: Both
    mixed_NK: Both
    sums_ND: Both
    gates_NM: Both
    gated_NF: Both
    sums_NS: Both

    @property
    def size(self) -> int:
        """N."""
        return self.scale_N.size

    def first(self, size: int) -> "Space":
        """The same memory for fewer positions."""
        if size == self.size:
            return self
        both = {field.name: getattr(self, field.name).first(size) for field in fields(self) if field.name != "scale_N"}
        return Space(scale_N=self.scale_N[:size], **both)


def make_space(network: Network, size: int) -> Space:
    """Room for `size` positions."""
    shape = network.shape
    channels = shape.heads * shape.head

    def empty(columns: int, dtype: torch.dtype, rows: int = size) -> Both:
        return Both(torch.empty((rows, columns), dtype=dtype))

    return Space(
        scale_N=np.empty(size, np.float32),
        units_ND=empty(shape.width, torch.int8),
        parts_NM=empty(channels + 2 * shape.head, torch.int32),
        mixed_NK=empty(channels, torch.int8),
        sums_ND=empty(shape.width, torch.int32),
        gates_NM=empty(2 * shape.ffn, torch.int32, min(size, FFN_ROWS)),
        gated_NF=empty(shape.ffn, torch.int8, min(size, FFN_ROWS)),
        sums_NS=empty(SYMBOLS, torch.int32),
    )


def run_layers(network: Network, inputs_N: Integer[np.ndarray, "N"], space: Space, attend: Attend) -> None:
    """Send positions through all layers, up to the last norm: `units_ND` and `scale_N`."""
    residual_ND, epsilon = network.embedding[inputs_N], network.epsilon
    units_ND, scale_N, sums_ND = space.units_ND.array, space.scale_N, space.sums_ND.array
    normalise_rows(residual_ND, network.layers[0].attention_norm, epsilon, units_ND, scale_N)
    for index, layer in enumerate(network.layers):
        multiply_weights(space.units_ND.tensor, layer.attention_in, space.parts_NM.tensor)
        attend(index, layer, space)
        multiply_weights(space.mixed_NK.tensor, layer.attention_out, space.sums_ND.tensor)
        add_and_normalise_rows(residual_ND, sums_ND, layer.attention_channel, layer.ffn_norm, epsilon, units_ND, scale_N)
        _feed_forward(layer, space)
        add_and_normalise_rows(residual_ND, sums_ND, layer.ffn_channel, layer.following_norm, epsilon, units_ND, scale_N)


def _feed_forward(layer: NetworkLayer, space: Space) -> None:
    """From normalised rows, `units_ND`, to `sums_ND`."""
    for begin in range(0, space.size, FFN_ROWS):
        rows = slice(begin, begin + FFN_ROWS)
        units_ND, scale_N = space.units_ND.tensor[rows], space.scale_N[rows]
        gates, gated = space.gates_NM.first(scale_N.size), space.gated_NF.first(scale_N.size)
        multiply_weights(units_ND, layer.ffn_in, gates.tensor)
        gate_rows(gates.array, layer.unit_F, gated.array, scale_N)
        multiply_weights(gated.tensor, layer.ffn_out, space.sums_ND.tensor[rows])


def run_output(network: Network, space: Space) -> None:
    """Sums of the output layer, `sums_NS`; `scale_N` stays their scale."""
    multiply_weights(space.units_ND.tensor, network.output, space.sums_NS.tensor)
