"""Quantising keeps what a parent predicts, nearly, and refuses what the integer forward pass does not know."""

import numpy as np
import pytest
import torch

from laconic.bytelm.base import CountFormat
from laconic.bytelm.quantize import quantize
from laconic.bytelm.registry import load_byte_lm, save_byte_lm
from laconic.bytelm.transformer import TransformerByteLM
from laconic.errors import UsageError
from laconic.evaluation.byte_models import byte_model_bits
from laconic.model.byte_parent import build_byte_parent
from laconic.pruning.cutting import cut
from laconic.pruning.masks import Structure
from laconic.pruning.parts import count_parts
from laconic.recipes.bytelm import segment_bits

TEXT = np.frombuffer((b"Call me Ishmael. Some years ago, never mind how long precisely, " * 40)[:2048], np.uint8)
TEXTS_NT = TEXT.reshape(-1, 64).astype(np.uint16)


def stretched_parent(scale: float = 4.0) -> torch.nn.Module:
    """Weights large enough that every layer matters."""
    model = build_byte_parent("tiny", band=16, seed=0).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() == 2:
                parameter.mul_(scale if "embed" not in name else 1.0)
    return model


@pytest.mark.parametrize("prior", ["none", "light"])
def test_the_integer_model_predicts_what_its_parent_does(prior: str) -> None:
    model, known = stretched_parent(), None if prior == "none" else load_byte_lm(prior)
    exact = TransformerByteLM(quantize(model, TEXTS_NT, prior=known, trained_on="a whale"), known)
    bits = byte_model_bits(exact, list(TEXTS_NT), CountFormat(precision=20))
    assert bits == pytest.approx(segment_bits(model, known, TEXTS_NT.astype(np.int64)), rel=0.01)


def test_equal_parents_give_equal_models(tmp_path) -> None:
    files = [quantize(stretched_parent(), TEXTS_NT, prior=None, trained_on="a whale") for _ in range(2)]
    assert (
        files[0].fingerprint
        == files[1].fingerprint
        != quantize(stretched_parent(2.0), TEXTS_NT, prior=None, trained_on="").fingerprint
    )
    save_byte_lm(TransformerByteLM(files[0], None), tmp_path / "m.safetensors")
    again = load_byte_lm(tmp_path / "m.safetensors")
    assert again.fingerprint == files[0].fingerprint
    assert "2 layers, attention over 16 bytes, trained on a whale" in again.description


def test_cut_parents_become_cut_models() -> None:
    """Heads and units of each block, or none of them; alike and complete, they are a model as ever."""
    model = stretched_parent()
    masks = Structure.whole(count_parts(model)).masks()
    masks.head_LH[0, 1] = masks.unit_LU[1, 40:] = masks.attention_L[1] = 0
    file = quantize(cut(model, masks), TEXTS_NT, prior=None, trained_on="a whale")
    assert file.kind == "cut-transformer" and file.config["blocks"] == [{"heads": 1, "ffn": 256}, {"heads": 0, "ffn": 40}]
    bits = byte_model_bits(TransformerByteLM(file, None), list(TEXTS_NT), CountFormat(precision=20))
    assert bits == pytest.approx(segment_bits(cut(model, masks), None, TEXTS_NT.astype(np.int64)), rel=0.01)
    masks = Structure.whole(count_parts(model)).masks()
    assert quantize(cut(model, masks), TEXTS_NT, prior=None, trained_on="a whale").fingerprint == (
        quantize(model, TEXTS_NT, prior=None, trained_on="a whale").fingerprint
    )


def test_other_parents_are_refused() -> None:
    with pytest.raises(UsageError, match="one key and value head"):
        quantize(build_byte_parent("tiny", band=16, seed=0, key_heads=2), TEXTS_NT, prior=None, trained_on="")


def test_large_residuals_are_not_cut_off() -> None:
    """A parent whose sub-layers add thousands to the residual stream gets a coarser unit, not a lower limit."""
    model = stretched_parent()
    with torch.no_grad():
        for layer in model.model.layers:
            layer.mlp.down_proj.weight.mul_(1e3)
    file = quantize(model, TEXTS_NT, prior=None, trained_on="")
    assert file.config["residual_bits"] < 14
    bits = byte_model_bits(TransformerByteLM(file, None), list(TEXTS_NT), CountFormat(precision=20))
    assert bits == pytest.approx(segment_bits(model, None, TEXTS_NT.astype(np.int64)), rel=0.02)
