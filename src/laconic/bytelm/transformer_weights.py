"""The tensors of an integer transformer, read from a model file and checked.

The file (kind `transformer`, or `cut-transformer` where blocks differ) holds weights of seven bits as int8, one float32 scale
per output channel, norm gains, the rotary table in integers, and the static scales of keys and values. Every number is checked
before it is used: what a file says cannot take the arithmetic out of the range in which it is exact.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np

from laconic.bytelm.files import ModelFile, parse_fingerprint, take_tensor
from laconic.errors import CorruptFileError
from laconic.shapes import SYMBOLS

KIND, CUT_KIND = "transformer", "cut-transformer"
"""The kinds of files: one whose blocks are all alike and complete, and one that says of each block what there is in it."""

START = SYMBOLS
"""The input before the first symbol of a context: 257."""

WEIGHT_LIMIT = 64
"""Weights lie between -64 and 64: with larger ones some processors saturate sums of int8 products without a word."""

ROTARY_BITS = 14
"""Sines and cosines are stored as integers of `2**-14`."""

_MOST_LAYERS, _MOST_HEADS, _MOST_UNITS = 64, 64, 1 << 16

_LARGEST_SUM = 1 << 24
"""Products are summed in float32 where int8 instructions are slow, and below this sum float32 is exact."""

_FEW, _MANY = 1e-20, 1e6
"""Scales outside are no scales of a trained model, and products of several of them could leave float32."""


@final
@dataclass(frozen=True, kw_only=True)
class BlockShape:
    """What there is in a block. A part of which there is nothing adds nothing, and has no norm.

    Attributes:
        heads: query heads; one key and value head serves all of them.
        ffn: units of the gated feed-forward part.
    """

    heads: int
    ffn: int

    def __post_init__(self) -> None:
        _require_whole("heads", self.heads, 0, _MOST_HEADS)
        _require_whole("ffn", self.ffn, 0, _MOST_UNITS)


@final
@dataclass(frozen=True, kw_only=True)
class TransformerShape:
    """The shape of an integer transformer.

    Attributes:
        blocks: what there is in each of its blocks.
        width: D, of the residual stream.
        head: the size of one head, even.
        band: how many symbols attention reaches, the present one included.
        residual_bits: the residual stream counts in units of `2**-residual_bits`.
        epsilon: added to the mean square in norms, in the float parent's units.
    """

    blocks: tuple[BlockShape, ...]
    width: int
    head: int
    band: int
    residual_bits: int
    epsilon: float

    def __post_init__(self) -> None:
        if not 1 <= len(self.blocks) <= _MOST_LAYERS:
            raise ValueError(f"blocks are {len(self.blocks)}, but must be 1 to {_MOST_LAYERS}")
        for name, most in {"width": 2048, "head": 512, "band": 2048, "residual_bits": 20}.items():
            _require_whole(name, getattr(self, name), 1, most)
        if self.head % 2:
            raise ValueError(f"head is {self.head}, but must be even: rotary positions turn pairs")
        if type(self.epsilon) is not float or not 1e-9 <= self.epsilon < 1:
            raise ValueError(f"epsilon is {self.epsilon!r}, but must lie between 1e-9 and 1")
        layers = len(self.blocks)
        if 2 * self.width * (layers << 23) ** 2 >= 1 << 63:
            raise ValueError(f"layers is {layers}, too many for sums of squares over a width of {self.width}")
        for name, most in {"width": self.width, "ffn": max(block.ffn for block in self.blocks)}.items():
            if 127 * WEIGHT_LIMIT * most >= _LARGEST_SUM:
                raise ValueError(f"{name} is {most}, but sums over more than 2,064 products are not exact")
        channels = max(block.heads for block in self.blocks) * self.head
        if 127 * WEIGHT_LIMIT * channels >= _LARGEST_SUM:
            raise ValueError(f"heads of {channels} channels together are too many for exact sums")

    @staticmethod
    def alike(*, layers: int, heads: int, ffn: int, **others: Any) -> "TransformerShape":
        """The shape of a transformer whose blocks are all alike.

        Args:
            layers: L, how many blocks.
            heads: of each, at least 1.
            ffn: of each, at least 1.
            others: as for any shape.
        """
        _require_whole("layers", layers, 1, _MOST_LAYERS)
        _require_whole("heads", heads, 1, _MOST_HEADS)
        _require_whole("ffn", ffn, 1, _MOST_UNITS)
        return TransformerShape(blocks=(BlockShape(heads=heads, ffn=ffn),) * layers, **others)

    @property
    def attentions(self) -> int:
        """How many blocks have attention."""
        return sum(block.heads > 0 for block in self.blocks)


def _require_whole(name: str, value: object, least: int, most: int) -> None:
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"{name} is {value!r}, but must be a whole number from {least} to {most}")


@final
@dataclass(frozen=True, kw_only=True)
class Linear:
    """A matrix of seven-bit weights, and what one unit of each output channel is worth.

    Attributes:
        weight: int8, of shape (outputs, inputs).
        scale: float32, one per output.
    """

    weight: np.ndarray
    scale: np.ndarray


@final
@dataclass(frozen=True, kw_only=True)
class AttentionWeights:
    """Attention of a block.

    Attributes:
        heads: H, query heads.
        norm: gains before it, float32, of shape (D).
        project_in: queries of all heads, then the key, then the value, each of `head` channels.
        project_out: from all heads to the width; scaled to residual units.
        key_scale: what one unit of a stored key is worth.
        value_scale: what one unit of a stored value is worth.
    """

    heads: int
    norm: np.ndarray
    project_in: Linear
    project_out: Linear
    key_scale: np.float32
    value_scale: np.float32


@final
@dataclass(frozen=True, kw_only=True)
class FeedForwardWeights:
    """The gated feed-forward part of a block.

    Attributes:
        norm: gains before it, float32, of shape (D).
        project_in: all gates, then all other units.
        project_out: from units to the width; scaled to residual units.
    """

    norm: np.ndarray
    project_in: Linear
    project_out: Linear


PartWeights: TypeAlias = AttentionWeights | FeedForwardWeights


@final
@dataclass(frozen=True, kw_only=True)
class TransformerWeights:
    """A whole integer transformer.

    Attributes:
        shape: its sizes.
        prior: fingerprint of the byte model whose logarithms are added to the logits, or None.
        embedding: int16, of shape (258, D): residual units for each symbol, for the end of a document, and for the start.
        rotary: int16, of shape (2, 2 x band, head / 2): cosines, then sines.
        parts: what adds to the residual stream, in this order: attention and feed-forward part of each block, where there are.
        norm: gains before the output.
        output: from the width to 257 logits; scaled to units of 1/128 bit.
    """

    shape: TransformerShape
    prior: int | None
    embedding: np.ndarray
    rotary: np.ndarray
    parts: tuple[PartWeights, ...]
    norm: np.ndarray
    output: Linear


def read_transformer(file: ModelFile) -> TransformerWeights:
    """The weights in a model file.

    Raises:
        CorruptFileError: a tensor is missing, of the wrong shape or type, or out of range.
    """
    config = dict(file.config)
    prior = config.pop("prior", None)
    try:
        shape = _read_shape(file.kind, config)
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptFileError(f"this transformer has a config that does not fit ({error}): train the model again") from error
    reader = _Reader(file, shape)
    parts = tuple(part for index, block in enumerate(shape.blocks) for part in reader.parts(f"layers.{index}", block))
    rotary = take_tensor(file, "rotary", np.dtype(np.int16), (2, 2 * shape.band, shape.head // 2))
    if np.abs(rotary.astype(np.int32)).max() > 1 << ROTARY_BITS:
        raise CorruptFileError("this transformer has sines above 1: train the model again")
    return TransformerWeights(
        shape=shape,
        prior=None if prior is None else parse_fingerprint(prior),
        embedding=take_tensor(file, "embedding", np.dtype(np.int16), (START + 1, shape.width)),
        rotary=rotary,
        parts=parts,
        norm=reader.gains("norm"),
        output=reader.linear("output", SYMBOLS, shape.width),
    )


def _read_shape(kind: str, config: dict[str, Any]) -> TransformerShape:
    """From the config of a file, which may say anything."""
    if kind == KIND:
        return TransformerShape.alike(**config)
    blocks = tuple(BlockShape(**block) for block in config.pop("blocks"))
    return TransformerShape(blocks=blocks, **config)


class _Reader:
    """Tensors of a file, checked for shape and range."""

    def __init__(self, file: ModelFile, shape: TransformerShape) -> None:
        self._file, self._shape = file, shape

    def parts(self, name: str, block: BlockShape) -> Iterator[PartWeights]:
        """What there is in a block, in order."""
        width, head, channels = self._shape.width, self._shape.head, block.heads * self._shape.head
        if block.heads:
            yield AttentionWeights(
                heads=block.heads,
                norm=self.gains(f"{name}.attention_norm"),
                project_in=self.linear(f"{name}.attention_in", channels + 2 * head, width),
                project_out=self.linear(f"{name}.attention_out", width, channels),
                key_scale=self.scale(f"{name}.cache_scale", 0),
                value_scale=self.scale(f"{name}.cache_scale", 1),
            )
        if block.ffn:
            yield FeedForwardWeights(
                norm=self.gains(f"{name}.ffn_norm"),
                project_in=self.linear(f"{name}.ffn_in", 2 * block.ffn, width),
                project_out=self.linear(f"{name}.ffn_out", width, block.ffn),
            )

    def linear(self, name: str, outputs: int, inputs: int) -> Linear:
        weight = take_tensor(self._file, f"{name}.weight", np.dtype(np.int8), (outputs, inputs))
        if weight.max() > WEIGHT_LIMIT or weight.min() < -WEIGHT_LIMIT:
            raise CorruptFileError(f"the weights {name!r} go beyond {WEIGHT_LIMIT}, where sums need not be exact: train again")
        scale = take_tensor(self._file, f"{name}.scale", np.dtype(np.float32), (outputs,))
        self._require_range(scale, name, 0.0)
        return Linear(weight=weight, scale=scale)

    def gains(self, name: str) -> np.ndarray:
        gains = take_tensor(self._file, name, np.dtype(np.float32), (self._shape.width,))
        self._require_range(gains, name, 0.0)
        return gains

    def scale(self, name: str, index: int) -> np.float32:
        scales = take_tensor(self._file, name, np.dtype(np.float32), (2,))
        self._require_range(scales, name, _FEW)
        return np.float32(scales[index])

    def _require_range(self, values: np.ndarray, name: str, least: float) -> None:
        sizes = np.abs(values)
        if not np.all((sizes >= least) & (sizes <= _MANY) & ((sizes == 0) | (sizes >= _FEW))):
            raise CorruptFileError(f"the scales {name!r} are not those of a trained model: train the model again")
