"""FLOPs per byte come out as the paper prints them, and the full count is that of the multiplications done."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from laconic.evaluation.flops import (
    PAPER_BYTE_MODEL,
    flops_per_byte,
    paper_flops_per_byte,
    softmax_flops_per_byte,
    training_flops,
)
from laconic.model.sizes import build_model, count_parameters

LABELS = {"25m": 25e6, "113m": 113e6, "403m": 403e6, "2b": 2e9}
PRINTED = {
    ("bytes", 1.0, 0.0): (50.00, 226.00, 806.00, 4000.0),
    ("sentencepiece", 4.2787, 0.0): (11.69, 52.82, 188.37, 934.84),
    ("ac[256]", 5.49, PAPER_BYTE_MODEL): (15.11, 47.17, 152.81, 734.60),
    ("static-ac[256]", 1.73, 0.0): (28.90, 130.64, 465.90, 2310.0),
    ("equal-info[16,256]", 2.66, PAPER_BYTE_MODEL): (24.80, 90.96, 309.01, 1510.0),
    ("equal-info[16,65k]", 5.31, PAPER_BYTE_MODEL): (15.42, 48.56, 157.79, 759.30),
    ("equal-info[64,65k]", 8.33, PAPER_BYTE_MODEL): (12.00, 33.13, 102.76, 486.19),
    ("gzip[65k]", 4.47, 0.0): (11.19, 50.56, 180.31, 894.85),
}
"""Millions of FLOPs per byte, Lester et al. 2024, tables 15 and 16."""


@pytest.mark.parametrize("method", PRINTED)
def test_the_papers_way_gives_the_papers_numbers(method: tuple[str, float, float]) -> None:
    _, bytes_per_token, byte_model = method
    found = [paper_flops_per_byte(size, bytes_per_token, byte_model=byte_model) / 1e6 for size in LABELS.values()]
    assert found == pytest.approx(PRINTED[method], rel=3e-3)


def test_softmax_at_25m_is_as_large_as_the_facts_say() -> None:
    assert softmax_flops_per_byte(65_536, 512, 5.31) == pytest.approx(12.6e6, rel=0.01)
    assert softmax_flops_per_byte(32_000, 512, 4.28) == pytest.approx(7.7e6, rel=0.01)
    assert softmax_flops_per_byte(259, 512, 1.0) == pytest.approx(0.3e6, rel=0.2)


def test_the_full_way_counts_what_torch_counts() -> None:
    """Torch counts whole attention matrices where a causal model needs half: 2 x width x T instead of (T + 1) / 2 each."""
    vocab, context = 50, 32
    model = build_model("tiny", vocab_size=vocab, context=context, seed=0, attn_implementation="eager")
    with FlopCounterMode(display=False) as counter:
        model(input_ids=torch.zeros(1, context, dtype=torch.long))
    found = flops_per_byte(model, vocab_size=vocab, bytes_per_token=1.0, context=context)
    norms = 2 * (count_parameters(model).body - 2 * (4 * 64**2 + 3 * 64 * 256))
    whole_attention = found.attention * context / ((context + 1) / 2)
    rotary = 2 * 16 * context / context  # frequencies times positions, done as a matrix product
    measured = counter.get_total_flops() / context
    assert found.full - found.attention + whole_attention - norms == pytest.approx(measured, abs=2 * rotary)
    assert found.full == pytest.approx(found.paper + found.attention + found.softmax)


def test_a_byte_model_is_paid_once_per_byte() -> None:
    model = build_model("tiny", vocab_size=50, context=8, seed=0, device="meta")
    with_model, without = (
        flops_per_byte(model, vocab_size=49, bytes_per_token=4.0, context=8, byte_model=cost) for cost in (6e6, 0.0)
    )
    assert with_model.paper - without.paper == with_model.full - without.full == pytest.approx(6e6)


def test_training_costs_six_per_parameter_and_token() -> None:
    """Lester et al. 2024: 26.2 billion tokens at 25m cost 3.9e18 FLOPs."""
    model = build_model("25m", vocab_size=257, context=512, seed=0, device="meta")
    assert training_flops(model, 26_214_400_000) == pytest.approx(3.9e18, rel=0.02)
