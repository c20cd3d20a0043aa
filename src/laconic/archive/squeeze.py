"""LZMA2 without a container: the way of coding for text that repeats itself more than the byte model can see.

The decoder needs one setting, the size of the dictionary, which is fixed; everything else stands in the payload.
"""

import lzma

from laconic.archive.frames import MAX_TEXT
from laconic.errors import CorruptFileError

_DICTIONARY = MAX_TEXT["xz"]
_SMALLEST_DICTIONARY = 4096
_QUICK, _THOROUGH = 0, 6
_PROBE_MARGIN = 1.4
"""A quick pass was never seen to miss what a thorough one finds by more than this."""


def squeeze(text: bytes, below: int) -> bytes | None:
    """The LZMA2 code of a text, if it is short enough.

    A quick pass goes first, and the thorough one is spared where it has no prospect of getting `below`.

    Args:
        text: 1 to 4 MiB.
        below: the code must be shorter than so many bytes.

    Returns:
        The code, or None.
    """
    probe = _pack(text, _QUICK)
    if len(probe) >= min(len(text), below * _PROBE_MARGIN):
        return None
    code = min(_pack(text, _THOROUGH), probe, key=len)
    return code if len(code) < below else None


def expand(code: bytes, text_length: int) -> bytes:
    """Invert `squeeze`, in memory bounded by the claimed length.

    Raises:
        CorruptFileError: not a code of exactly so many bytes.
    """
    decoder = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": _DICTIONARY}])
    try:
        text = decoder.decompress(code, max_length=text_length + 1)
        if not decoder.eof and len(text) == text_length:
            text += decoder.decompress(b"", max_length=1)
    except (lzma.LZMAError, EOFError) as error:
        raise CorruptFileError("its LZMA2 code is damaged") from error
    if len(text) != text_length or not decoder.eof or decoder.unused_data:
        raise CorruptFileError("its LZMA2 code does not hold as many bytes as the frame claims")
    return text


def _pack(text: bytes, preset: int) -> bytes:
    dictionary = max(_SMALLEST_DICTIONARY, 1 << (len(text) - 1).bit_length())
    filters = [{"id": lzma.FILTER_LZMA2, "preset": preset, "pb": 0, "dict_size": min(dictionary, _DICTIONARY)}]
    return lzma.compress(text, lzma.FORMAT_RAW, filters=filters)
