import numpy as np
from tests.bytelm.random_transformers import random_model

from laconic.bytelm.integer_forward import unit_scale


def test_weights_are_transposed_and_scales_kept() -> None:
    model = random_model(1)
    network, weights = model.network, model.weights
    for laid_out, layer in zip(network.layers, weights.layers, strict=True):
        for name in ("attention_in", "attention_out", "ffn_in", "ffn_out"):
            assert (getattr(laid_out, name).many.numpy() == getattr(layer, name).weight.T).all()
        assert (laid_out.turning.channel_M == layer.attention_in.scale).all()
        assert (laid_out.unit_F == unit_scale(layer)).all()
    assert (network.output.many.numpy() == weights.output.weight.T).all()


def test_each_block_knows_the_norm_that_follows() -> None:
    model = random_model(1)
    first, last = model.network.layers
    assert first.following_norm is model.weights.layers[1].attention_norm
    assert last.following_norm is model.weights.norm


def test_sines_are_whole_parts_of_two_to_the_fourteen() -> None:
    model = random_model(1)
    turning = model.network.layers[0].turning
    both = np.stack([turning.cosine_PF, turning.sine_PF])
    assert both.dtype == np.float32
    assert (both * (1 << 14) == model.weights.rotary).all()
