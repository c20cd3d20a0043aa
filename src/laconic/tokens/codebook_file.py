"""Codebooks as files: one safetensors file each, with JSON in its metadata, and nothing that could run code.

The metadata holds one entry, `laconic`, whose JSON names the format, its version, the bits of a code, what the book was made
from, and a checksum over all of it. A file whose checksum, sizes or contents do not fit is refused whole.
"""

from pathlib import Path
from typing import Any

import numpy as np

from laconic.codec.codebook import Codebook
from laconic.errors import CorruptFileError
from laconic.records.tensors import TensorFormat, checksum_of, read_tensors, write_tensors

CODEBOOK_FILE = "codebook.safetensors"
FORMAT = "laconic-codebook"
VERSION = 1
"""Raised whenever an older laconic could not read, or would read other codes from, a new file."""

_TYPES = {"symbols_N": "<u2", "children_N": "<u2", "owners_K": "<u4"}
_ADVICE = "build the tokenizer again"
_FORMAT = TensorFormat(
    name=FORMAT,
    version=VERSION,
    fields={"bits": int, "made_from": dict, "checksum": str},
    noun="codebook",
    advice=_ADVICE,
    most_bytes=1 << 29,
)


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
    write_tensors({**header, "checksum": checksum_of(header, tensors)}, tensors, path)


def read_codebook(path: Path) -> tuple[Codebook, dict[str, Any]]:
    """A codebook, and what it was made from.

    Raises:
        CorruptFileError: not a codebook, cut short, or altered.
        FormatVersionError: written by a newer laconic.
        LaconicError: the file cannot be read at all.
    """
    header, tensors = read_tensors(path, _FORMAT)
    types = {name: tensor.dtype.newbyteorder("<").str for name, tensor in tensors.items() if tensor.ndim == 1}
    checksum = header.pop("checksum")
    if types != _TYPES or checksum_of(header, tensors) != checksum:
        raise CorruptFileError(f"{path} is altered, its content does not have the checksum {checksum!r}: {_ADVICE}")
    try:
        book = Codebook(bits=header["bits"], **tensors)
    except ValueError as error:
        raise CorruptFileError(f"{path} holds no usable codebook ({error}): {_ADVICE}") from error
    made_from: dict[str, Any] = header["made_from"]
    return book, made_from
