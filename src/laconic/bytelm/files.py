"""Byte models as files: one safetensors file each, with JSON in its metadata, and nothing that could run code.

The metadata holds one entry, `laconic`, whose JSON names the format, its version, the kind of model, its config, a
description and a checksum. A file whose checksum, sizes or names do not fit is refused whole.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
import xxhash
from safetensors import SafetensorError

from laconic.errors import CorruptFileError, FormatVersionError, LaconicError
from laconic.records.files import open_atomic

FORMAT = "laconic-bytelm"
VERSION = 1
"""Raised whenever an older laconic could not read, or would read other counts from, a new file."""

_MAX_FILE = 1 << 30
_MAX_HEADER = 1 << 20
_ADVICE = "fetch or train the model again"


@dataclass(frozen=True, kw_only=True)
class ModelFile:
    """The content of a model file.

    Attributes:
        kind: which class reads it, such as `ngram`.
        config: small JSON values that the counts depend on.
        description: words for people; no count depends on them.
        tensors: named arrays, little-endian.
    """

    kind: str
    config: dict[str, Any]
    description: str
    tensors: dict[str, np.ndarray]

    @property
    def fingerprint(self) -> int:
        """xxh64 of all that the counts depend on: format version, kind, config and tensors in the order of their names."""
        digest = xxhash.xxh64(_canonical({"format": FORMAT, "version": VERSION, "kind": self.kind, "config": self.config}))
        for name, tensor in sorted(self.tensors.items()):
            digest.update(_canonical({"name": name, "dtype": tensor.dtype.str, "shape": list(tensor.shape)}))
            digest.update(np.ascontiguousarray(tensor).tobytes())
        return digest.intdigest()

    @property
    def checksum(self) -> str:
        """Sixteen hex digits over everything, the description included."""
        return xxhash.xxh64_hexdigest(_canonical({"fingerprint": self.fingerprint, "description": self.description}))


def write_model_file(file: ModelFile, path: Path | str) -> None:
    """Write a model file, whole or not at all; equal content gives equal bytes.

    Raises:
        OutputError: the path cannot be written.
    """
    header = {"format": FORMAT, "version": VERSION, "kind": file.kind, "config": file.config}
    header |= {"description": file.description, "checksum": file.checksum}
    blob = safetensors.numpy.save(
        {name: np.ascontiguousarray(tensor) for name, tensor in sorted(file.tensors.items())},
        metadata={"laconic": _canonical(header).decode()},
    )
    with open_atomic(path) as stream:
        stream.write(blob)


def read_model_file(path: Path | str) -> ModelFile:
    """Read and check a model file.

    Raises:
        CorruptFileError: not a model file, cut short, or altered.
        FormatVersionError: written by a newer laconic.
        LaconicError: the file cannot be read at all.
    """
    path = Path(path)
    try:
        if path.stat().st_size > _MAX_FILE:
            raise CorruptFileError(f"{path} is larger than any byte model ({_MAX_FILE >> 20} MiB): name a model file")
        blob = path.read_bytes()
    except OSError as error:
        raise LaconicError(f"cannot read the byte model {path}: {error.strerror}; check the path") from error
    header = _read_header(blob, path)
    try:
        tensors = safetensors.numpy.load(blob)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise CorruptFileError(f"{path} is cut short or altered, its tensors do not fit its header: {_ADVICE}") from error
    file = ModelFile(kind=header["kind"], config=header["config"], description=header["description"], tensors=tensors)
    if file.checksum != header["checksum"]:
        raise CorruptFileError(f"{path} is altered, its content does not have the checksum {header['checksum']!r}: {_ADVICE}")
    return file


def take_tensor(file: ModelFile, name: str, dtype: np.dtype[Any], shape: tuple[int | None, ...]) -> np.ndarray:
    """A tensor of a model file, if it is what the model needs.

    Args:
        shape: the length of each axis, None where any will do.

    Raises:
        CorruptFileError: it is missing, or has another type or shape.
    """
    tensor = file.tensors.get(name)
    fits = (
        tensor is not None
        and tensor.dtype == dtype
        and len(tensor.shape) == len(shape)
        and all(wanted in (None, length) for length, wanted in zip(tensor.shape, shape, strict=True))
    )
    if tensor is None or not fits:
        seen = "nothing" if tensor is None else f"{tensor.dtype} of shape {tensor.shape}"
        raise CorruptFileError(
            f"a {file.kind} model needs the tensor {name!r} as {dtype} of shape {shape}, not {seen}: {_ADVICE}"
        )
    return tensor


def parse_fingerprint(value: object) -> int:
    """A fingerprint from its sixteen hex digits.

    Raises:
        CorruptFileError: it is none.
    """
    if isinstance(value, str) and len(value) == 16 and set(value) <= set("0123456789abcdef"):
        return int(value, 16)
    raise CorruptFileError(f"this model names another one by {value!r}, which is no fingerprint: {_ADVICE}")


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _read_header(blob: bytes, path: Path) -> dict[str, Any]:
    """The JSON about a model, its fields of the right types, from the metadata of a safetensors file."""
    size = int.from_bytes(blob[:8], "little")
    try:
        if len(blob) < 8 or size > min(_MAX_HEADER, len(blob) - 8):
            raise ValueError("the header is longer than the file")
        header = json.loads(json.loads(blob[8 : 8 + size])["__metadata__"]["laconic"])
        if header["format"] != FORMAT or type(header["version"]) is not int:
            raise ValueError("another format")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CorruptFileError(f"{path} is not a byte model of laconic, or is cut short: {_ADVICE}") from error
    if header["version"] != VERSION:
        raise FormatVersionError(
            f"{path} has version {header['version']} of the model format, this laconic reads {VERSION}: upgrade it"
        )
    wanted = {"kind": str, "config": dict, "description": str, "checksum": str}
    if not all(type(header.get(name)) is kind for name, kind in wanted.items()):
        raise CorruptFileError(f"{path} lacks part of its header: {_ADVICE}")
    checked: dict[str, Any] = header
    return checked
