"""Attention in pieces against that of the reference."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bytelm.random_transformers import Draw, random_model

from laconic.bytelm.attention_kernels import mix_rows, turn_rows, weigh_scores
from laconic.bytelm.integer_forward import cut, mix, rotate, score_step, to_units


@given(seed=st.integers(0, 50), heads=st.integers(1, 4), head=st.sampled_from([2, 8, 34]), size=st.sampled_from([1.0, 1e9]))
@settings(max_examples=40)
def test_turning_is_that_of_the_reference(seed: int, heads: int, head: int, size: float) -> None:
    model, count = random_model(seed, heads=heads, head=head, band=6, layers=1), 9
    part, turning, shape = model.weights.parts[0], model.network.attentions[0].turning, model.weights.shape
    draw = Draw(seed)
    sums_NM, scale_N = draw.integers(100000, count, (heads + 2) * head).astype(np.int32), draw.scales(size * 1e-3, count)
    place_N = np.arange(count) % 6
    own_NHK, former_NHK = np.zeros((2, count, heads, head), np.int8)
    cached_2NK, step_NH = np.zeros((2, count, head), np.int8), np.zeros((count, heads), np.float32)
    turn_rows(sums_NM, scale_N, place_N, turning, own_NHK, former_NHK, step_NH, cached_2NK[0], cached_2NK[1])

    parts = torch.from_numpy(sums_NM).float() * torch.from_numpy(part.project_in.scale)
    parts = (parts * torch.from_numpy(scale_N)[:, None])[None]
    query, key, value = torch.split(parts, [heads * head, head, head], -1)
    query, rotary, place_T = (
        query.reshape(1, count, heads, head),
        torch.from_numpy(model.weights.rotary),
        torch.from_numpy(place_N),
    )
    units, largest = to_units(torch.cat([rotate(query, rotary, place_T), rotate(query, rotary, place_T + 6)], -1))
    one = np.float32(1)
    assert (own_NHK == units[0, ..., :head].numpy()).all()
    assert (former_NHK == units[0, ..., head:].numpy()).all()
    assert (step_NH == (largest * score_step(part, shape))[0, ..., 0].numpy()).all()
    turned = rotate(key[:, :, None], rotary, place_T)[0, :, 0]
    assert (cached_2NK[0] == cut(turned * float(one / part.key_scale), 127).numpy()).all()
    assert (cached_2NK[1] == cut(value[0] * float(one / part.value_scale), 127).numpy()).all()


@given(
    seed=st.integers(0, 99),
    heads=st.integers(1, 3),
    band=st.sampled_from([1, 2, 7, 16]),
    step=st.sampled_from([1e-20, 1e-3, 0.05, 1e6]),
    extreme=st.booleans(),
)
@settings(max_examples=60)
def test_weighing_and_mixing_are_those_of_the_reference(seed: int, heads: int, band: int, step: float, extreme: bool) -> None:
    draw, count, head = Draw(seed), 3 * band, 6
    own, former = (draw.integers(127, count, heads, head).astype(np.int8) for _ in range(2))
    key, value = (draw.integers(127, count, head).astype(np.int32) for _ in range(2))
    if extreme:
        own[:], former[:], key[:], value[:] = 127, -127, 127, 127
    step_NH = np.abs(draw.scales(step, count, heads))
    expected = mix(
        *(torch.from_numpy(array)[None] for array in (own, former, key, value, step_NH[..., None])),
        band,
    )[0].flatten(1)  # fmt: skip
    units, largest = to_units(expected)
    units_NK, scale_N = np.zeros((count, heads * head), np.int8), np.zeros(count, np.float32)
    for begin in range(0, count, band):
        kept = max(0, begin - band + 1)
        keys, values = key[kept : begin + band].astype(np.int64), value[kept : begin + band].astype(np.int64)
        run = slice(begin, begin + band)
        own_MS = (own[run].reshape(-1, head).astype(np.int64) @ keys[begin - kept :].T).astype(np.int32)
        former_MS = (former[run].reshape(-1, head).astype(np.int64) @ keys[: begin - kept].T).astype(np.int32)
        pieces_2MS, total_M = np.full((2, band * heads, len(keys)), 99, np.int8), np.zeros(band * heads, np.int32)
        weigh_scores(own_MS, former_MS, step_NH[run].reshape(-1), heads, pieces_2MS, total_M)
        sums_2MK = (pieces_2MS.astype(np.int64) @ values).astype(np.int32)
        mix_rows(sums_2MK, total_M, np.float32(0.5), units_NK[run], scale_N[run])
        weights_MS = 128 * pieces_2MS[0].astype(np.int64) + pieces_2MS[1]
        assert (total_M == weights_MS.sum(1)).all()
    assert (units_NK == units.numpy()).all()
    assert (scale_N == (largest[:, 0] * 0.5).numpy()).all()


def test_the_largest_sums_fit() -> None:
    """2,048 weights of 16,383 times values of 127: beyond int32, so pieces are put together in 64 bits."""
    sums_2MK = np.full((2, 1, 4), 127 * 127 * 2048, np.int32)
    units_NK, scale_N = np.zeros((1, 4), np.int8), np.zeros(1, np.float32)
    mix_rows(sums_2MK, np.array([16383 * 2048], np.int32), np.float32(1), units_NK, scale_N)
    assert scale_N[0] == 127
    assert (units_NK == 127).all()
