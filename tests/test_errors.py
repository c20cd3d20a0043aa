"""Every error of ours knows its exit code and speaks in one sentence."""

import inspect

import pytest

from laconic import errors

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if kind is not errors.LaconicError]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_ours_and_has_an_exit_code(kind: type[errors.LaconicError]) -> None:
    assert issubclass(kind, errors.LaconicError)
    assert kind.exit_code == (2 if kind is errors.UsageError else 1)


def test_a_missing_extra_says_what_to_install() -> None:
    error = errors.missing_extra("torch", "train", "training a model")
    assert isinstance(error, errors.MissingExtraError)
    assert str(error) == "training a model needs the package 'torch', which is not installed: run pip install 'laconic[train]'"
