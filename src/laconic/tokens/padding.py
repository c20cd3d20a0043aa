"""Sequences of unlike length as one rectangle, as Hugging Face collators ask for it."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from laconic.errors import missing_extra

Padding = bool | Literal["longest", "max_length", "do_not_pad"]
TensorKind = Literal["np", "pt"] | None

_FILLERS = {"attention_mask": 0, "token_type_ids": 0, "special_tokens_mask": 1}
"""What stands beside padding in the columns that run along with `input_ids`."""


def target_length(lengths: Sequence[int], padding: Padding, max_length: int | None, multiple: int | None) -> int | None:
    """How long all sequences are to become; None where they stay as they are.

    Raises:
        ValueError: `max_length` is asked for but not given.
    """
    if padding in (False, "do_not_pad") or not lengths:
        return None
    length = max(lengths)
    if padding == "max_length":
        if max_length is None:
            raise ValueError("padding is 'max_length', but max_length is not given")
        length = max(length, max_length)
    elif padding not in (True, "longest"):
        raise ValueError(f"padding is {padding!r}, but must be True, False, 'longest', 'max_length' or 'do_not_pad'")
    return -(-length // multiple) * multiple if multiple else length


def pad_columns(
    columns: dict[str, list[list[int]]], length: int | None, pad_id: int, side: Literal["left", "right"]
) -> dict[str, list[Any]]:
    """Fill `input_ids` and the columns that run along with it up to `length`; leave other columns as they are."""
    padded: dict[str, list[Any]] = {}
    for name, rows in columns.items():
        filler = pad_id if name == "input_ids" else _FILLERS.get(name)
        if length is None or filler is None:
            padded[name] = rows
        else:
            missing = [[filler] * (length - len(row)) for row in rows]
            pairs = zip(rows, missing, strict=True)
            padded[name] = [more + row if side == "left" else row + more for row, more in pairs]
    return padded


def gather_columns(features: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Features of examples, as one mapping of columns or one mapping per example, to columns of plain lists."""
    if isinstance(features, Mapping):
        columns = {name: list(rows) for name, rows in features.items()}
    else:
        columns = {name: [feature[name] for feature in features] for name in (features[0] if features else ())}
    return {name: [_plain(row) for row in rows] for name, rows in columns.items()}


def to_tensors(columns: dict[str, Any], kind: TensorKind) -> dict[str, Any]:
    """Turn columns into arrays (`np`) or PyTorch tensors (`pt`) of 64-bit integers where they hold integers.

    Raises:
        ValueError: rows of unlike length, or an unknown kind.
    """
    if kind is None:
        return columns
    if kind not in ("np", "pt"):
        raise ValueError(f"return_tensors is {kind!r}, but must be None, 'np' or 'pt'")
    arrays = {}
    for name, rows in columns.items():
        try:
            arrays[name] = np.asarray(rows)
        except ValueError as error:
            raise ValueError(f"rows of {name} have unlike lengths, which no array can hold: pass padding=True") from error
    if kind == "np":
        return arrays
    try:
        import torch
    except ModuleNotFoundError as error:
        raise missing_extra("torch", "neural", "return_tensors='pt'") from error
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def _plain(row: Any) -> Any:
    """Arrays, tensors and tuples as lists, anything else as it is."""
    if isinstance(row, list | int | float | str) or row is None:
        return row
    return np.asarray(row).tolist()
