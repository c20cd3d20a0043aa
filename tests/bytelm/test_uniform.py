import numpy as np
import pytest

from laconic.bytelm.base import CountFormat
from laconic.bytelm.uniform import UniformByteLM


@pytest.mark.parametrize("precision", [12, 16, 20, 24])
@pytest.mark.parametrize("eos", [False, True])
def test_counts_differ_by_at_most_two(precision: int, eos: bool) -> None:
    form = CountFormat(precision=precision, eos=eos)
    counts_S = np.diff(UniformByteLM().start(1, form).cumulative()[0].astype(np.int64))
    assert len(counts_S) == form.symbols
    assert counts_S.sum() == form.total
    assert counts_S.max() - counts_S.min() <= 2


def test_steps_and_counts_and_ranges_agree() -> None:
    form, symbols_BT = CountFormat(), np.array([[5, 256, 0]], dtype=np.uint16)
    counts_BTC = UniformByteLM().counts(symbols_BT, form)
    starts_BT, stops_BT = UniformByteLM().ranges(symbols_BT, np.array([3]), form)
    assert (counts_BTC[0] == UniformByteLM().start(1, form).step(np.array([7]))).all()
    assert starts_BT[0].tolist() == [counts_BTC[0, t, s] for t, s in enumerate([5, 256, 0])]
    assert stops_BT[0].tolist() == [counts_BTC[0, t, s + 1] for t, s in enumerate([5, 256, 0])]


def test_every_uniform_model_is_the_same() -> None:
    assert UniformByteLM().fingerprint == UniformByteLM.from_file(UniformByteLM().to_file()).fingerprint
    assert "equally likely" in UniformByteLM().description
