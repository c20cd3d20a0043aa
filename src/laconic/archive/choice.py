"""Which model `auto` takes, and how long that will be about: the best one for little text, the light one for much."""

from dataclasses import dataclass

LARGE_INPUT = 8_000_000
"""From this many bytes on, `auto` takes the light model."""

BYTES_PER_SECOND = {"default": 2_000_000, "light": 2_000_000}
"""What compressing took on two cores of ours, to one figure. A statement for people: nothing depends on it."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What `auto` decided.

    Attributes:
        name: of the model.
        seconds: how long compressing will take, roughly; None where the length of the input is unknown.
    """

    name: str
    seconds: float | None


def choose_model(size: int | None) -> Choice:
    """Decide by the length of the input.

    Args:
        size: bytes of input; None when all that is known is that they are `LARGE_INPUT` or more.

    Examples:
        >>> choose_model(20_000).name, choose_model(None).name
        ('default', 'light')
    """
    name = "light" if size is None or size >= LARGE_INPUT else "default"
    return Choice(name=name, seconds=None if size is None else size / BYTES_PER_SECOND[name])
