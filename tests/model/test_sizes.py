"""The named sizes have the paper's parameter counts and build the same weights for the same seed."""

import pytest
import torch

from laconic.errors import UsageError
from laconic.model.sizes import SIZES, build_model, count_parameters, find_size

PRINTED = {"3m": 3.15e6, "25m": 25.2e6, "113m": 113.2e6, "403m": 402.7e6, "2b": 1.61e9}
"""Gated three-matrix counts of Lester et al. 2024, table 4."""


@pytest.mark.parametrize("size", PRINTED)
def test_body_agrees_with_the_paper_to_three_digits(size: str) -> None:
    assert SIZES[size].body == pytest.approx(PRINTED[size], rel=3e-3)


@pytest.mark.parametrize("size", SIZES)
def test_built_model_has_the_stated_body_and_one_shared_table(size: str) -> None:
    shape = find_size(size)
    count = count_parameters(build_model(size, vocab_size=257, context=64, seed=0, device="meta"))
    norms = (2 * shape.layers + 1) * shape.width
    assert count.body == shape.body + norms
    assert count.embeddings == 257 * shape.width
    assert count.total == count.body + count.embeddings


def test_untied_output_counts_as_embeddings() -> None:
    count = count_parameters(build_model("tiny", vocab_size=300, context=8, seed=0, device="meta", tie_word_embeddings=False))
    assert count.embeddings == 2 * 300 * SIZES["tiny"].width


def test_same_seed_same_weights_and_no_trace_on_the_global_generator() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    one = build_model("tiny", vocab_size=32, context=8, seed=1)
    assert torch.equal(torch.rand(3), expected)
    two, other = (build_model("tiny", vocab_size=32, context=8, seed=seed) for seed in (1, 2))
    weights = [model.get_input_embeddings().weight for model in (one, two, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_feed_forward_is_a_gated_relu() -> None:
    config = build_model("tiny", vocab_size=32, context=8, seed=0, device="meta").config
    assert (config.model_type, config.hidden_act, config.intermediate_size) == ("llama", "relu", 256)


def test_unknown_size_and_device_are_named() -> None:
    with pytest.raises(UsageError, match="'9t' is not known: choose one of tiny"):
        find_size("9t")
    with pytest.raises(ValueError, match="device is 'cuda'"):
        build_model("tiny", vocab_size=8, context=8, seed=0, device="cuda")
