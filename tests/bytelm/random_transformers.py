"""Small transformers of random integers, the same ones on every machine, and what the reference says about them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st

from laconic.bytelm.base import AbstractByteLM, CountFormat
from laconic.bytelm.files import ModelFile
from laconic.bytelm.integer_forward import symbol_weights
from laconic.bytelm.prior import prior_logits
from laconic.bytelm.transformer import TransformerByteLM
from laconic.bytelm.weights import cumulative_counts

FORM = CountFormat(precision=20)
SHAPE = {"layers": 2, "width": 24, "heads": 3, "head": 8, "ffn": 20, "band": 12}

SHAPES = st.fixed_dictionaries(
    {
        "layers": st.integers(1, 3),
        "width": st.sampled_from([1, 7, 16, 33]),
        "heads": st.integers(1, 5),
        "head": st.sampled_from([2, 6, 8, 16]),
        "ffn": st.sampled_from([1, 5, 32]),
        "band": st.sampled_from([1, 2, 3, 8, 13, 40]),
    }
)

"""Of transformers whose blocks are all alike."""

RAGGED = st.fixed_dictionaries(
    {
        "blocks": st.lists(st.tuples(st.integers(0, 5), st.sampled_from([0, 1, 5, 32])), min_size=1, max_size=4),
        "width": st.sampled_from([1, 7, 16, 33]),
        "head": st.sampled_from([2, 6, 8, 16]),
        "band": st.sampled_from([1, 2, 3, 8, 13, 40]),
    }
)
"""Of transformers whose blocks differ, and may lack attention or feed-forward part."""

ANY_SHAPE = SHAPES | RAGGED


def spread_bits(seed: int, count: int) -> np.ndarray:
    """64 random bits for each number from 0 on: splitmix64, since no library promises its generator for ever."""
    with np.errstate(over="ignore"):
        bits = (np.arange(count, dtype=np.uint64) + np.uint64(seed * 1_000_003)) * np.uint64(0x9E3779B97F4A7C15)
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


class Draw:
    """Arrays of random integers, one after the other."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def integers(self, limit: int, *shape: int) -> np.ndarray:
        """From -limit to limit."""
        self._seed += 1
        count = int(np.prod(shape))
        return (spread_bits(self._seed, count) % np.uint64(2 * limit + 1)).astype(np.int64).reshape(shape) - limit

    def scales(self, size: float, *shape: int) -> np.ndarray:
        """float32, of about a size, either sign."""
        return ((self.integers(500, *shape) + 1000).astype(np.float32) / np.float32(1000)) * np.float32(size)


def random_file(
    seed: int = 0, *, prior: AbstractByteLM | None = None, blocks: Sequence[tuple[int, int]] | None = None, **shape: int
) -> ModelFile:
    """A transformer whose layers all matter, though it knows nothing.

    `blocks` are the heads and units of each block where they differ, and stand in the place of `layers`, `heads` and `ffn`.
    """
    shape = SHAPE | shape
    alike = [(shape["heads"], shape["ffn"])] * shape["layers"]
    draw, width, head = Draw(seed), shape["width"], shape["head"]

    def linear(name: str, outputs: int, inputs: int, size: float) -> dict[str, np.ndarray]:
        return {
            f"{name}.weight": draw.integers(64, outputs, inputs).astype(np.int8),
            f"{name}.scale": draw.scales(size / (37 * inputs**0.5), outputs),
        }

    tensors = {
        "embedding": draw.integers(9000, 258, width).astype(np.int16),
        "rotary": draw.integers(1 << 14, 2, 2 * shape["band"], head // 2).astype(np.int16),
        "norm": draw.scales(1, width),
        **linear("output", 257, width, 500),
    }
    for index, (heads, ffn) in enumerate(alike if blocks is None else blocks):
        name, norms = f"layers.{index}", (draw.scales(1, width), draw.scales(1, width), draw.scales(0.02, 2))
        if heads:
            tensors |= {
                f"{name}.attention_norm": norms[0],
                f"{name}.cache_scale": norms[2],
                **linear(f"{name}.attention_in", (heads + 2) * head, width, 2),
                **linear(f"{name}.attention_out", width, heads * head, 4096),
            }
        if ffn:
            tensors |= {
                f"{name}.ffn_norm": norms[1],
                **linear(f"{name}.ffn_in", 2 * ffn, width, 1),
                **linear(f"{name}.ffn_out", width, ffn, 4096),
            }
    config = {**shape, "residual_bits": 12, "epsilon": 1e-6, "prior": None if prior is None else f"{prior.fingerprint:016x}"}
    if blocks is None:
        return ModelFile(kind="transformer", config=config, description="random", tensors=tensors)
    for name in ("layers", "heads", "ffn"):
        del config[name]
    config["blocks"] = [{"heads": heads, "ffn": ffn} for heads, ffn in blocks]
    return ModelFile(kind="cut-transformer", config=config, description="random", tensors=tensors)


def extreme_file(sign: int, scale: float, **shape: Any) -> ModelFile:
    """All weights, embeddings, sines and scales as large as they may be, or as small."""
    file = random_file(3, **shape)
    limits = {"weight": 64, "embedding": 32767, "rotary": 1 << 14}
    tensors = {
        name: np.full_like(tensor, sign * limits[name.rpartition(".")[2]])
        if tensor.dtype.kind == "i"
        else np.full_like(tensor, scale)
        for name, tensor in file.tensors.items()
    }
    # Some rows differ, so that differences of scores leave zero.
    tensors["embedding"][::3] *= -1
    return ModelFile(kind=file.kind, config=file.config, description="extreme", tensors=tensors)


def random_model(seed: int = 0, *, prior: AbstractByteLM | None = None, **shape: Any) -> TransformerByteLM:
    return TransformerByteLM(random_file(seed, prior=prior, **shape), prior)


def random_symbols(seed: int, rows: int, length: int, size: int = 256) -> np.ndarray:
    """Rows of symbols, few different ones, so that contexts repeat."""
    return (spread_bits(seed + 99, rows * length) % np.uint64(size)).astype(np.uint16).reshape(rows, length)


def reference_counts(
    model: TransformerByteLM, symbols_BT: np.ndarray, form: CountFormat = FORM, prior: AbstractByteLM | None = None
) -> np.ndarray:
    """Edges by the definition."""
    logits_BTS = None if prior is None else torch.from_numpy(prior_logits(prior, symbols_BT))
    weights_BTS = symbol_weights(model.weights, torch.from_numpy(symbols_BT.astype(np.int64)), logits_BTS).numpy()
    return cumulative_counts(weights_BTS.reshape(-1, 257), form).reshape(*symbols_BT.shape, -1)
