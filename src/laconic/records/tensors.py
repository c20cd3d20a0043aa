"""Tensors in a file: one safetensors file, with JSON about them in its metadata, and nothing that could run code.

The metadata holds one entry, `laconic`. Its JSON names the format and its version, and holds what the format keeps beside
its tensors. A file whose sizes or fields do not fit is refused whole. What the checksum covers is the format's business:
who reads a file makes it with `checksum_of` and compares.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
import xxhash
from safetensors import SafetensorError

from laconic.errors import CorruptFileError, FormatVersionError, LaconicError
from laconic.records.files import open_atomic

_MAX_HEADER = 1 << 20


@dataclass(frozen=True, kw_only=True)
class TensorFormat:
    """One kind of file.

    Attributes:
        name: the entry `format` of its header.
        version: the entry `version`, the one that is read.
        fields: the other entries that its header must have, each with its type, exactly.
        noun: what people call such a file, such as `codebook`.
        advice: how to get a sound one, as the end of a sentence.
        most_bytes: larger files are refused before they are read.
    """

    name: str
    version: int
    fields: Mapping[str, type]
    noun: str
    advice: str
    most_bytes: int


def write_tensors(header: dict[str, Any], tensors: dict[str, np.ndarray], path: Path | str) -> None:
    """Write a file, whole or not at all; equal content gives equal bytes.

    Args:
        header: `format`, `version` and the format's own entries: JSON values.
        tensors: named arrays, little-endian.
        path: where to.

    Raises:
        OutputError: the path cannot be written.
    """
    blob = safetensors.numpy.save(
        {name: np.ascontiguousarray(tensor) for name, tensor in sorted(tensors.items())},
        metadata={"laconic": _canonical(header).decode()},
    )
    with open_atomic(path) as stream:
        stream.write(blob)


def read_tensors(path: Path | str, form: TensorFormat) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The header of a file, without entries that the format does not know, and its tensors. No checksum is compared.

    Raises:
        CorruptFileError: another kind of file, or one that is too large, cut short or altered.
        FormatVersionError: another version of the format.
        LaconicError: the file cannot be read at all.
    """
    path = Path(path)
    try:
        if path.stat().st_size > form.most_bytes:
            raise CorruptFileError(f"{path} is larger than any {form.noun} ({form.most_bytes >> 20} MiB): {form.advice}")
        blob = path.read_bytes()
    except OSError as error:
        raise LaconicError(f"cannot read the {form.noun} {path}: {error.strerror}; check the path") from error
    header = _read_header(blob, path, form)
    try:
        tensors = safetensors.numpy.load(blob)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise CorruptFileError(f"{path} is cut short or altered, its tensors do not fit its header: {form.advice}") from error
    return header, tensors


def checksum_of(value: Any, tensors: dict[str, np.ndarray]) -> str:
    """The xxh64, in sixteen hex digits, of a JSON value and then of tensors, in the order of their names."""
    digest = xxhash.xxh64(_canonical(value))
    for name, tensor in sorted(tensors.items()):
        digest.update(_canonical({"name": name, "dtype": tensor.dtype.str, "shape": list(tensor.shape)}))
        digest.update(np.ascontiguousarray(tensor).tobytes())
    return digest.hexdigest()


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _read_header(blob: bytes, path: Path, form: TensorFormat) -> dict[str, Any]:
    """The JSON in the metadata of a safetensors file, its entries of the right types."""
    size = int.from_bytes(blob[:8], "little")
    try:
        if len(blob) < 8 or size > min(_MAX_HEADER, len(blob) - 8):
            raise ValueError("the header is longer than the file")
        header = json.loads(json.loads(blob[8 : 8 + size])["__metadata__"]["laconic"])
        if header["format"] != form.name or type(header["version"]) is not int:
            raise ValueError("another format")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CorruptFileError(f"{path} is not a {form.noun} of laconic, or is cut short: {form.advice}") from error
    if header["version"] != form.version:
        raise FormatVersionError(
            f"{path} has version {header['version']} of the {form.noun} format, this laconic reads {form.version}: upgrade it"
        )
    if not all(type(header.get(name)) is kind for name, kind in form.fields.items()):
        raise CorruptFileError(f"{path} lacks part of its header: {form.advice}")
    return {name: header[name] for name in ("format", "version", *form.fields)}
