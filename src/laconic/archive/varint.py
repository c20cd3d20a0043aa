"""Whole numbers in as few bytes as they need: seven bits each, least significant first, and one way to write each."""

from laconic.errors import CorruptFileError

MAX_NUMBER = (1 << 63) - 1
"""The largest number a file may state; no size or offset comes near it."""

_MAX_BYTES = 9


def write_number(value: int) -> bytes:
    """A number from 0 to `MAX_NUMBER` as 1 to 9 bytes: all but the last have their top bit set.

    Examples:
        >>> write_number(300).hex()
        'ac02'
    """
    if not 0 <= value <= MAX_NUMBER:
        raise ValueError(f"value is {value}, but must lie between 0 and 2**63 - 1")
    written = bytearray()
    while value > 127:
        written.append(128 | (value & 127))
        value >>= 7
    written.append(value)
    return bytes(written)


def read_number(data: bytes, offset: int) -> tuple[int, int]:
    """Invert `write_number`.

    Args:
        data: bytes that hold the number somewhere.
        offset: where it begins.

    Returns:
        The number, and the offset of what follows.

    Raises:
        CorruptFileError: the data end too early, or the number is longer than it needs to be or than is allowed.
    """
    value = 0
    for place, byte in enumerate(data[offset : offset + _MAX_BYTES]):
        value |= (byte & 127) << (7 * place)
        if byte < 128:
            if byte == 0 and place > 0:
                raise CorruptFileError("a number is written longer than it needs to be")
            return value, offset + place + 1
    if len(data) - offset >= _MAX_BYTES:
        raise CorruptFileError("a number is longer than any size or offset")
    raise CorruptFileError("the data end in the middle of a number")
