"""Any kind of output says the same as the model's own logits."""

import pytest
import torch
from tests.training.models import tiny_model

from laconic.errors import UsageError
from laconic.model.head import output_mass
from laconic.model.mass import logits_mass


def test_only_the_words_that_carry_text_count() -> None:
    model, hidden_ND = tiny_model(), torch.randn(4, 64, generator=torch.Generator().manual_seed(0))
    target_N = torch.tensor([0, 7, 19, 19])
    logits_NV = model.lm_head(hidden_ND)[:, :20]
    found = output_mass(model, hidden_ND, target_N, vocab_size=20)
    for ours, expected in zip(found, logits_mass(logits_NV, target_N), strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-6)


def test_an_output_with_more_to_it_is_refused() -> None:
    model = tiny_model()
    model.lm_head = torch.nn.Linear(64, 21, bias=True)
    with pytest.raises(UsageError, match="not one matrix without a bias"):
        output_mass(model, torch.zeros(1, 64), torch.zeros(1, dtype=torch.int64), vocab_size=20)
