"""Each kernel against the function of the reference that it stands for."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bytelm.random_transformers import Draw

from laconic.bytelm.base import CountFormat
from laconic.bytelm.fixedpoint import log2_units
from laconic.bytelm.integer_forward import LOGIT_LIMIT, RESIDUAL_LIMIT, TINY, cut, normalise, powers_below, to_units
from laconic.bytelm.prior import NO_PRIOR
from laconic.bytelm.transformer_kernels import (
    add_and_normalise_rows,
    add_prior,
    fill_logits,
    fill_powers,
    fill_prediction_edges,
    fill_prediction_ranges,
    fill_units,
    gate_rows,
    largest_size,
    normalise_rows,
)
from laconic.bytelm.transformer_weights import BlockShape, TransformerShape
from laconic.bytelm.weights import cumulative_counts

SIZES = st.sampled_from([1, 7, 16, 100, 257])
LIMITS = st.sampled_from([1, 1000, 1 << 24, 1 << 26])


def shape_of(width: int) -> TransformerShape:
    return TransformerShape(
        blocks=(BlockShape(heads=1, ffn=1),), width=width, head=2, band=1, residual_bits=12, epsilon=1e-6
    )  # fmt: skip


def epsilon_of(shape: TransformerShape) -> float:
    return shape.epsilon * 4.0**shape.residual_bits


@given(size=SIZES, limit=LIMITS, seed=st.integers(0, 99), scale=st.sampled_from([1e-30, 1e-6, 1.0, 1e20]))
def test_units(size: int, limit: int, seed: int, scale: float) -> None:
    values_N = Draw(seed).integers(limit, size).astype(np.float32) * np.float32(scale)
    units, largest = to_units(torch.from_numpy(values_N))
    units_N = np.empty(size, np.int8)
    assert largest_size(values_N) == np.float32(largest.item()) >= TINY
    fill_units(values_N, np.float32(largest.item()), units_N)
    assert (units_N == units.numpy()).all()


@given(size=SIZES, limit=LIMITS, seed=st.integers(0, 99))
def test_normalise(size: int, limit: int, seed: int) -> None:
    draw, shape = Draw(seed), shape_of(size)
    residual_ND, gain_D = draw.integers(limit, 5, size).astype(np.int32), draw.scales(2, size)
    residual_ND[3] = 0
    units_ND, scale_N = np.empty((5, size), np.int8), np.empty(5, np.float32)
    normalise_rows(residual_ND, gain_D, epsilon_of(shape), units_ND, scale_N)
    row = normalise(torch.from_numpy(residual_ND)[None], gain_D, shape)
    assert (units_ND == row.units[0].numpy()).all()
    assert (scale_N == row.scale[0, :, 0].numpy()).all()


@given(size=SIZES, limit=LIMITS, seed=st.integers(0, 99))
def test_add_and_normalise(size: int, limit: int, seed: int) -> None:
    draw, shape = Draw(seed), shape_of(size)
    residual_ND, sums_ND = draw.integers(limit, 5, size).astype(np.int32), draw.integers(1 << 23, 5, size).astype(np.int32)
    channel_D, gain_D, scale_N = draw.scales(1, size), draw.scales(2, size), draw.scales(1, 5)
    added = torch.from_numpy(sums_ND).float() * torch.from_numpy(channel_D) * torch.from_numpy(scale_N)[:, None]
    expected_ND = torch.from_numpy(residual_ND) + cut(added, RESIDUAL_LIMIT)
    row = normalise(expected_ND[None], gain_D, shape)
    units_ND = np.empty((5, size), np.int8)
    add_and_normalise_rows(residual_ND, sums_ND, channel_D, gain_D, epsilon_of(shape), units_ND, scale_N)
    assert (residual_ND == expected_ND.numpy()).all()
    assert (units_ND == row.units[0].numpy()).all()
    assert (scale_N == row.scale[0, :, 0].numpy()).all()


@given(size=SIZES, limit=LIMITS, seed=st.integers(0, 99))
def test_gate(size: int, limit: int, seed: int) -> None:
    draw = Draw(seed)
    sums_NM, unit_F = draw.integers(min(limit, 1 << 24), 5, 2 * size).astype(np.int32), draw.scales(1e-9, size)
    sums_NM[2, :size] = -1
    scale_N = draw.scales(1, 5)
    gate, other = torch.from_numpy(sums_NM).float().chunk(2, -1)
    units, largest = to_units(gate.clamp(min=0) * other * torch.from_numpy(unit_F))
    expected_N = (largest[:, 0] * np.float32(1 / 127)).numpy() * (scale_N * scale_N)
    units_NF = np.empty((5, size), np.int8)
    gate_rows(sums_NM, unit_F, units_NF, scale_N)
    assert (units_NF == units.numpy()).all()
    assert (scale_N == expected_N).all()


@given(limit=LIMITS, seed=st.integers(0, 99), scale=st.sampled_from([1e-3, 1.0, 1e6]))
def test_logits(limit: int, seed: int, scale: float) -> None:
    draw = Draw(seed)
    sums_S, channel_S = draw.integers(min(limit, 1 << 24), 257).astype(np.int32), draw.scales(scale, 257)
    logits_S = np.empty(257, np.int32)
    fill_logits(sums_S, channel_S, np.float32(0.3), logits_S)
    expected = cut(torch.from_numpy(sums_S).float() * torch.from_numpy(channel_S) * np.float32(0.3), LOGIT_LIMIT)
    assert (logits_S == expected.numpy()).all()


@given(seed=st.integers(0, 99), most=st.sampled_from([0, 1, 100, 5000, 15000]))
def test_a_prior_adds_its_logarithms(seed: int, most: int) -> None:
    counts_S = np.abs(Draw(seed).integers(most, 257)) + 1
    counts_S[seed] = (1 << 22) - counts_S.sum() + counts_S[seed]
    logits_S = Draw(seed + 1).integers(1000, 257).astype(np.int32)
    expected_S = logits_S + log2_units(counts_S)
    add_prior(np.concatenate([[0], np.cumsum(counts_S)]).astype(np.uint32), np.empty(257, np.float32), logits_S)
    assert (logits_S == expected_S).all()


@given(seed=st.integers(0, 99), limit=st.sampled_from([0, 10, 1000, LOGIT_LIMIT]))
def test_powers(seed: int, limit: int) -> None:
    logits_S, weights_S = Draw(seed).integers(limit, 257).astype(np.int32), np.empty(257, np.int32)
    fill_powers(logits_S, weights_S)
    expected = powers_below(torch.from_numpy(logits_S.max() - logits_S)[None, None])
    assert (weights_S == expected[0, 0].numpy()).all()
    assert weights_S.max() == 1 << 30


@given(seed=st.integers(0, 99), precision=st.sampled_from([12, 16, 24]), eos=st.booleans(), likely=st.booleans())
@settings(max_examples=40)
def test_edges_and_ranges_are_those_of_weights(seed: int, precision: int, eos: bool, likely: bool) -> None:
    form, draw = CountFormat(precision=precision, eos=eos), Draw(seed)
    sums_NS, channel_S = draw.integers(3000, 4, 257).astype(np.int32), np.ones(257, np.float32)
    if likely:
        # Without the end of a document no other symbol is left with any weight.
        sums_NS[:, 256] = 20000
    logits_BTS = torch.from_numpy(sums_NS)[None]
    weights_NS = powers_below(logits_BTS.amax(-1, keepdim=True) - logits_BTS)[0].numpy()
    expected_NC = cumulative_counts(weights_NS, form)
    places_N, scale_N = np.array([5, 0, 3, 1]), np.ones(4, np.float32)
    edges_BC, starts_N, stops_N = np.zeros((6, form.symbols + 1), np.uint32), np.zeros(4, np.uint32), np.zeros(4, np.uint32)
    fill_prediction_edges(sums_NS, channel_S, scale_N, NO_PRIOR, places_N, form.symbols, precision, edges_BC)
    assert (edges_BC[places_N] == expected_NC).all()
    assert not edges_BC[[2, 4]].any()
    for symbol in (0, 100, form.symbols - 1):
        symbols_N = np.full(4, symbol, np.uint16)
        fill_prediction_ranges(
            sums_NS, channel_S, scale_N, NO_PRIOR, symbols_N, form.symbols, precision, starts_N, stops_N
        )  # fmt: skip
        assert (starts_N == expected_NC[:, symbol]).all()
        assert (stops_N == expected_NC[:, symbol + 1]).all()


@pytest.mark.parametrize("value", [0.0, -0.0, 1e-10])
def test_a_row_of_nothing_has_no_units(value: float) -> None:
    values_N, units_N = np.full(9, value, np.float32), np.ones(9, np.int8)
    assert largest_size(values_N) == TINY
    fill_units(values_N, np.float32(TINY), units_N)
    assert not units_N.any()
