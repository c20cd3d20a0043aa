"""How annotations are checked while tests run."""

from collections.abc import Callable
from typing import Any

import beartype
import beartype.typing

# As type checkers do: an int may stand where a float is asked for. Only `Self` is let through unchecked, since beartype
# knows it in whole classes alone and the hook decorates methods.
_check: Callable[[Any], Any] = beartype.beartype(
    conf=beartype.BeartypeConf(
        is_pep484_tower=True,
        hint_overrides=beartype.FrozenDict({beartype.typing.Self: beartype.typing.Any}),  # type: ignore[attr-defined]
    )
)


def check(function: Any) -> Any:
    """Check all calls of a function; not one inside another, which would be wrapped anew whenever that one is called."""
    return function if "<locals>" in getattr(function, "__qualname__", "") else _check(function)
