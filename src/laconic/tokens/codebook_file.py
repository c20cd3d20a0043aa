"""Codebooks as files: one safetensors file each, with JSON in its metadata, and nothing that could run code.

The metadata holds one entry, `laconic`, whose JSON names the format, its version, the bits of a code, what the book was made
from, and a checksum over all of it. A file whose checksum, sizes or contents do not fit is refused whole.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
import xxhash
from safetensors import SafetensorError

from laconic.codec.codebook import Codebook
from laconic.errors import CorruptFileError, FormatVersionError, LaconicError
from laconic.records.files import open_atomic

CODEBOOK_FILE = "codebook.safetensors"
FORMAT = "laconic-codebook"
VERSION = 1
"""Raised whenever an older laconic could not read, or would read other codes from, a new file."""

_MAX_FILE = 1 << 29
_MAX_HEADER = 1 << 20
_TYPES = {"symbols_N": "<u2", "children_N": "<u2", "owners_K": "<u4"}
_ADVICE = "build the tokenizer again"


def write_codebook(book: Codebook, made_from: dict[str, Any], path: Path) -> None:
    """Write a codebook, whole or not at all; equal content gives equal bytes.

    Args:
        book: the codebook.
        made_from: small JSON values; who reads the file compares them with what is wanted.
        path: where to.

    Raises:
        OutputError: the path cannot be written.
    """
    tensors = {name: np.ascontiguousarray(getattr(book, name), dtype) for name, dtype in _TYPES.items()}
    header = {"format": FORMAT, "version": VERSION, "bits": book.bits, "made_from": made_from}
    header["checksum"] = _checksum(header, tensors)
    blob = safetensors.numpy.save(tensors, metadata={"laconic": _canonical(header).decode()})
    with open_atomic(path) as stream:
        stream.write(blob)


def read_codebook(path: Path) -> tuple[Codebook, dict[str, Any]]:
    """A codebook, and what it was made from.

    Raises:
        CorruptFileError: not a codebook, cut short, or altered.
        FormatVersionError: written by a newer laconic.
        LaconicError: the file cannot be read at all.
    """
    try:
        if path.stat().st_size > _MAX_FILE:
            raise CorruptFileError(f"{path} is larger than any codebook ({_MAX_FILE >> 20} MiB): {_ADVICE}")
        blob = path.read_bytes()
    except OSError as error:
        raise LaconicError(f"cannot read the codebook {path}: {error.strerror}; check the path") from error
    header = _read_header(blob, path)
    try:
        tensors = safetensors.numpy.load(blob)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise CorruptFileError(f"{path} is cut short or altered, its tensors do not fit its header: {_ADVICE}") from error
    types = {name: tensor.dtype.newbyteorder("<").str for name, tensor in tensors.items() if tensor.ndim == 1}
    checksum = header.pop("checksum")
    if types != _TYPES or _checksum(header, tensors) != checksum:
        raise CorruptFileError(f"{path} is altered, its content does not have the checksum {checksum!r}: {_ADVICE}")
    try:
        book = Codebook(bits=header["bits"], **tensors)
    except ValueError as error:
        raise CorruptFileError(f"{path} holds no usable codebook ({error}): {_ADVICE}") from error
    made_from: dict[str, Any] = header["made_from"]
    return book, made_from


def _checksum(header: dict[str, Any], tensors: dict[str, np.ndarray]) -> str:
    """Sixteen hex digits over the header without its checksum, and the tensors in the order of their names."""
    digest = xxhash.xxh64(_canonical(header))
    for name, tensor in sorted(tensors.items()):
        digest.update(_canonical({"name": name, "dtype": tensor.dtype.str, "shape": list(tensor.shape)}))
        digest.update(np.ascontiguousarray(tensor).tobytes())
    return digest.hexdigest()


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _read_header(blob: bytes, path: Path) -> dict[str, Any]:
    """The JSON about a codebook, its fields of the right types, from the metadata of a safetensors file."""
    size = int.from_bytes(blob[:8], "little")
    try:
        if len(blob) < 8 or size > min(_MAX_HEADER, len(blob) - 8):
            raise ValueError("the header is longer than the file")
        header = json.loads(json.loads(blob[8 : 8 + size])["__metadata__"]["laconic"])
        if header["format"] != FORMAT or type(header["version"]) is not int:
            raise ValueError("another format")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CorruptFileError(f"{path} is not a codebook of laconic, or is cut short: {_ADVICE}") from error
    if header["version"] != VERSION:
        raise FormatVersionError(
            f"{path} has version {header['version']} of the codebook format, this laconic reads {VERSION}: upgrade it"
        )
    wanted = {"bits": int, "made_from": dict, "checksum": str}
    if not all(type(header.get(name)) is kind for name, kind in wanted.items()):
        raise CorruptFileError(f"{path} lacks part of its header: {_ADVICE}")
    checked: dict[str, Any] = {name: header[name] for name in ("format", "version", *wanted)}
    return checked
