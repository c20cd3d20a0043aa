"""Partition and gold are those of the whole matrix of logits, and so are their gradients, however it is cut."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from laconic.model import mass as module
from laconic.model.mass import head_mass, logits_mass


@given(st.integers(1, 5), st.integers(1, 6), st.integers(0, 99))
def test_of_logits(size: int, vocabulary: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits_NV = (torch.randn(size, vocabulary, generator=generator) * 5).requires_grad_()
    target_N = torch.randint(0, vocabulary, (size,), generator=generator)
    weights_2N = torch.randn(2, size, generator=generator)
    found = logits_mass(logits_NV, target_N)
    plain = torch.logsumexp(logits_NV, -1), logits_NV[torch.arange(size), target_N]
    for ours, expected in zip(found, plain, strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-5)
    gradients = [torch.autograd.grad((torch.stack(pair) * weights_2N).sum(), logits_NV)[0] for pair in (found, plain)]
    torch.testing.assert_close(*gradients, rtol=1e-5, atol=1e-5)


@given(st.integers(0, 9), st.integers(1, 9), st.integers(1, 4), st.integers(1, 4), st.integers(0, 99))
def test_of_a_head_in_pieces(size: int, vocabulary: int, rows: int, words: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    hidden_ND = (torch.randn(size, 3, generator=generator) * 3).requires_grad_()
    weight_VD = torch.randn(vocabulary, 3, generator=generator).requires_grad_()
    target_N = torch.randint(0, vocabulary, (size,), generator=generator)
    weights_2N = torch.randn(2, size, generator=generator)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "ROWS_AT_ONCE", rows)
        patch.setattr(module, "WORDS_AT_ONCE", words)
        found = head_mass(hidden_ND, weight_VD, target_N)
        ours = torch.autograd.grad((torch.stack(found) * weights_2N).sum(), (hidden_ND, weight_VD))
    plain = logits_mass(hidden_ND @ weight_VD.T, target_N)
    expected = torch.autograd.grad((torch.stack(plain) * weights_2N).sum(), (hidden_ND, weight_VD))
    for one, other in zip((*found, *ours), (*plain, *expected), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_half_precision_rounds_the_logits_as_a_linear_layer_does() -> None:
    generator = torch.Generator().manual_seed(0)
    hidden_ND, weight_VD = torch.randn(6, 8, generator=generator), torch.randn(5, 8, generator=generator)
    target_N = torch.arange(6) % 5
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = head_mass(hidden_ND, weight_VD, target_N)
        logits_NV = torch.nn.functional.linear(hidden_ND, weight_VD).float()
    assert logits_NV.ne(hidden_ND @ weight_VD.T).any()
    for ours, expected in zip(found, logits_mass(logits_NV, target_N), strict=True):
        assert ours.dtype == torch.float32
        torch.testing.assert_close(ours, expected, rtol=1e-6, atol=1e-6)
