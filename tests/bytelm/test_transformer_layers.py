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
    run_layers(network, inputs_N, space, lambda part, own, scale_N: own.mixed_NK.array.fill(0))
    run_output(network, space)
    residual_BTD = torch.from_numpy(weights.embedding)[inputs_N][None].int()
    for part in weights.parts[1::2]:
        residual_BTD = residual_BTD + transform(residual_BTD, part, weights.shape)
    row = normalise(residual_BTD, weights.norm, weights.shape)
    assert (space.sums_NS.array == products(row.units, weights.output)[0].numpy()).all()
    assert (space.scale_N == row.scale[0, :, 0].numpy()).all()


def test_attention_is_handed_each_part_in_turn() -> None:
    model, seen = random_model(3), []
    network = model.network

    def note(part, own, scale_N) -> None:
        seen.append((part.index, part is network.attentions[part.index], own.parts_NM.array.copy(), scale_N.copy()))
        own.mixed_NK.array.fill(0)

    run_layers(network, np.arange(5), make_space(network, 5), note)
    assert [entry[:2] for entry in seen] == [(0, True), (1, True)]
    residual_BTD = torch.from_numpy(model.weights.embedding)[:5][None].int()
    part = model.weights.parts[0]
    row = normalise(residual_BTD, part.norm, model.weights.shape)
    assert (seen[0][2] == products(row.units, part.project_in)[0].numpy()).all()
    assert (seen[0][3] == row.scale[0, :, 0].numpy()).all()
    assert attend(residual_BTD, part, torch.from_numpy(model.weights.rotary), model.weights.shape).any()


def test_fewer_positions_share_the_memory() -> None:
    space = make_space(random_model(3).network, 8)
    part = space.first(3)
    part.sums_ND.tensor.fill_(7)
    part.scale_N[:] = 2
    assert part.size == 3
    assert (space.sums_ND.array[:3] == 7).all()
    assert (space.scale_N[:3] == 2).all()
    assert space.first(8) is space


def test_parts_of_different_sizes_use_the_same_memory_and_no_more() -> None:
    space = make_space(random_model(3, blocks=[(1, 7), (3, 0), (0, 20)], head=4).network, 8)
    assert space.attention.keys() == {1, 3} and space.ffn.keys() == {7, 20}
    for narrow, wide in (
        (space.attention[1].parts_NM, space.attention[3].parts_NM),
        (space.ffn[7].gated_NF, space.ffn[20].gated_NF),
    ):
        assert narrow.tensor.data_ptr() == wide.tensor.data_ptr() and narrow.tensor.is_contiguous()
    assert space.attention[1].parts_NM.array.shape == (8, 12) and space.first(3).ffn[7].gates_NM.array.shape == (3, 14)
