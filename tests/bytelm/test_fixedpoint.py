import math

import numpy as np

from laconic.bytelm.fixedpoint import FRACTION, LOGARITHMS, POWERS, log2_units


def test_powers_are_roots_rounded_down() -> None:
    for index, power in enumerate(POWERS.tolist()):
        exact = 1 << (30 * FRACTION + index)
        assert power**FRACTION <= exact < (power + 1) ** FRACTION


def test_logarithms_are_rounded_down() -> None:
    for index, logarithm in enumerate(LOGARITHMS.tolist()):
        assert logarithm == math.floor(FRACTION * math.log2((1024 + index) / 1024))


def test_logarithms_of_all_small_and_many_large_counts() -> None:
    counts = np.unique(np.concatenate([np.arange(1, 5000), np.geomspace(5000, (1 << 24) - 1, 20000).astype(np.int64)]))
    exact = FRACTION * np.log2(counts)
    units = log2_units(counts)
    assert units.dtype == np.int32
    assert (units <= exact + 1e-9).all()
    # One unit is lost in rounding, another fifth with the bits behind the eleventh.
    assert (exact - units).max() < 1.2
    assert (np.diff(units) >= 0).all()


def test_powers_of_two_are_exact() -> None:
    assert log2_units(1 << np.arange(24)).tolist() == [128 * bits for bits in range(24)]
