"""The sixteen bytes that a file begins with: what it is, and which model at which precision can read it."""

from dataclasses import dataclass

import xxhash

from laconic.bytelm.base import MAX_PRECISION, MIN_PRECISION
from laconic.errors import CorruptFileError, FormatVersionError

MAGIC = b"\x8cLAC"
"""How every file begins. The first byte is no ASCII and starts no UTF-8 character, so no text begins like this."""

VERSION = 1
"""Raised whenever an older laconic could not read a new file. Header and checksum keep their place in every version."""

HEADER_BYTES = 16

_PRECISION_BITS = 0x1F
_SINGLE = 0x80


@dataclass(frozen=True, kw_only=True)
class Header:
    """What a file says of itself before its first block.

    Attributes:
        fingerprint: 64 bits that name the byte model.
        precision: the model's counts sum to `2**precision`; 12 to 24 bits.
        single: the file is this header and one block, and nothing follows.
    """

    fingerprint: int
    precision: int
    single: bool

    def __post_init__(self) -> None:
        if not MIN_PRECISION <= self.precision <= MAX_PRECISION:
            raise ValueError(f"precision is {self.precision}, but must lie between {MIN_PRECISION} and {MAX_PRECISION} bits")
        if not 0 <= self.fingerprint < 1 << 64:
            raise ValueError(f"fingerprint is {self.fingerprint}, but must fit 64 bits")

    def pack(self) -> bytes:
        """The sixteen bytes: magic, version, flags with precision, fingerprint, check."""
        flags = self.precision | (_SINGLE if self.single else 0)
        body = MAGIC + bytes([VERSION, flags]) + self.fingerprint.to_bytes(8, "little")
        return body + short_check(body)


def parse_header(data: bytes) -> Header:
    """Read the first sixteen bytes of a file.

    Args:
        data: at least what there is of them; more is not looked at.

    Raises:
        CorruptFileError: not a file of this kind, cut short, or altered.
        FormatVersionError: a newer laconic wrote it.
    """
    if data[: len(MAGIC)] != MAGIC:
        seen = "is empty" if not data else f"begins with {data[: len(MAGIC)].hex(' ')}"
        raise CorruptFileError(f"this is not a file that laconic compressed: it {seen}, not with {MAGIC.hex(' ')}")
    if len(data) < HEADER_BYTES:
        raise CorruptFileError(f"the file ends after {len(data)} of the {HEADER_BYTES} bytes of its header: fetch it again")
    body, check = data[: HEADER_BYTES - 2], data[HEADER_BYTES - 2 : HEADER_BYTES]
    if short_check(body) != check:
        raise CorruptFileError(
            "the header of the file is damaged: fetch it again, or run laconic decompress --salvage with --model"
        )
    version, flags = body[4], body[5]
    if version != VERSION or flags & ~(_PRECISION_BITS | _SINGLE):
        seen = f"version {version}" if version != VERSION else f"the feature flags {flags >> 5:03b}"
        raise FormatVersionError(f"the file uses {seen} of the format, this laconic reads version {VERSION}: upgrade laconic")
    precision = flags & _PRECISION_BITS
    if not MIN_PRECISION <= precision <= MAX_PRECISION:
        raise CorruptFileError(
            f"the header states a precision of {precision} bits, not {MIN_PRECISION} to {MAX_PRECISION}: fetch the file again"
        )
    return Header(fingerprint=int.from_bytes(body[6:14], "little"), precision=precision, single=bool(flags & _SINGLE))


def guess_header(data: bytes) -> Header | None:
    """What a damaged header seems to have said, or None where it cannot be so. Only salvage may use it."""
    precision = data[5] & _PRECISION_BITS if len(data) >= HEADER_BYTES else 0
    if not MIN_PRECISION <= precision <= MAX_PRECISION:
        return None
    return Header(fingerprint=int.from_bytes(data[6:14], "little"), precision=precision, single=bool(data[5] & _SINGLE))


def short_check(data: bytes) -> bytes:
    """Two bytes that change with nearly every damage: the low half of xxh32 with seed 0, little-endian."""
    return (xxhash.xxh32_intdigest(data) & 0xFFFF).to_bytes(2, "little")
