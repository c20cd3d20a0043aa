"""Frozen configurations as flat keys: listed, changed by `key=value`, and turned into JSON and back.

A key is dotted where configurations are nested, such as `loop.schedule.peak`. Values are read by the type of their field.
"""

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
    """Change a configuration by `key=value` words.

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
    changed: Any = config
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if not equals:
            raise UsageError(f"the setting {assignment!r} has no value: write it as key=value")
        changed = _change(changed, key.strip().split("."), value.strip(), key.strip(), list(list_settings(config)))
    result: Config = changed
    return result


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
        built: Config = _build(kind, values)
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


def _change(config: Any, path: Sequence[str], value: str, key: str, known: Sequence[str]) -> Any:
    head, rest = path[0], path[1:]
    types_by_name = typing.get_type_hints(type(config))
    inner = getattr(config, head) if head in types_by_name else None
    if head not in types_by_name or bool(rest) != dataclasses.is_dataclass(inner):
        raise UsageError(f"there is no setting {key!r}: choose one of {', '.join(known)}")
    try:
        new = _change(inner, rest, value, key, known) if rest else _parse(types_by_name[head], value)
        return dataclasses.replace(config, **{head: new})
    except (ValueError, OverflowError) as error:
        raise UsageError(f"the setting {key}={value} is refused ({error}): choose another value") from error


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


def _build(kind: Any, values: Mapping[str, Any]) -> Any:
    types_by_name = typing.get_type_hints(kind)
    return kind(**{key: _restore(types_by_name[key], value) for key, value in values.items()})


def _restore(kind: Any, value: Any) -> Any:
    if dataclasses.is_dataclass(kind):
        return _build(kind, value)
    if isinstance(kind, types.UnionType):
        return None if value is None else _restore(_without_none(kind), value)
    if typing.get_origin(kind) is tuple:
        return tuple(_restore(typing.get_args(kind)[0], part) for part in value)
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise TypeError(f"{value!r} is not of type {kind.__name__}")
    return value


def _without_none(kind: Any) -> Any:
    return next(part for part in typing.get_args(kind) if part is not types.NoneType)
