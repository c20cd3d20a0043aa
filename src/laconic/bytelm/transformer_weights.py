"""The tensors of an integer transformer, read from a model file and checked.

The file (kind `transformer`) holds weights of seven bits as int8, one float32 scale per output channel, norm gains, the
rotary table in integers, and the static scales of keys and values. Every number is checked before it is used: what a file
says cannot take the arithmetic out of the range in which it is exact.
"""

from dataclasses import dataclass
from typing import final

import numpy as np

from laconic.bytelm.files import ModelFile, parse_fingerprint, take_tensor
from laconic.errors import CorruptFileError
from laconic.shapes import SYMBOLS

START = SYMBOLS
"""The input before the first symbol of a context: 257."""

WEIGHT_LIMIT = 64
"""Weights lie between -64 and 64: with larger ones some processors saturate sums of int8 products without a word."""

ROTARY_BITS = 14
"""Sines and cosines are stored as integers of `2**-14`."""

_LARGEST_SUM = 1 << 24
"""Products are summed in float32 where int8 instructions are slow, and below this sum float32 is exact."""

_FEW, _MANY = 1e-20, 1e6
"""Scales outside are no scales of a trained model, and products of several of them could leave float32."""


@final
@dataclass(frozen=True, kw_only=True)
class TransformerShape:
    """The shape of an integer transformer.

    Attributes:
        layers: L, how many blocks.
        width: D, of the residual stream.
        heads: H, query heads; one key and value head serves all of them.
        head: the size of one head, even.
        ffn: units of the gated feed-forward part.
        band: how many symbols attention reaches, the present one included.
        residual_bits: the residual stream counts in units of `2**-residual_bits`.
        epsilon: added to the mean square in norms, in the float parent's units.
    """

    layers: int
    width: int
    heads: int
    head: int
    ffn: int
    band: int
    residual_bits: int
    epsilon: float

    def __post_init__(self) -> None:
        ranges = {"layers": 64, "width": 2048, "heads": 64, "head": 512, "ffn": 1 << 16, "band": 2048, "residual_bits": 20}
        for name, most in ranges.items():
            value = getattr(self, name)
            if type(value) is not int or not 1 <= value <= most:
                raise ValueError(f"{name} is {value!r}, but must be a whole number from 1 to {most}")
        if self.head % 2:
            raise ValueError(f"head is {self.head}, but must be even: rotary positions turn pairs")
        if type(self.epsilon) is not float or not 1e-9 <= self.epsilon < 1:
            raise ValueError(f"epsilon is {self.epsilon!r}, but must lie between 1e-9 and 1")
        if 2 * self.width * (self.layers << 23) ** 2 >= 1 << 63:
            raise ValueError(f"layers is {self.layers}, too many for sums of squares over a width of {self.width}")
        for name in ("width", "ffn"):
            if 127 * WEIGHT_LIMIT * getattr(self, name) >= _LARGEST_SUM:
                raise ValueError(f"{name} is {getattr(self, name)}, but sums over more than 2,064 products are not exact")
        if 127 * WEIGHT_LIMIT * self.heads * self.head >= _LARGEST_SUM:
            raise ValueError(f"heads of {self.heads * self.head} channels together are too many for exact sums")


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
class LayerWeights:
    """One block.

    Attributes:
        attention_norm: gains before attention, float32, of shape (D).
        attention_in: queries of all heads, then the key, then the value, each of `head` channels.
        attention_out: from all heads to the width; scaled to residual units.
        key_scale: what one unit of a stored key is worth.
        value_scale: what one unit of a stored value is worth.
        ffn_norm: gains before the feed-forward part.
        ffn_in: all gates, then all other units.
        ffn_out: from units to the width; scaled to residual units.
    """

    attention_norm: np.ndarray
    attention_in: Linear
    attention_out: Linear
    key_scale: np.float32
    value_scale: np.float32
    ffn_norm: np.ndarray
    ffn_in: Linear
    ffn_out: Linear


@final
@dataclass(frozen=True, kw_only=True)
class TransformerWeights:
    """A whole integer transformer.

    Attributes:
        shape: its sizes.
        prior: fingerprint of the byte model whose logarithms are added to the logits, or None.
        embedding: int16, of shape (258, D): residual units for each symbol, for the end of a document, and for the start.
        rotary: int16, of shape (2, 2 x band, head / 2): cosines, then sines.
        layers: the blocks.
        norm: gains before the output.
        output: from the width to 257 logits; scaled to units of 1/128 bit.
    """

    shape: TransformerShape
    prior: int | None
    embedding: np.ndarray
    rotary: np.ndarray
    layers: tuple[LayerWeights, ...]
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
        shape = TransformerShape(**config)
    except (TypeError, ValueError) as error:
        raise CorruptFileError(f"this transformer has a config that does not fit ({error}): train the model again") from error
    reader = _Reader(file, shape)
    channels = shape.heads * shape.head
    layers = tuple(
        LayerWeights(
            attention_norm=reader.gains(f"layers.{i}.attention_norm"),
            attention_in=reader.linear(f"layers.{i}.attention_in", channels + 2 * shape.head, shape.width),
            attention_out=reader.linear(f"layers.{i}.attention_out", shape.width, channels),
            key_scale=reader.scale(f"layers.{i}.cache_scale", 0),
            value_scale=reader.scale(f"layers.{i}.cache_scale", 1),
            ffn_norm=reader.gains(f"layers.{i}.ffn_norm"),
            ffn_in=reader.linear(f"layers.{i}.ffn_in", 2 * shape.ffn, shape.width),
            ffn_out=reader.linear(f"layers.{i}.ffn_out", shape.width, shape.ffn),
        )
        for i in range(shape.layers)
    )
    rotary = take_tensor(file, "rotary", np.dtype(np.int16), (2, 2 * shape.band, shape.head // 2))
    if np.abs(rotary.astype(np.int32)).max() > 1 << ROTARY_BITS:
        raise CorruptFileError("this transformer has sines above 1: train the model again")
    return TransformerWeights(
        shape=shape,
        prior=None if prior is None else parse_fingerprint(prior),
        embedding=take_tensor(file, "embedding", np.dtype(np.int16), (START + 1, shape.width)),
        rotary=rotary,
        layers=layers,
        norm=reader.gains("norm"),
        output=reader.linear("output", SYMBOLS, shape.width),
    )


class _Reader:
    """Tensors of a file, checked for shape and range."""

    def __init__(self, file: ModelFile, shape: TransformerShape) -> None:
        self._file, self._shape = file, shape

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
