"""Byte models as files: one safetensors file each, with JSON in its metadata, and nothing that could run code.

The metadata holds one entry, `laconic`, whose JSON names the format, its version, the kind of model, its config, a
description and a checksum. A file whose checksum, sizes or names do not fit is refused whole.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from laconic.errors import CorruptFileError
from laconic.records.tensors import TensorFormat, checksum_of, read_tensors, write_tensors

FORMAT = "laconic-bytelm"
VERSION = 1
"""Raised whenever an older laconic could not read, or would read other counts from, a new file."""

_ADVICE = "fetch or train the model again"
_FORMAT = TensorFormat(
    name=FORMAT,
    version=VERSION,
    fields={"kind": str, "config": dict, "description": str, "checksum": str},
    noun="byte model",
    advice=_ADVICE,
    most_bytes=1 << 30,
)


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
        about = {"format": FORMAT, "version": VERSION, "kind": self.kind, "config": self.config}
        return int(checksum_of(about, self.tensors), 16)

    @property
    def checksum(self) -> str:
        """Sixteen hex digits over everything, the description included."""
        return checksum_of({"fingerprint": self.fingerprint, "description": self.description}, {})


def write_model_file(file: ModelFile, path: Path | str) -> None:
    """Write a model file, whole or not at all; equal content gives equal bytes.

    Raises:
        OutputError: the path cannot be written.
    """
    header = {"format": FORMAT, "version": VERSION, "kind": file.kind, "config": file.config}
    header |= {"description": file.description, "checksum": file.checksum}
    write_tensors(header, file.tensors, path)


def read_model_file(path: Path | str) -> ModelFile:
    """Read and check a model file.

    Raises:
        CorruptFileError: not a model file, cut short, or altered.
        FormatVersionError: written by a newer laconic.
        LaconicError: the file cannot be read at all.
    """
    header, tensors = read_tensors(path, _FORMAT)
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
