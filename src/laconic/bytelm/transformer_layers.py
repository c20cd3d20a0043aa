"""What the parallel and the stepwise path share: all of the network but attention itself."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np
import torch
from jaxtyping import Integer
from torch import Tensor

from laconic.bytelm.products import multiply_weights
from laconic.bytelm.transformer_kernels import add_and_normalise_rows, gate_rows, normalise_rows
from laconic.bytelm.transformer_network import Network, NetworkAttention, NetworkFeedForward
from laconic.shapes import SYMBOLS

FFN_ROWS = 128
"""Feed-forward units of so many positions are worked on together: they are wide, and stay in the near caches."""

Attend: TypeAlias = Callable[[NetworkAttention, "AttentionSpace", np.ndarray], None]
"""One attention: from `parts_NM`, and `scale_N` of the norm, to `mixed_NK` and the `scale_N` of that."""


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
class AttentionSpace:
    """What attention of some number of heads reads and writes, for N positions.

    Attributes:
        parts_NM: int32, products of its projection in.
        mixed_NK: int8, what attention found, all heads.
    """

    parts_NM: Both
    mixed_NK: Both

    def first(self, size: int) -> "AttentionSpace":
        """The same memory for fewer positions."""
        return AttentionSpace(parts_NM=self.parts_NM.first(size), mixed_NK=self.mixed_NK.first(size))


@final
@dataclass(frozen=True, kw_only=True)
class FeedForwardSpace:
    """What a feed-forward part of some number of units writes, for at most `FFN_ROWS` positions at a time.

    Attributes:
        gates_NM: int32, products of its projection in.
        gated_NF: int8, its units.
    """

    gates_NM: Both
    gated_NF: Both

    def first(self, size: int) -> "FeedForwardSpace":
        """The same memory for fewer positions."""
        return FeedForwardSpace(gates_NM=self.gates_NM.first(size), gated_NF=self.gated_NF.first(size))


@final
@dataclass(frozen=True, kw_only=True)
class Space:
    """Activations of N positions between two matrix products. Parts of different sizes use the same memory in turn.

    Attributes:
        scale_N: float32, what the present units are worth: of a norm, of mixed values, of gated units.
        units_ND: int8, normalised rows.
        attention: by the number of heads.
        ffn: by the number of units.
        sums_ND: int32, products that lead back to the width.
        sums_NS: int32, products of the output layer.
    """

    scale_N: np.ndarray
    units_ND: Both
    attention: Mapping[int, AttentionSpace]
    ffn: Mapping[int, FeedForwardSpace]
    sums_ND: Both
    sums_NS: Both

    @property
    def size(self) -> int:
        """N."""
        return self.scale_N.size

    def first(self, size: int) -> "Space":
        """The same memory for fewer positions."""
        if size == self.size:
            return self
        return Space(
            scale_N=self.scale_N[:size],
            units_ND=self.units_ND.first(size),
            attention={heads: space.first(size) for heads, space in self.attention.items()},
            ffn={units: space.first(size) for units, space in self.ffn.items()},
            sums_ND=self.sums_ND.first(size),
            sums_NS=self.sums_NS.first(size),
        )


def make_space(network: Network, size: int) -> Space:
    """Room for `size` positions."""
    shape, rows = network.shape, min(size, FFN_ROWS)
    heads, units = {block.heads for block in shape.blocks}, {block.ffn for block in shape.blocks}
    parts_NM = _shared({(count + 2) * shape.head for count in heads}, torch.int32, size)
    mixed_NK = _shared({count * shape.head for count in heads}, torch.int8, size)
    gates_NM, gated_NF = _shared({2 * count for count in units}, torch.int32, rows), _shared(units, torch.int8, rows)
    return Space(
        scale_N=np.empty(size, np.float32),
        units_ND=Both(torch.empty((size, shape.width), dtype=torch.int8)),
        attention={
            count: AttentionSpace(parts_NM=parts_NM[(count + 2) * shape.head], mixed_NK=mixed_NK[count * shape.head])
            for count in heads - {0}
        },
        ffn={count: FeedForwardSpace(gates_NM=gates_NM[2 * count], gated_NF=gated_NF[count]) for count in units - {0}},
        sums_ND=Both(torch.empty((size, shape.width), dtype=torch.int32)),
        sums_NS=Both(torch.empty((size, SYMBOLS), dtype=torch.int32)),
    )


def _shared(columns: Iterable[int], dtype: torch.dtype, rows: int) -> dict[int, Both]:
    """Matrices of these many columns, each without gaps, that begin at the same place in memory."""
    room = torch.empty(rows * max(columns), dtype=dtype)
    return {count: Both(room[: rows * count].view(rows, count)) for count in columns}


def run_layers(network: Network, inputs_N: Integer[np.ndarray, "N"], space: Space, attend: Attend) -> None:
    """Send positions through all blocks, up to the last norm: `units_ND` and `scale_N`."""
    residual_ND, epsilon = network.embedding[inputs_N], network.epsilon
    units_ND, scale_N, sums_ND = space.units_ND.array, space.scale_N, space.sums_ND.array
    normalise_rows(residual_ND, network.first_norm, epsilon, units_ND, scale_N)
    for part in network.parts:
        if isinstance(part, NetworkAttention):
            _attention(part, space, attend)
        else:
            _feed_forward(part, space)
        add_and_normalise_rows(residual_ND, sums_ND, part.channel, part.following_norm, epsilon, units_ND, scale_N)


def _attention(part: NetworkAttention, space: Space, attend: Attend) -> None:
    """From normalised rows, `units_ND`, to `sums_ND`."""
    own = space.attention[part.heads]
    multiply_weights(space.units_ND.tensor, part.project_in, own.parts_NM.tensor)
    attend(part, own, space.scale_N)
    multiply_weights(own.mixed_NK.tensor, part.project_out, space.sums_ND.tensor)


def _feed_forward(part: NetworkFeedForward, space: Space) -> None:
    """From normalised rows, `units_ND`, to `sums_ND`."""
    own = space.ffn[part.unit_F.size]
    for begin in range(0, space.size, FFN_ROWS):
        rows = slice(begin, begin + FFN_ROWS)
        units_ND, scale_N = space.units_ND.tensor[rows], space.scale_N[rows]
        gates, gated = own.gates_NM.first(scale_N.size), own.gated_NF.first(scale_N.size)
        multiply_weights(units_ND, part.project_in, gates.tensor)
        gate_rows(gates.array, part.unit_F, gated.array, scale_N)
        multiply_weights(gated.tensor, part.project_out, space.sums_ND.tensor[rows])


def run_output(network: Network, space: Space) -> None:
    """Sums of the output layer, `sums_NS`; `scale_N` stays their scale."""
    multiply_weights(space.units_ND.tensor, network.output, space.sums_NS.tensor)
