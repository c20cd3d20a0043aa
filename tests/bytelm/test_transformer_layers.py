import numpy as np
import torch
from tests.bytelm.random_transformers import random_model

from laconic.bytelm.integer_forward import attend, normalise, products, transform
from laconic.bytelm.transformer_layers import make_space, run_layers, run_output


def test_all_but_attention_is_that_of_the_reference() -> None:
    """Where attention finds zeros, the rest alone is left."""
    model, inputs_N = random_model(3), np.arange(50)
    network, weights = model.network, model.weights
    space = make_space(network, 50)
    run_layers(network, inputs_N, space, lambda index, layer, space: space.mixed_NK.array.fill(0))
    run_output(network, space)
    residual_BTD = torch.from_numpy(weights.embedding)[inputs_N][None].int()
    for layer in weights.layers:
        residual_BTD = residual_BTD + transform(residual_BTD, layer, weights.shape)
    row = normalise(residual_BTD, weights.norm, weights.shape)
    assert (space.sums_NS.array == products(row.units, weights.output)[0].numpy()).all()
    assert (space.scale_N == row.scale[0, :, 0].numpy()).all()


def test_attention_is_handed_each_layer_in_turn() -> None:
    model, seen = random_model(3), []
    network = model.network

    def note(index, layer, space) -> None:
        seen.append((index, layer is network.layers[index], space.parts_NM.array.copy(), space.scale_N.copy()))
        space.mixed_NK.array.fill(0)

    run_layers(network, np.arange(5), make_space(network, 5), note)
    assert [entry[:2] for entry in seen] == [(0, True), (1, True)]
    residual_BTD = torch.from_numpy(model.weights.embedding)[:5][None].int()
    layer = model.weights.layers[0]
    row = normalise(residual_BTD, layer.attention_norm, model.weights.shape)
    assert (seen[0][2] == products(row.units, layer.attention_in)[0].numpy()).all()
    assert (seen[0][3] == row.scale[0, :, 0].numpy()).all()
    assert attend(residual_BTD, layer, torch.from_numpy(model.weights.rotary), model.weights.shape).any()


def test_fewer_positions_share_the_memory() -> None:
    space = make_space(random_model(3).network, 8)
    part = space.first(3)
    part.sums_ND.tensor.fill_(7)
    part.scale_N[:] = 2
    assert part.size == 3
    assert (space.sums_ND.array[:3] == 7).all()
    assert (space.scale_N[:3] == 2).all()
    assert space.first(8) is space
