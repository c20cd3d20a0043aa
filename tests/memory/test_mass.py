"""The streamed masses are those of the whole matrix, and so are their gradients."""

import math
from dataclasses import dataclass

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from laconic.memory import mass
from laconic.memory.mass import memory_mass, plain_mass
from laconic.memory.visibility import Visibility, see_earlier, see_other_rows

IGNORED = 9


@dataclass(frozen=True)
class Case:
    """Queries that see a memory of their own kind."""

    query_ND: torch.Tensor
    target_N: torch.Tensor
    visibility: Visibility


@st.composite
def cases(draw: st.DrawFn) -> Case:
    rows, length, width = draw(st.integers(1, 4)), draw(st.integers(1, 7)), draw(st.integers(1, 4))
    size = rows * length
    generator = torch.Generator().manual_seed(draw(st.integers(0, 999)))
    documents_BT = (torch.rand(size, generator=generator) < draw(st.sampled_from([0.0, 0.3]))).cumsum(0).reshape(rows, length)
    visibility = draw(
        st.sampled_from(
            [
                see_earlier(documents_BT, across_rows=False),
                see_earlier(documents_BT, across_rows=True),
                see_other_rows(rows, length, own=False),
                see_other_rows(rows, length, own=True),
            ]
        )
    )
    target_N = torch.randint(0, 4, (size,), generator=generator)
    target_N[torch.rand(size, generator=generator) < 0.2] = IGNORED
    query_ND = torch.randn(size, width, generator=generator, dtype=torch.float32) * draw(st.sampled_from([1.0, 8.0]))
    return Case(query_ND, target_N, visibility)


def run(function: object, case: Case, scale: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Both masses, and the gradients of a sum in which each counts differently."""
    query_ND, key_MD = case.query_ND.clone().requires_grad_(), (case.query_ND * 0.7).requires_grad_()
    all_N, right_N = function(query_ND, key_MD, case.target_N, case.target_N, case.visibility, scale=scale, ignore=IGNORED)
    weight_N = torch.linspace(-1.0, 2.0, len(query_ND))
    total = (all_N.masked_fill(all_N == -math.inf, 0.0) * weight_N).sum()
    total = total + (right_N.masked_fill(right_N == -math.inf, 0.0) * weight_N.flip(0)).sum()
    grad_query_ND, grad_key_MD = torch.autograd.grad(total, (query_ND, key_MD))
    return all_N.detach(), right_N.detach(), grad_query_ND, grad_key_MD


@given(cases(), st.integers(1, 9), st.integers(1, 9))
def test_streaming_equals_the_whole_matrix(case: Case, queries: int, slots: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mass, "QUERIES_AT_ONCE", queries)
        patch.setattr(mass, "SLOTS_AT_ONCE", slots)
        streamed = run(memory_mass, case, 0.5)
    for ours, plain in zip(streamed, run(plain_mass, case, 0.5), strict=True):
        assert torch.isfinite(ours[~torch.isinf(plain)]).all()
        torch.testing.assert_close(ours, plain, rtol=1e-5, atol=1e-5)


def test_by_hand() -> None:
    key_MD = torch.tensor([[1.0], [2.0], [3.0]])
    visibility = see_earlier(torch.zeros(1, 3, dtype=torch.int64), across_rows=False)
    for function in (plain_mass, memory_mass):
        values = torch.tensor([5, 6, 5])
        all_N, right_N = function(key_MD, key_MD, values, values, visibility, scale=1.0, ignore=IGNORED)
        assert all_N.tolist() == pytest.approx([-math.inf, 2.0, math.log(math.exp(3.0) + math.exp(6.0))])
        assert right_N.tolist() == pytest.approx([-math.inf, -math.inf, 3.0])


@pytest.mark.parametrize("function", [plain_mass, memory_mass])
def test_an_empty_memory_weighs_nothing(function: object) -> None:
    query_ND = torch.ones(2, 3, requires_grad=True)
    nothing = see_other_rows(1, 2, own=False)
    all_N, right_N = function(
        query_ND, torch.zeros(0, 3), torch.zeros(2, dtype=torch.int64), torch.zeros(0, dtype=torch.int64),
        Visibility(begin_N=nothing.begin_N, end_N=nothing.begin_N, gap_begin_N=nothing.begin_N, gap_end_N=nothing.begin_N),
        scale=1.0, ignore=IGNORED,
    )  # fmt: skip
    assert all_N.tolist() == right_N.tolist() == [-math.inf, -math.inf]
    torch.logaddexp(all_N, torch.zeros(2)).sum().backward()
    assert query_ND.grad is not None and query_ND.grad.tolist() == [[0.0] * 3] * 2


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")
def test_a_gpu_weighs_as_a_cpu() -> None:
    generator = torch.Generator().manual_seed(0)
    key_ND, value_N = torch.randn(3000, 16, generator=generator), torch.randint(0, 50, (3000,), generator=generator)
    found = []
    for device in ("cpu", "cuda"):
        visibility = see_earlier(torch.zeros(6, 500, dtype=torch.int64, device=device), across_rows=True)
        query_ND = key_ND.to(device).requires_grad_()
        values = value_N.to(device)
        both = memory_mass(query_ND, query_ND, values, values, visibility, scale=0.25, ignore=IGNORED)
        torch.logaddexp(*both)[100:].sum().backward()
        found.append([one.detach().cpu() for one in (*both, query_ND.grad)])
    for ours, expected in zip(*found, strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-4)
