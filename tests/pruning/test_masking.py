from copy import deepcopy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.pruning.tiny import CONFIGS, ENCODERS, KNOWN, random_masks, tiny_inputs, tiny_model

from laconic.errors import UsageError
from laconic.model.anatomy import dissect
from laconic.pruning import masking as masking_module
from laconic.pruning.masking import Masking, norm_of_width
from laconic.pruning.masks import Masks, Structure


@pytest.mark.parametrize("family", CONFIGS)
def test_whole_masks_change_nothing_and_closing_leaves_the_model_as_it_was(family: str) -> None:
    model, inputs = tiny_model(family, dtype=torch.float64), tiny_inputs()
    before = model(**inputs).logits
    masking = Masking(model)
    torch.testing.assert_close(model(**inputs).logits, before, rtol=0, atol=0)
    masking.wear(Structure.whole(masking.parts).masks())
    torch.testing.assert_close(model(**inputs).logits, before)
    masking.wear(random_masks(masking.parts, 0))
    assert not torch.allclose(model(**inputs).logits, before)
    masking.close()
    torch.testing.assert_close(model(**inputs).logits, before, rtol=0, atol=0)
    assert "forward" not in vars(dissect(model).layers[0].ffn_out)


def mask(masking: Masking, **changes: torch.Tensor) -> Masks:
    whole = Structure.whole(masking.parts).masks()
    return Masks(**{**vars(whole), **changes})


@pytest.mark.parametrize("family", CONFIGS)
@pytest.mark.parametrize("off", ["attention_L", "ffn_L", "head_LH", "unit_LU"])
@pytest.mark.parametrize("at_hand", [("cpu",), ()])
def test_an_off_sub_layer_is_the_identity_without_its_norm(
    family: str, off: str, at_hand: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each layer in turn, whether its own gate is closed or all of its heads or units are."""
    monkeypatch.setattr(masking_module, "AT_HAND", at_hand)
    model, inputs = tiny_model(family), tiny_inputs()
    masking = Masking(model)
    both = {"attention_L": "ffn_L", "head_LH": "unit_LU", "ffn_L": "attention_L", "unit_LU": "head_LH"}[off]
    for layer in range(masking.parts.layers):
        closed = {}
        for name in (off, both):
            closed[name] = torch.ones_like(vars(Structure.whole(masking.parts).masks())[name])
            closed[name][layer] = 0
        masking.wear(mask(masking, **closed))
        states = model.base_model(**inputs, output_hidden_states=True).hidden_states
        if layer + 1 < masking.parts.layers:  # Decoders norm the last one.
            assert torch.equal(states[layer + 1], states[layer])


def test_one_head_masked_is_its_part_of_the_sum_left_out() -> None:
    model, inputs = tiny_model("gpt2", dtype=torch.float64), tiny_inputs()
    masking = Masking(model)
    heads = torch.ones(masking.parts.layers, masking.parts.heads)
    heads[1, 2] = 0
    masking.wear(mask(masking, head_LH=heads))
    masked = model(**inputs).logits
    masking.close()
    size = masking.parts.head_size
    with torch.no_grad():
        dissect(model).layers[1].attention_out.weight[2 * size : 3 * size] = 0
    torch.testing.assert_close(masked, model(**inputs).logits)


def test_a_copy_of_a_masked_model_has_weights_of_its_own() -> None:
    model = tiny_model("bert")
    masking = Masking(model)
    masking.wear(Structure.whole(masking.parts).masks())
    copy = deepcopy(model)
    with torch.no_grad():
        for parameter in copy.parameters():
            parameter.zero_()
        assert not copy(**tiny_inputs()).logits.any() and model(**tiny_inputs()).logits.any()


@given(seed=st.integers(0, 10_000), family=st.sampled_from([*KNOWN]), closed=st.sampled_from([0.2, 0.5, 0.9, 1.0]))
def test_leaving_out_what_is_closed_changes_no_answer_and_no_gradient(seed: int, family: str, closed: float) -> None:
    model, inputs = tiny_model(family, dtype=torch.float64), tiny_inputs(seed)
    masking = Masking(model)

    def answer(few: float) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        masks = random_masks(masking.parts, seed, closed=closed, dtype=torch.float64)
        leaves = {name: value.requires_grad_() for name, value in vars(masks).items() if value is not None}
        model.zero_grad()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(masking_module, "FEW", few)
            masking.wear(Masks(**leaves))
            logits = model(**inputs).logits
            logits.square().sum().backward()
        found = {name: parameter.grad.clone() for name, parameter in model.named_parameters() if parameter.grad is not None}
        # What a closed part would be worth is not asked: its gate has no slope there.
        return logits.detach(), found | {
            name: leaf.grad * (leaf != 0) for name, leaf in leaves.items() if leaf.grad is not None
        }

    (logits, gradients), (wanted, all_of_them) = answer(1.0), answer(-1.0)
    torch.testing.assert_close(logits, wanted, rtol=1e-10, atol=1e-10)
    for name, gradient in all_of_them.items():
        torch.testing.assert_close(gradients.get(name, torch.zeros_like(gradient)), gradient, rtol=1e-9, atol=1e-9)


def test_few_open_units_are_picked_where_numbers_are_at_hand_and_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_model("bert")
    masking, seen = Masking(model), []
    layer = dissect(model).layers[0]
    layer.ffn_in[0].register_forward_hook(lambda module, inputs, output: seen.append(output.shape[-1]))
    layer.attention_in[0].register_forward_hook(lambda module, inputs, output: seen.append(output.shape[-1]))
    for at_hand in (("cpu",), ()):
        monkeypatch.setattr(masking_module, "AT_HAND", at_hand)
        masking.wear(random_masks(masking.parts, 3))
        model(**tiny_inputs())
    structure = random_masks(masking.parts, 3).structure()
    heads, units = int(structure.head_LH[0].sum()), int(structure.unit_LU[0].sum())
    size = masking.parts.head_size
    assert seen == [max(heads, 1) * size, max(units, 1), masking.parts.heads * size, masking.parts.units]
    assert heads < masking.parts.heads and units < masking.parts.units


def test_factors_learn() -> None:
    model = tiny_model("bert")
    masking = Masking(model)
    masks = random_masks(masking.parts, 1, closed=0.0)
    leaves = {name: value.requires_grad_() for name, value in vars(masks).items() if value is not None}
    masking.wear(Masks(**leaves))
    model(**tiny_inputs()).logits.square().sum().backward()
    assert all(leaf.grad is not None and bool((leaf.grad != 0).all()) for leaf in leaves.values())


@pytest.mark.parametrize("family", ENCODERS)
def test_a_masked_width_is_not_seen_by_any_norm(family: str) -> None:
    model, inputs = tiny_model(family), tiny_inputs()
    masking = Masking(model)
    width_D = torch.ones(masking.parts.width)
    width_D[::3] = 0
    masking.wear(mask(masking, width_D=width_D))
    states = model.base_model(**inputs, output_hidden_states=True).hidden_states
    assert all(not state[..., ::3].any() for state in states)
    kept = width_D.bool()
    norm = torch.nn.LayerNorm(int(kept.sum()))
    whole = torch.nn.LayerNorm(len(kept))
    torch.testing.assert_close(norm_of_width(whole, states[0], width_D)[..., kept], norm(states[0][..., kept]))


def test_the_width_of_a_decoder_is_refused() -> None:
    masking = Masking(tiny_model("llama"))
    with pytest.raises(UsageError, match="the width of a llama cannot be pruned"):
        masking.wear(mask(masking, width_D=torch.ones(masking.parts.width)))
