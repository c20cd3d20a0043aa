"""What integers stand for, as a float parent: quantised again it is the same model."""

import numpy as np
import pytest
import torch
from tests.bytelm.random_transformers import random_model
from tests.bytelm.test_quantize import TEXTS_NT, stretched_parent

from laconic.bytelm.base import CountFormat
from laconic.bytelm.dequantize import dequantize
from laconic.bytelm.quantize import quantize
from laconic.bytelm.registry import load_byte_lm
from laconic.bytelm.transformer import TransformerByteLM
from laconic.errors import UsageError
from laconic.evaluation.byte_models import byte_model_bits
from laconic.recipes.bytelm import segment_bits


def test_a_parent_comes_back_but_for_rounding_and_then_stays() -> None:
    parent = stretched_parent()
    file = quantize(parent, TEXTS_NT, prior=None, trained_on="a whale")
    back = dequantize(TransformerByteLM(file, None).weights)
    assert back.config.to_dict() == parent.config.to_dict() and not back.training
    for (name, before), after in zip(parent.state_dict().items(), back.state_dict().values(), strict=True):
        if name != "lm_head.weight":
            assert (before - after).abs().max() <= before.abs().max() / 120, name
    again = quantize(back, TEXTS_NT, prior=None, trained_on="a whale")
    assert again.config == file.config
    for name, tensor in file.tensors.items():
        if tensor.dtype.kind == "i":
            assert (again.tensors[name] == tensor).all(), name
        elif "cache" not in name:
            assert np.allclose(again.tensors[name], tensor, rtol=1e-6), name


def test_it_predicts_what_the_shipped_model_does() -> None:
    model, prior = load_byte_lm("transformer-1m"), load_byte_lm("light")
    assert isinstance(model, TransformerByteLM)
    with torch.no_grad():
        bits = segment_bits(dequantize(model.weights), prior, TEXTS_NT[:8].astype(np.int64))
    assert bits == pytest.approx(byte_model_bits(model, list(TEXTS_NT[:8]), CountFormat(precision=20)), rel=0.01)


def test_cut_models_and_other_positions_are_refused() -> None:
    with pytest.raises(UsageError, match="cut has no stock parent"):
        dequantize(random_model(1, blocks=[(2, 5), (1, 5)]).weights)
    with pytest.raises(UsageError, match="other angles"):
        dequantize(random_model(1).weights)
