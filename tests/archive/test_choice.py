"""`auto`: the best model for little text, the light one for much."""

import pytest

from laconic.archive.choice import BYTES_PER_SECOND, LARGE_INPUT, choose_model


@pytest.mark.parametrize(
    "size, name", [(0, "default"), (LARGE_INPUT - 1, "default"), (LARGE_INPUT, "light"), (1 << 40, "light"), (None, "light")]
)
def test_the_length_decides(size: int | None, name: str) -> None:
    choice = choose_model(size)
    assert choice.name == name
    assert (choice.seconds is None) == (size is None)


def test_the_estimate_grows_with_the_length() -> None:
    first, second = choose_model(100_000).seconds, choose_model(200_000).seconds
    assert first is not None and second == 2 * first
    assert set(BYTES_PER_SECOND) == {"default", "light"}
