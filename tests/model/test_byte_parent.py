"""The parent of a byte model is a stock Mistral of the stated shape, the same for the same seed."""

import pytest
import torch

from laconic.errors import UsageError
from laconic.model.anatomy import dissect
from laconic.model.byte_parent import build_byte_parent
from laconic.model.sizes import SIZES


def test_the_shape_is_the_named_one() -> None:
    model = build_byte_parent("tiny", band=8, seed=0)
    config = model.config
    assert (config.model_type, config.vocab_size, config.sliding_window) == ("mistral", 258, 8)
    assert (config.num_hidden_layers, config.hidden_size, config.intermediate_size) == (2, 64, 256)
    assert (config.num_attention_heads, config.num_key_value_heads, config.hidden_act) == (2, 1, "relu")
    assert len(dissect(model).layers) == SIZES["tiny"].layers


def test_a_seed_names_the_weights() -> None:
    first, again, other = (build_byte_parent("tiny", band=8, seed=seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["lm_head.weight"], other["lm_head.weight"])


def test_a_quiet_parent_says_nothing_yet() -> None:
    model = build_byte_parent("tiny", band=8, seed=0, quiet=True)
    assert not model(input_ids=torch.tensor([[257, 1, 2]])).logits.any()


def test_attention_reaches_no_further_than_the_band() -> None:
    model = build_byte_parent("tiny", band=4, seed=0).eval()
    tokens = torch.arange(20)[None]
    changed = tokens.clone()
    changed[0, 0] = 99
    with torch.no_grad():
        differs = (model(input_ids=tokens).logits != model(input_ids=changed).logits).any(-1)[0]
    # Two layers of a band of 4, each the present symbol and three before it, reach six back.
    assert differs[:7].all() and not differs[7:].any()


def test_an_unknown_size_is_refused() -> None:
    with pytest.raises(UsageError, match="'huge' is not known"):
        build_byte_parent("huge", band=8, seed=0)
