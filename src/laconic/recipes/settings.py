"""Frozen configurations as flat keys: listed, changed by `key=value`, and turned into JSON and back.

A key is dotted where configurations are nested, such as `loop.schedule.peak`. Values are read by the type of their field.
"""

import contextlib
import dataclasses
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from laconic.errors import CorruptFileError, UsageError

Config = TypeVar("Config")

_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def list_settings(config: Any) -> dict[str, Any]:
    """Every key of a configuration with its value, in the order of the fields."""
    return dict(_walk(config, ""))


def apply_settings(config: Config, assignments: Sequence[str]) -> Config:
    """Change a configuration by `key=value` words; whether they go together is asked of all of them at once.

    Args:
        config: a frozen dataclass, perhaps holding others.
        assignments: such as `size=1m` or `loop.schedule.peak=0.003`; later ones win.

    Raises:
        UsageError: a word without `=`, an unknown key, or a value that the field does not take.

    Examples:
        >>> from laconic.training.schedule import ScheduleConfig
        >>> apply_settings(ScheduleConfig(), ["peak=0.01"]).peak
        0.01
    """
    changes: dict[str, Any] = {}
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if not equals:
            raise UsageError(f"the setting {assignment!r} has no value: write it as key=value")
        with _refusing([f"{key.strip()}={value.strip()}"]):
            _note(changes, config, key.strip(), value.strip())
    with _refusing(assignments):
        return changed(config, changes)


def changed(config: Config, changes: Mapping[str, Any]) -> Config:
    """A configuration with other values.

    Args:
        config: a frozen dataclass, perhaps holding others.
        changes: values by their fields; of a field that is a configuration, the changes of that.

    Raises:
        TypeError: a field that does not exist, or a value of another type.
        ValueError: changes within something that is no configuration, or values that a configuration refuses.
    """
    values = dict(changes)
    for name, value in changes.items():
        if isinstance(value, Mapping):
            inner = getattr(config, name, None)
            if not dataclasses.is_dataclass(inner):
                raise ValueError(f"{name} is {value}, but there is no setting {name!r} with settings of its own")
            values[name] = changed(inner, value)
    made: Config = dataclasses.replace(config, **checked(type(config), values))  # type: ignore[type-var]
    return made


def checked(kind: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values for the fields of a configuration, of the types of these: lists become tuples, and whole numbers any numbers.

    Args:
        kind: the configuration's class.
        values: by their fields; of one that is a configuration, that or the values of its own.

    Raises:
        TypeError: a field that does not exist, or a value of another type.
    """
    types_by_name = typing.get_type_hints(kind)
    if unknown := values.keys() - types_by_name.keys():
        raise TypeError(f"there is no setting {', '.join(sorted(unknown))}")
    return {name: _restore(types_by_name[name], value, name) for name, value in values.items()}


def to_plain(config: Any) -> dict[str, Any]:
    """A configuration as JSON can hold it."""
    return {
        field.name: to_plain(value) if dataclasses.is_dataclass(value) else list(value) if isinstance(value, tuple) else value
        for field in dataclasses.fields(config)
        for value in [getattr(config, field.name)]
    }


def from_plain(kind: type[Config], values: Mapping[str, Any], *, name: str) -> Config:
    """Build a configuration from what `to_plain` returned.

    Args:
        kind: its class.
        values: JSON values, not yet trusted.
        name: where they came from, for the error message.

    Raises:
        CorruptFileError: keys or values that this class does not have.
    """
    try:
        built: Config = kind(**checked(kind, values))
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise CorruptFileError(f"{name} holds no configuration of this recipe ({error}): start the run afresh") from error
    return built


def _walk(config: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            yield from _walk(value, f"{prefix}{field.name}.")
        else:
            yield prefix + field.name, value


@contextlib.contextmanager
def _refusing(assignments: Sequence[str]) -> Iterator[None]:
    try:
        yield
    except (ValueError, OverflowError) as error:
        words = "the setting" if len(assignments) == 1 else "one of the settings"
        raise UsageError(f"{words} {' '.join(assignments)} is refused ({error}): choose another value") from error


def _note(changes: dict[str, Any], config: Any, key: str, value: str) -> None:
    """Add a value to the changes of a configuration, which are nested as it is."""
    if key not in list_settings(config):
        raise UsageError(f"there is no setting {key!r}: choose one of {', '.join(list_settings(config))}")
    *path, last = key.split(".")
    inner, within = config, changes
    for name in path:
        inner, within = getattr(inner, name), within.setdefault(name, {})
    within[last] = _parse(typing.get_type_hints(type(inner))[last], value)


def _parse(kind: Any, value: str) -> Any:
    if isinstance(kind, types.UnionType):
        return None if value.lower() in ("none", "") else _parse(_without_none(kind), value)
    if kind is bool:
        if value.lower() not in _WORDS:
            raise ValueError(f"{value!r} is neither true nor false")
        return _WORDS[value.lower()]
    if kind is int:
        return _parse_int(value)
    if kind is float:
        return float(value)
    if typing.get_origin(kind) is tuple:
        return tuple(_parse(typing.get_args(kind)[0], part.strip()) for part in value.split(",") if part.strip())
    return value


def _parse_int(value: str) -> int:
    number = float(value.replace("_", "")) if "e" in value.lower() else int(value)
    if number != int(number):
        raise ValueError(f"{value!r} is not a whole number")
    return int(number)


def _restore(kind: Any, value: Any, name: str) -> Any:
    if isinstance(kind, types.UnionType):
        return None if value is None else _restore(_without_none(kind), value, name)
    nested, plain = dataclasses.is_dataclass(kind), kind in (bool, int, float, str)
    if nested and isinstance(value, (Mapping, kind)):
        return kind(**checked(kind, value if isinstance(value, Mapping) else vars(value)))
    if typing.get_origin(kind) is tuple and isinstance(value, tuple | list):
        return tuple(_restore(typing.get_args(kind)[0], part, name) for part in value)
    if kind is float and type(value) is int:
        return float(value)
    if not plain or not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise TypeError(f"{name} is {value!r}, but must be of type {kind.__name__}")
    return value


def _without_none(kind: Any) -> Any:
    return next(part for part in typing.get_args(kind) if part is not types.NoneType)
