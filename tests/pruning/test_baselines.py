import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.pruning.tiny import CONFIGS, ENCODERS, tiny_inputs, tiny_model
from transformers import LlamaConfig, LlamaForCausalLM

from laconic.errors import UsageError
from laconic.pruning.baselines import (
    SMALL_LAYERS,
    by_magnitude,
    drop_weights,
    first_layers,
    keep_zeros,
    magnitudes,
    small_model,
)
from laconic.pruning.cutting import cut
from laconic.pruning.parts import count_parts

FAMILIES = pytest.mark.parametrize("family", CONFIGS)


@FAMILIES
def test_every_head_and_unit_has_a_magnitude(family: str) -> None:
    model = tiny_model(family)
    worth, parts = magnitudes(model), count_parts(model)
    assert worth.head_LH.shape == (parts.layers, parts.heads) and worth.unit_LU.shape == (parts.layers, parts.units)
    assert (worth.head_LH > 0).all() and (worth.unit_LU > 0).all()


def test_magnitudes_are_those_of_the_weights_that_go() -> None:
    model = tiny_model("bert")
    worth, layer = magnitudes(model), model.bert.encoder.layer[1]
    unit = [layer.intermediate.dense.weight[5], layer.intermediate.dense.bias[5:6], layer.output.dense.weight[:, 5]]
    assert worth.unit_LU[1, 5] == pytest.approx(torch.cat(unit).square().mean().sqrt().item())
    rows, own = slice(4, 8), layer.attention.self
    head = [module.weight[rows].flatten() for module in (own.query, own.key, own.value)]
    head += [module.bias[rows] for module in (own.query, own.key, own.value)]
    head += [layer.attention.output.dense.weight[:, rows].flatten()]
    assert worth.head_LH[1, 1] == pytest.approx(torch.cat(head).square().mean().sqrt().item())


@settings(max_examples=30)
@given(sparsity=st.floats(0.02, 0.98), family=st.sampled_from(sorted(CONFIGS)))
def test_baselines_are_as_sparse_as_asked_for_but_for_one_part(sparsity: float, family: str) -> None:
    model = tiny_model(family)
    parts = count_parts(model)
    one = (parts.unit.at(parts.width) + parts.ffn.at(parts.width)) / parts.total
    for choose in (by_magnitude, first_layers):
        structure = choose(model, sparsity)
        assert 0 <= structure.sparsity(parts) - sparsity < one + 1e-9, choose
        assert torch.isfinite(cut(model, structure.masks())(**tiny_inputs()).logits).all()


def test_the_smallest_weights_go_first() -> None:
    model = tiny_model("bert")
    with torch.no_grad():
        for module in (model.bert.encoder.layer[0].intermediate.dense, model.bert.encoder.layer[0].output.dense):
            module.weight.mul_(1e-3)
            if module.bias is not None:
                module.bias.mul_(1e-3)
    structure = by_magnitude(model, 0.05)
    assert structure.head_LH.all() and structure.unit_LU[1:].all() and not structure.unit_LU[0].all()


def test_first_layers_stay_and_are_equally_thin() -> None:
    structure = first_layers(tiny_model("bert"), 0.5)
    heads, units = structure.head_LH.sum(-1).tolist(), structure.unit_LU.sum(-1).tolist()
    assert heads == [3, 3, 0] and units[2] == 0 and min(units[:2]) > 0


@pytest.mark.parametrize("family", [*ENCODERS, "gpt2", "llama, groups"])
def test_a_small_model_fits_into_what_is_to_be_left(family: str) -> None:
    model = tiny_model(family)
    parts = count_parts(model)
    small = small_model(model, 0.2, seed=3)
    assert 0.3 * parts.total < count_parts(small).total <= 0.8 * parts.total
    assert small.config.num_hidden_layers <= SMALL_LAYERS and type(small) is type(model)
    assert small(**tiny_inputs()).logits.shape == model(**tiny_inputs()).logits.shape
    again = small_model(model, 0.2, seed=3)
    assert all(torch.equal(a, b) for a, b in zip(small.parameters(), again.parameters(), strict=True))
    with pytest.raises(UsageError, match="cannot be made"):
        small_model(model, 0.99)


@pytest.mark.parametrize("sparsity", [0.4, 0.5, 0.6, 0.7, 0.8])
def test_heads_of_a_small_model_can_be_turned(sparsity: float) -> None:
    shape = {"hidden_size": 64, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 128}
    small = small_model(LlamaForCausalLM(LlamaConfig(vocab_size=50, **shape)), sparsity)
    assert torch.isfinite(small(**tiny_inputs()).logits).all()


def test_single_weights_are_zero_and_stay_zero_while_the_rest_learns() -> None:
    model, inputs = tiny_model("bert"), tiny_inputs()
    total = count_parts(model).total
    drop_weights(model, 0.9)
    optimizer = torch.optim.AdamW([parameter for parameter in model.parameters() if parameter.requires_grad], lr=0.1)
    before = model(**inputs).logits
    before.square().sum().backward()
    optimizer.step()
    keep_zeros(model)
    layers = model.bert.encoder.layer
    zeros = sum(int((module.weight == 0).sum()) for module in layers.modules() if isinstance(module, torch.nn.Linear))
    assert 0.9 <= zeros / total < 0.9 + 1 / total * 2
    assert set(model.state_dict()) == set(tiny_model("bert").state_dict())
    assert not torch.equal(model(**inputs).logits, before)
    with pytest.raises(UsageError, match="cannot be reached"):
        drop_weights(tiny_model("bert"), 0.9999)
