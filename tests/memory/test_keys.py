"""The keys are what the last feed-forward part reads, for every family of causal models."""

import pytest
import torch
from tests.training.models import FAMILIES, tiny_family
from transformers import AutoModelForCausalLM, BloomConfig

from laconic.errors import UsageError
from laconic.memory.keys import KeyTap
from laconic.model.anatomy import dissect


@pytest.mark.parametrize("kind", FAMILIES)
def test_it_is_what_the_first_projection_of_the_last_layer_is_given(kind: str) -> None:
    model, given = tiny_family(kind), []
    projection = dissect(model).layers[-1].ffn_in[-1]
    projection.register_forward_pre_hook(lambda module, inputs: given.append(inputs[0]))
    tap = KeyTap(model)
    model(input_ids=torch.arange(10).reshape(2, 5))
    keys_BTD = tap.take(2)
    assert keys_BTD.shape == (2, 5, 16)
    assert torch.equal(keys_BTD.reshape(-1, 16), given[0].reshape(-1, 16))


def test_only_the_latest_call_is_kept_and_only_until_it_is_taken() -> None:
    model = tiny_family("llama")
    tap = KeyTap(model)
    first, second = torch.arange(4)[None], torch.arange(5, 9)[None]
    model(input_ids=second)
    wanted = tap.take(1)
    model(input_ids=first)
    model(input_ids=second)
    assert torch.equal(tap.take(1), wanted)
    with pytest.raises(ValueError, match="not enough values"):
        tap.take(1)
    tap.close()
    model(input_ids=first)
    with pytest.raises(ValueError, match="not enough values"):
        tap.take(1)


def test_an_unknown_family_is_refused() -> None:
    model = AutoModelForCausalLM.from_config(BloomConfig(hidden_size=16, n_layer=1, n_head=2, vocab_size=20))
    with pytest.raises(UsageError, match="'bloom' are not known"):
        KeyTap(model)
