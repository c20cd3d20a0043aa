"""Exact bits of the coder, for ever: a change here breaks every file and every token ever written."""

import numpy as np

from laconic.codec.arithmetic import Encoder
from laconic.codec.bits import codes_to_tokens
from laconic.codec.windows import END_OF_STREAM, WindowEncoder

COUNTS = [1, 60000, 17, 300, 5000, 2, 200, 16]
EDGES = np.concatenate([[0], np.cumsum(COUNTS)]).astype(np.uint32)
STREAM = [4, 1, 1, 3, 1, 1, 1, 6, 4, 0, 1, 1, 5, 7, 1, 4, 4, 1, 2, 1, 1, 1, 1, 1, 3, 1, 1, 4, 1, 1]


def windows(bits, reading):
    coder = WindowEncoder(1, bits=bits, precision=16, reading=reading)
    codes, start, at = [], 0, 0
    while start < len(STREAM):
        symbol = STREAM[at] if at < len(STREAM) else END_OF_STREAM
        taken = int(coder.advance(EDGES[None], np.array([symbol]))[0])
        if taken:
            codes.append(coder.codes_BL[0].copy())
            start += taken
        at = start if taken else at + 1
    return codes_to_tokens(np.array(codes), bits, 8).astype(np.uint8).tobytes().hex()


def test_a_stream():
    coder = Encoder(1, 16)
    symbols = np.array([STREAM])
    coder.push(EDGES[symbols], EDGES[symbols + 1], np.array([len(STREAM)]))
    [(code, bits)] = coder.finish()
    assert (code.hex(), bits) == ("faaaf19438f66f0f77d28295d8", 101)


WINDOWS = {
    "exact 16": "faa9ffee00000002ff26fffdfed7ea6bd786",
    "exact 24": "faaaf1eb9e0eff2600fffe95ea6b0deb9e35",
    "exact 64": "faaaf19438f66eeffffe951bc5d11fbd",
    "exact 128": "faaaf19438f66f0f77d28295d2b9a5a1",
    "paper 16": "faa0ffe40000d5dffff4fe00ea64eb60",
    "paper 24": "faaae8eb9e08ff2600fffe88ea6b04f00000",
    "paper 64": "faaaf19438f66e00fffe951bc5d40000",
    "paper 128": "faaaf19438f66f0f77d28295d8000000",
    "delay 16": "faa0c4600000d5dffff4fe00d698976840004000",
    "delay 24": "faaae8eb9e08e99a00fffe88d69ebcc80000400000400000",
    "delay 64": "faaaf19438f66e00fffe951bc5d40000",
    "delay 128": "faaaf19438f66f0f77d28295d80000004000000000000000000000000000000040000000000000000000000000000000",
}


def test_windows_of_every_reading_and_size():
    found = {
        f"{reading} {bits}": windows(bits, reading) for reading in ("exact", "paper", "delay") for bits in (16, 24, 64, 128)
    }
    assert found == WINDOWS
