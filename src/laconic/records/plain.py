"""Values turned into plain JSON: nothing that a reader of any language could not read, and nothing lost in silence."""

import math
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import numpy as np

NOT_FINITE = {"nan", "inf", "-inf"}
"""What `to_plain` calls a number that JSON has no word for."""


def to_plain(value: object, where: str, not_finite: dict[str, str]) -> Any:
    """Copy a value into dictionaries, lists, strings, finite numbers, booleans and None.

    Args:
        value: made of mappings with string keys, sequences, numpy arrays and scalars, paths and plain values.
        where: the dotted name of the value, such as `results`.
        not_finite: receives, for each NaN or infinity, its dotted name and one of `nan`, `inf`, `-inf`; the value itself
            becomes None, since JSON has no such numbers.

    Raises:
        TypeError: something that JSON cannot hold; the message names it.
    """
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if math.isfinite(value):
            return float(value)
        not_finite[where] = "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
        return None
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Mapping):
        return {_key(key, where): to_plain(item, f"{where}.{key}", not_finite) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(item, f"{where}[{index}]", not_finite) for index, item in enumerate(value)]
    raise TypeError(
        f"{where} is a {type(value).__name__}, which JSON cannot hold: give numbers, strings, lists or dictionaries"
    )


def _key(key: object, where: str) -> str:
    if not isinstance(key, str):
        raise TypeError(f"{where} has the key {key!r}, but JSON knows only strings as keys")
    return key
