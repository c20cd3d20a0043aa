"""A transformer byte model of a few thousand random weights, quick enough to be asked thousands of times."""

from typing import Any

import numpy as np

from laconic.bytelm.files import ModelFile
from laconic.bytelm.transformer import TransformerByteLM

SHAPE: dict[str, Any] = {"layers": 2, "width": 16, "heads": 2, "head": 8, "ffn": 24, "band": 8, "residual_bits": 14}


def tiny_file(seed: int = 0) -> ModelFile:
    """The content of its file."""
    dice = np.random.default_rng(seed)
    width, heads, head, ffn, band = (SHAPE[name] for name in ("width", "heads", "head", "ffn", "band"))
    angles = np.arange(2 * band)[:, None] * 100.0 ** -(np.arange(head // 2) / (head // 2))
    tensors = {
        "embedding": dice.normal(0, 8000, (258, width)).clip(-32000, 32000).astype(np.int16),
        "rotary": np.round(np.stack([np.cos(angles), np.sin(angles)]) * (1 << 14)).astype(np.int16),
        "norm": np.ones(width, np.float32),
        **_matrix("output", dice, 257, width, 2.0),
    }
    for index in range(SHAPE["layers"]):
        layer = f"layers.{index}"
        tensors |= {
            f"{layer}.attention_norm": np.ones(width, np.float32),
            f"{layer}.ffn_norm": np.ones(width, np.float32),
            f"{layer}.cache_scale": np.array([0.05, 0.05], np.float32),
            **_matrix(f"{layer}.attention_in", dice, heads * head + 2 * head, width, 0.01),
            **_matrix(f"{layer}.attention_out", dice, width, heads * head, 50.0),
            **_matrix(f"{layer}.ffn_in", dice, 2 * ffn, width, 0.01),
            **_matrix(f"{layer}.ffn_out", dice, width, ffn, 20.0),
        }
    config = {**SHAPE, "epsilon": 1e-5, "prior": None}
    return ModelFile(kind="transformer", config=config, description="random weights", tensors=tensors)


def tiny_transformer(seed: int = 0) -> TransformerByteLM:
    """The model."""
    return TransformerByteLM(tiny_file(seed), None)


def _matrix(name: str, dice: np.random.Generator, outputs: int, inputs: int, scale: float) -> dict[str, np.ndarray]:
    return {
        f"{name}.weight": dice.integers(-63, 64, (outputs, inputs)).astype(np.int8),
        f"{name}.scale": np.full(outputs, scale, np.float32),
    }
