"""Bits, bytes and tokens: cutting a stream of bits into tokens of 8 or 16, big-endian, and joining it again.

Tokens may cross the borders of windows. The last one is filled with zero bits; since a window is never shorter than a
token, the number of windows follows from the number of tokens.
"""

import numpy as np
from jaxtyping import Int32, UInt8, UInt64

from laconic.errors import CorruptFileError

TOKEN_BITS = (8, 16)


def check_token_bits(token_bits: int) -> None:
    """Refuse with a `ValueError` tokens that have neither 8 nor 16 bits."""
    if token_bits not in TOKEN_BITS:
        raise ValueError(f"token_bits is {token_bits}, but tokens have 8 or 16 bits")


def bytes_to_tokens(data: bytes, token_bits: int) -> Int32[np.ndarray, "N"]:
    """Cut bytes into tokens; with 16 bits an odd last byte is followed by a zero byte."""
    check_token_bits(token_bits)
    padded = data + b"\0" * (-len(data) % (token_bits // 8))
    return np.frombuffer(padded, f">u{token_bits // 8}").astype(np.int32)


def tokens_to_bytes(tokens: Int32[np.ndarray, "N"], token_bits: int) -> bytes:
    """Join tokens to bytes.

    Raises:
        CorruptFileError: a token that does not fit its bits.
    """
    check_token_bits(token_bits)
    if tokens.size and not 0 <= tokens.min() <= tokens.max() < 1 << token_bits:
        raise CorruptFileError(f"a token lies outside 0 to {(1 << token_bits) - 1}: these ids are not text of this tokenizer")
    return tokens.astype(f">u{token_bits // 8}").tobytes()


def codes_to_tokens(codes_NL: UInt64[np.ndarray, "N 2"], window_bits: int, token_bits: int) -> Int32[np.ndarray, "M"]:
    """Join the codes of windows to one stream of bits, and cut it into tokens.

    Args:
        codes_NL: the code of each window as high and low 64 bits.
        window_bits: how many of these bits a window has.
        token_bits: 8 or 16.
    """
    rows_N16 = codes_NL.astype(">u8").view(np.uint8).reshape(-1, 16)
    if window_bits % 8 == 0:
        data = rows_N16[:, 16 - window_bits // 8 :].tobytes()
    else:
        bits_NW = np.unpackbits(rows_N16, axis=1)[:, 128 - window_bits :]
        data = np.packbits(bits_NW.reshape(-1)).tobytes()
    return bytes_to_tokens(data, token_bits)


def tokens_to_codes(tokens: Int32[np.ndarray, "M"], window_bits: int, token_bits: int) -> UInt64[np.ndarray, "N 2"]:
    """Invert `codes_to_tokens`.

    Raises:
        CorruptFileError: a token that does not fit its bits, or bits behind the last whole window that are not zero.
    """
    data = np.frombuffer(tokens_to_bytes(tokens, token_bits), np.uint8)
    windows = data.size * 8 // window_bits
    if _has_bits_beyond(data, windows * window_bits) or data.size * 8 - windows * window_bits >= token_bits:
        raise CorruptFileError(
            f"{tokens.size} tokens of {token_bits} bits do not end with a window of {window_bits} bits: some are missing"
        )
    if window_bits % 8 == 0:
        size = window_bits // 8
        rows_N16 = np.zeros((windows, 16), np.uint8)
        rows_N16[:, 16 - size :] = data[: windows * size].reshape(windows, size)
    else:
        bits_N128 = np.zeros((windows, 128), np.uint8)
        bits_N128[:, 128 - window_bits :] = np.unpackbits(data)[: windows * window_bits].reshape(windows, window_bits)
        rows_N16 = np.packbits(bits_N128, axis=1)
    return rows_N16.view(">u8").astype(np.uint64).reshape(windows, 2)


def short_codes_to_tokens(codes_N: Int32[np.ndarray, "N"], window_bits: int, token_bits: int) -> Int32[np.ndarray, "M"]:
    """`codes_to_tokens` for windows of at most 31 bits; quick where a window has a whole number of tokens."""
    if window_bits % token_bits:
        codes_N2 = np.stack([np.zeros_like(codes_N), codes_N], axis=1).astype(np.uint64)
        return codes_to_tokens(codes_N2, window_bits, token_bits)
    tokens_NP = np.empty((codes_N.size, window_bits // token_bits), np.int32)
    for part in range(tokens_NP.shape[1]):
        tokens_NP[:, part] = codes_N >> (window_bits - (part + 1) * token_bits) & ((1 << token_bits) - 1)
    return tokens_NP.reshape(-1)


def tokens_to_short_codes(tokens: Int32[np.ndarray, "M"], window_bits: int, token_bits: int) -> Int32[np.ndarray, "N"]:
    """Invert `short_codes_to_tokens`; tokens must fit their bits.

    Raises:
        CorruptFileError: some tokens are missing.
    """
    parts, rest = divmod(window_bits, token_bits)
    if rest or tokens.size % parts:
        return tokens_to_codes(tokens, window_bits, token_bits)[:, 1].astype(np.int32)
    tokens_NP = tokens.reshape(-1, parts)
    codes_N = np.zeros(len(tokens_NP), np.int32)
    for part in range(parts):
        codes_N = codes_N << token_bits | tokens_NP[:, part]
    return codes_N


def _has_bits_beyond(data: UInt8[np.ndarray, "K"], count: int) -> bool:
    """Whether any bit from bit `count` on is set."""
    whole, rest = divmod(count, 8)
    tail = data[whole:].copy()
    if rest:
        tail[0] &= 255 >> rest
    return bool(tail.any())
