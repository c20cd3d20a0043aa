"""One position at a time, from kept keys and values, against the reference over whole texts."""

import numpy as np
import pytest
import torch
from tests.bytelm.random_transformers import Draw, random_model

from laconic.bytelm.attention_steps import LANES, attend_rows, empty_cache
from laconic.bytelm.integer_forward import cut, mix, rotate, score_step, to_units


@pytest.mark.parametrize("size", [0, 3000, 1 << 23])
@pytest.mark.parametrize(("band", "head"), [(1, 2), (4, 6), (9, 8), (LANES, 4), (LANES + 1, 8)])
def test_steps_are_those_of_the_reference(band: int, head: int, size: int) -> None:
    rows, count, heads, draw = 3, 4 * band + 3, 2 + band % 2, Draw(band)
    model = random_model(band, heads=heads, head=head, band=band, layers=1)
    part, turning, shape = model.weights.parts[0], model.network.attentions[0].turning, model.weights.shape
    sums_BTM = draw.integers(max(size, 3000), rows, count, (heads + 2) * head).astype(np.int32)
    sums_BTM[:, :, : heads * head] *= size > 0  # Queries of nothing weigh all that is seen alike, and nothing else.
    scale_BT = np.abs(draw.scales(1e-2, rows, count))
    expected, largest = attend_whole(sums_BTM, scale_BT, part, model.weights.rotary, shape)

    cache_B2CP = empty_cache(rows, band, head)
    cache_B2CP[:, :, :head] = 127  # Whatever stood in slots that are not seen.
    order = np.array([2, 0, 1])
    for step in range(count):
        units_NK, scale_N = np.zeros((rows, heads * head), np.int8), scale_BT[order, step].copy()
        attend_rows(sums_BTM[order, step], scale_N, np.full(rows, step), order, turning, np.float32(0.5), cache_B2CP, units_NK)
        assert (units_NK == expected[order, step]).all()
        assert (scale_N == largest[order, step, 0] * np.float32(0.5)).all()


def attend_whole(sums_BTM, scale_BT, part, rotary, shape) -> tuple[np.ndarray, np.ndarray]:
    """What attention finds at each position, as units, and the largest."""
    rows, count = scale_BT.shape
    parts = torch.from_numpy(sums_BTM).float() * torch.from_numpy(part.project_in.scale)
    parts, one = parts * torch.from_numpy(scale_BT)[..., None], np.float32(1)
    query, key, value = torch.split(parts, [part.heads * shape.head, shape.head, shape.head], -1)
    query, rotary, place_T = (
        query.reshape(rows, count, part.heads, -1),
        torch.from_numpy(rotary),
        torch.arange(count) % shape.band,
    )
    turned = torch.cat([rotate(query, rotary, place_T), rotate(query, rotary, place_T + shape.band)], -1)
    units, largest = to_units(turned)
    own, former = units.chunk(2, -1)
    key = cut(rotate(key[:, :, None], rotary, place_T)[:, :, 0] * float(one / part.key_scale), 127)
    value = cut(value * float(one / part.value_scale), 127)
    mixed = mix(own, former, key, value, largest * score_step(part, shape), shape.band)
    units, largest = to_units(mixed.flatten(2))
    return units.numpy(), largest.numpy()


def test_the_longest_band_fits_in_its_sums() -> None:
    """2,048 weights of nearly `2**14` times values of 127 go beyond int32."""
    band = 2048
    model = random_model(1, heads=1, head=2, band=band, layers=1)
    turning = model.network.attentions[0].turning
    cache_B2CP = empty_cache(1, band, 2)
    cache_B2CP[:, 1] = 127
    sums_NM, scale_N = np.zeros((1, 6), np.int32), np.ones(1, np.float32)
    sums_NM[0, 4:] = 1 << 23
    turning.channel_M[4:] = 1
    units_NK = np.zeros((1, 2), np.int8)
    attend_rows(sums_NM, scale_N, np.array([5000]), np.array([0]), turning, np.float32(1), cache_B2CP, units_NK)
    assert scale_N[0] == 127
    assert (units_NK == 127).all()
