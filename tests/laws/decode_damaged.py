"""Damages files that a transformer coded and decodes them, two thousand times; prints how that ended, as JSON.

A process of its own: at run time the tests check the shapes of every function, which costs a model that is asked step by
step far more than its work.
"""

import io
import itertools
import json
import random
import sys

from tests.laws.tiny import tiny_transformer

from laconic.archive.coding import decode_texts
from laconic.archive.frames import parse_frame
from laconic.archive.header import short_check
from laconic.archive.layout import Layout
from laconic.archive.places import find_index
from laconic.archive.stream import decompress
from laconic.archive.writer import compress_stream
from laconic.bytelm.base import AbstractByteLM
from laconic.errors import LaconicError

TIMES = 2000


def likely_text(model: AbstractByteLM, size: int) -> bytes:
    """A text that the model codes in few bits: what comes out of a code of noise."""
    (text,) = decode_texts([random.Random(3).randbytes(size)], [size], model, 16)
    return text


def pack(text: bytes, model: AbstractByteLM, block_bytes: int) -> bytes:
    sink = io.BytesIO()
    layout = Layout(block_bytes=block_bytes, join=False)
    summary = compress_stream(io.BytesIO(text), sink, model=model, precision=16, layout=layout)
    assert summary.kinds["coded"].blocks == summary.blocks
    return sink.getvalue()


def mutate(blob: bytes, starts: tuple[int, ...], dice: random.Random) -> bytes:
    """Payloads changed, bytes inserted or lost, and claims changed with their check made right again."""
    changed = bytearray(blob)
    for _ in range(dice.randint(1, 2)):
        start, stop = dice.choice(list(itertools.pairwise(starts)))
        _, payload = parse_frame(blob, start)
        match dice.randrange(6):
            case 0:
                changed[dice.randrange(start, payload - 2)] = dice.randrange(256)
                changed[payload - 2 : payload] = short_check(bytes(changed[start : payload - 2]))
            case 1:
                place = dice.randrange(len(changed))
                changed[place:place] = dice.randbytes(dice.randint(1, 3))
            case 2:
                del changed[dice.randrange(len(changed)) :][: dice.randint(1, 3)]
            case _:
                changed[dice.randrange(payload, stop)] ^= 1 << dice.randrange(8)
    return bytes(changed)


def main() -> None:
    model, dice = tiny_transformer(), random.Random(12)
    text = likely_text(model, 90)
    blob = pack(text, model, 30)
    index = find_index(io.BytesIO(blob), len(blob))
    assert index is not None and decompress(blob, model) == text
    outcomes = {"same": 0, "other": 0, "refused": 0}
    for _ in range(TIMES):
        try:
            found = decompress(mutate(blob, index.file_offsets, dice), model)
        except LaconicError:
            outcomes["refused"] += 1
        else:
            outcomes["same" if found == text else "other"] += 1
    json.dump(outcomes, sys.stdout)


if __name__ == "__main__":
    main()
