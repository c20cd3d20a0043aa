"""Laws of the forward pass that defines the model, and its parts against plain Python."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bytelm.random_transformers import ANY_SHAPE, Draw, random_file, random_model, random_symbols

from laconic.bytelm.integer_forward import (
    ATTENTION_POWERS,
    SCORE_REACH,
    cut,
    mix,
    normalise,
    powers_below,
    symbol_weights,
    to_units,
)
from laconic.bytelm.transformer_weights import TransformerWeights, read_transformer


def weigh(weights: TransformerWeights, symbols_BT: np.ndarray, device: str = "cpu") -> np.ndarray:
    return symbol_weights(weights, torch.from_numpy(symbols_BT.astype(np.int64)).to(device)).cpu().numpy()


@given(shape=ANY_SHAPE, seed=st.integers(0, 50), changed=st.integers(0, 29))
@settings(max_examples=30)
def test_a_prediction_sees_the_symbols_before_it_as_far_as_the_bands_reach(
    shape: dict[str, Any], seed: int, changed: int
) -> None:
    weights, symbols_BT = random_model(seed, **shape).weights, random_symbols(seed, 1, 30)
    other_BT = symbols_BT.copy()
    other_BT[0, changed] += 1
    differs_T = (weigh(weights, symbols_BT) != weigh(weights, other_BT)).any(axis=(0, 2))
    reach = weights.shape.attentions * (shape["band"] - 1)
    assert not differs_T[: changed + 1].any()
    assert not differs_T[changed + 2 + reach :].any()


def test_blocks_without_parts_say_nothing() -> None:
    """A block in which nothing is left, wherever it stands, is as good as none."""
    symbols_BT = random_symbols(1, 2, 20)
    file = random_file(1, blocks=[(2, 5), (1, 9)])
    blocks = [{"heads": heads, "ffn": ffn} for heads, ffn in ((0, 0), (2, 5), (0, 0), (0, 0), (1, 9), (0, 0))]
    moved = {name.replace("layers.1.", "layers.4.").replace("layers.0.", "layers.1."): t for name, t in file.tensors.items()}
    longer = read_transformer(replace(file, config=file.config | {"blocks": blocks}, tensors=moved))
    assert (weigh(longer, symbols_BT) == weigh(read_transformer(file), symbols_BT)).all()


def test_every_symbol_within_reach_matters() -> None:
    weights, symbols_BT = random_model(1, layers=1, band=9).weights, random_symbols(1, 1, 20)
    for changed in range(19):
        other_BT = symbols_BT.copy()
        other_BT[0, changed] += 1
        differs_T = (weigh(weights, symbols_BT) != weigh(weights, other_BT)).any(axis=(0, 2))
        assert differs_T[changed + 1 : changed + 10].all()


@given(seed=st.integers(0, 50), rows=st.integers(1, 6))
@settings(max_examples=20)
def test_a_row_does_not_depend_on_the_others_nor_on_what_follows(seed: int, rows: int) -> None:
    weights, symbols_BT = random_model(seed).weights, random_symbols(seed, rows, 33)
    together_BTS = weigh(weights, symbols_BT)
    assert (weigh(weights, symbols_BT[-1:, :20]) == together_BTS[-1:, :20]).all()
    assert (together_BTS.max(-1) == 1 << 30).all()
    assert together_BTS.min() >= 0


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")
def test_a_gpu_gives_the_same() -> None:
    for seed, width in ((1, 24), (2, 33), (3, 256)):
        weights, symbols_BT = random_model(seed, width=width, heads=4, head=16).weights, random_symbols(seed, 5, 90)
        assert (weigh(weights, symbols_BT) == weigh(weights, symbols_BT, "cuda")).all()


def test_attention_powers_are_rounded() -> None:
    exact = 2.0 ** (14 - np.arange(SCORE_REACH) / 64)
    assert np.abs(ATTENTION_POWERS[:-1] - np.minimum(exact, (1 << 14) - 1)).max() <= 0.51
    assert ATTENTION_POWERS[-1] == 0
    assert ATTENTION_POWERS.max() == (1 << 14) - 1
    assert (np.diff(ATTENTION_POWERS) <= 0).all()


def test_powers_halve_for_every_bit() -> None:
    distance = torch.arange(5000, dtype=torch.int32).reshape(1, 1, -1)
    powers = powers_below(distance)[0, 0].numpy()
    exact = 2.0 ** (30 - np.arange(5000) / 128)
    assert (powers <= exact + 1e-6).all()
    assert (powers > exact - 1.001).all()
    assert (powers[128:] == powers[:-128] >> 1).all()


def test_rounding_is_to_even_and_within_the_limit() -> None:
    values = torch.tensor([0.5, 1.5, 2.5, -0.5, -1.5, 9.6, -1e30, 1e30])
    assert cut(values, 10).tolist() == [0, 2, 2, 0, -2, 10, -10, 10]


@given(seed=st.integers(0, 99), scale=st.sampled_from([1e-9, 1.0, 1e20]))
def test_units_fill_their_range(seed: int, scale: float) -> None:
    values = torch.from_numpy(Draw(seed).scales(scale, 4, 9))
    values[0, 3] *= -1
    units, largest = to_units(values)
    if scale > 1e-6:
        assert (units.abs().amax(-1) == 127).all()
        assert ((units.double() * largest.double() / 127 - values).abs() <= largest.double() / 253).all()
    else:
        assert not units.any()


def test_a_norm_gives_a_mean_square_of_one() -> None:
    model = random_model(1, width=200)
    residual = torch.from_numpy(Draw(1).integers(9000, 1, 3, 200).astype(np.int32))
    row = normalise(residual, np.ones(200, np.float32), model.weights.shape)
    assert ((row.units.float() * row.scale).square().mean(-1) - 1).abs().max() < 0.01


@given(seed=st.integers(0, 99), band=st.integers(1, 9), length=st.integers(1, 25))
@settings(max_examples=40)
def test_mixing_is_that_of_plain_numbers(seed: int, band: int, length: int) -> None:
    draw, head = Draw(seed), 4
    own, former, key, value = (draw.integers(127, length, head).tolist() for _ in range(4))
    step = 0.02
    mixed = mix(
        *(torch.tensor(queries, dtype=torch.int8)[None, :, None] for queries in (own, former)),
        torch.tensor(key, dtype=torch.int32)[None],
        torch.tensor(value, dtype=torch.int32)[None],
        torch.full((1, length, 1, 1), step),
        band,
    )[0, :, 0]
    for t in range(length):
        seen = range(max(0, t - band + 1), t + 1)
        query = {s: own[t] if s // band == t // band else former[t] for s in seen}
        scores = {s: sum(q * k for q, k in zip(query[s], key[s], strict=True)) for s in seen}
        below = {s: np.float32(max(scores.values()) - scores[s]) * np.float32(step) for s in seen}
        weights = {s: int(ATTENTION_POWERS[int(np.rint(min(below[s], SCORE_REACH)))]) for s in seen}
        sums = [sum(weights[s] * value[s][i] for s in seen) for i in range(head)]
        assert mixed[t].tolist() == [float(np.float32(total) / np.float32(sum(weights.values()))) for total in sums]
