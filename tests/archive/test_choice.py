"""`auto`: the best model for little text, the light one for much, and where the best one cannot be loaded."""

import pytest

from laconic.archive import choice as choices
from laconic.archive.choice import BYTES_PER_SECOND, LARGE_INPUT, choose_model, open_auto
from laconic.bytelm.registry import load_byte_lm
from laconic.errors import missing_extra


@pytest.mark.parametrize(
    "size, name", [(0, "default"), (LARGE_INPUT - 1, "default"), (LARGE_INPUT, "light"), (1 << 40, "light"), (None, "light")]
)
def test_the_length_decides(size: int | None, name: str) -> None:
    choice = choose_model(size)
    assert (choice.name, choice.note) == (name, "")
    assert (choice.seconds is None) == (size is None)
    assert open_auto(size)[1].fingerprint == load_byte_lm(name).fingerprint


def test_the_estimate_grows_with_the_length() -> None:
    first, second = choose_model(100_000).seconds, choose_model(200_000).seconds
    assert first is not None and second == 2 * first
    assert set(BYTES_PER_SECOND) == {"default", "light"}


def test_auto_never_takes_much_longer_than_a_minute() -> None:
    assert all((choose_model(size).seconds or 0) < 75 for size in (0, LARGE_INPUT - 1, LARGE_INPUT))


def test_the_light_model_stands_in_where_a_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str) -> object:
        if name == "default":
            raise missing_extra("torch", "neural", "this byte model")
        return load_byte_lm(name)

    monkeypatch.setattr(choices, "load_byte_lm", load)
    choice, model = open_auto(1000)
    assert choice.name == "light" and model.fingerprint == load_byte_lm("light").fingerprint
    assert choice.seconds == 1000 / BYTES_PER_SECOND["light"]
    assert "light model is used" in choice.note and "laconic[neural]" in choice.note
    assert open_auto(LARGE_INPUT)[0].note == ""
