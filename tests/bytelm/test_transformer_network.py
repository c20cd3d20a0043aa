import numpy as np
from tests.bytelm.random_transformers import random_model

from laconic.bytelm.integer_forward import unit_scale
from laconic.bytelm.transformer_network import NetworkAttention


def test_weights_are_transposed_and_scales_kept() -> None:
    model = random_model(1)
    network, weights = model.network, model.weights
    for laid_out, part in zip(network.parts, weights.parts, strict=True):
        for name in ("project_in", "project_out"):
            assert (getattr(laid_out, name).many.numpy() == getattr(part, name).weight.T).all()
        if isinstance(laid_out, NetworkAttention):
            assert (laid_out.turning.channel_M == part.project_in.scale).all()
        else:
            assert (laid_out.unit_F == unit_scale(part)).all()
    assert (network.output.many.numpy() == weights.output.weight.T).all()


def test_each_part_knows_the_norm_that_follows() -> None:
    model = random_model(1, blocks=[(0, 5), (2, 0), (0, 0), (1, 9)])
    norms = [model.network.first_norm, *(part.following_norm for part in model.network.parts)]
    wanted = [*(part.norm for part in model.weights.parts), model.weights.norm]
    assert all(norm is other for norm, other in zip(norms, wanted, strict=True))
    assert [(part.index, part.heads) for part in model.network.attentions] == [(0, 2), (1, 1)]


def test_sines_are_whole_parts_of_two_to_the_fourteen() -> None:
    model = random_model(1)
    turning = model.network.attentions[0].turning
    both = np.stack([turning.cosine_PF, turning.sine_PF])
    assert both.dtype == np.float32
    assert (both * (1 << 14) == model.weights.rotary).all()
