"""Which model `auto` takes, and how long that will be about: the best one for little text, the light one for much."""

from dataclasses import dataclass, replace

from laconic.bytelm.base import AbstractByteLM
from laconic.bytelm.registry import load_byte_lm
from laconic.errors import MissingExtraError

LARGE_INPUT = 2_500_000
"""From this many bytes on, `auto` takes the light model: the best one would need more than about a minute."""

BYTES_PER_SECOND = {"default": 60_000, "light": 2_000_000}
"""What compressing took on two cores of ours, to one figure. A statement for people: nothing depends on it."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What `auto` decided.

    Attributes:
        name: of the model.
        seconds: how long compressing will take, roughly; None where the length of the input is unknown.
        note: why it is not the best one, where that is not for the length of the input; else empty.
    """

    name: str
    seconds: float | None
    note: str = ""


def choose_model(size: int | None) -> Choice:
    """Decide by the length of the input.

    Args:
        size: bytes of input; None when all that is known is that they are `LARGE_INPUT` or more.

    Examples:
        >>> choose_model(20_000).name, choose_model(None).name
        ('default', 'light')
    """
    return _by_name("light" if size is None or size >= LARGE_INPUT else "default", size)


def open_auto(size: int | None) -> tuple[Choice, AbstractByteLM]:
    """Decide, and load the model: the light one where a package that the best one needs is not installed.

    Args:
        size: bytes of input; None when all that is known is that they are `LARGE_INPUT` or more.
    """
    choice = choose_model(size)
    try:
        return choice, load_byte_lm(choice.name)
    except MissingExtraError as error:
        light = replace(_by_name("light", size), note=f"the light model is used, since the default one is not at hand: {error}")
        return light, load_byte_lm("light")


def _by_name(name: str, size: int | None) -> Choice:
    return Choice(name=name, seconds=None if size is None else size / BYTES_PER_SECOND[name])
