"""The codecs that people know, beside ours, on the same bytes."""

import bz2
import gzip
import importlib
import importlib.util
import lzma
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, final

import laconic
from laconic.tokens.base import symbols_of
from laconic.tokens.registry import build_tokenizer

_WARM_UP = b"The first call compiles; it is not to be timed. " * 20


@final
@dataclass(frozen=True, kw_only=True)
class Codec:
    """A lossless codec.

    Attributes:
        name: for people, with its level.
        encode: text to code.
        decode: code to text.
    """

    name: str
    encode: Callable[[bytes], bytes]
    decode: Callable[[bytes], bytes]


def find_codecs(training_text: Iterable[bytes]) -> list[Codec]:
    """Every codec on this machine: ours first, then those of Python, then brotli and zstd where they are installed.

    Args:
        training_text: what static arithmetic coding counts its bytes on.
    """
    codecs = [
        Codec(name="laconic default", encode=laconic.compress, decode=laconic.decompress),
        _static_ac(training_text),
        Codec(name="gzip -9", encode=lambda data: gzip.compress(data, 9), decode=gzip.decompress),
        Codec(name="bz2 -9", encode=lambda data: bz2.compress(data, 9), decode=bz2.decompress),
        Codec(name="xz -9e", encode=lambda data: lzma.compress(data, preset=9 | lzma.PRESET_EXTREME), decode=lzma.decompress),
    ]
    if importlib.util.find_spec("brotli"):
        brotli = importlib.import_module("brotli")

        codecs.append(Codec(name="brotli -11", encode=lambda data: brotli.compress(data, quality=11), decode=brotli.decompress))
    if importlib.util.find_spec("zstandard"):
        zstandard = importlib.import_module("zstandard")

        packer, unpacker = zstandard.ZstdCompressor(level=22), zstandard.ZstdDecompressor()
        codecs.append(Codec(name="zstd -22", encode=packer.compress, decode=unpacker.decompress))
    return codecs


def try_codec(codec: Codec, data: bytes) -> dict[str, Any]:
    """Compress, decompress, compare and time: one row of the report's table of codecs."""
    codec.decode(codec.encode(_WARM_UP))
    began = time.perf_counter()
    code = codec.encode(data)
    between = time.perf_counter()
    text = codec.decode(code)
    ended = time.perf_counter()
    return {
        "name": codec.name,
        "compressed_bytes": len(code),
        "bits_per_byte": 8 * len(code) / len(data),
        "encode_mb_per_s": len(data) / 1e6 / (between - began),
        "decode_mb_per_s": len(data) / 1e6 / (ended - between),
        "verified": text == data,
    }


def _static_ac(training_text: Iterable[bytes]) -> Codec:
    tokenizer = build_tokenizer("static-ac", training_text, token_bits=8)

    def encode(data: bytes) -> bytes:
        return tokenizer.encode_batch([symbols_of(data)])[0].astype("uint8").tobytes()

    return Codec(name="static-ac", encode=encode, decode=lambda code: tokenizer.decode_bytes(list(code)))
