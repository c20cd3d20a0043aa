"""Blocks through the byte model: many at once, each on its own, so that no block's bytes depend on its neighbours."""

import itertools
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np

from laconic.bytelm.base import AbstractByteLM, CountFormat, pad_rows, share_rows
from laconic.codec.arithmetic import Decoder, Encoder

MAX_ROWS = 512
"""How many blocks are worked on together at most: a session may need kilobytes for each."""

_STEPS_PER_REPORT = 32

_FEWEST_AT_ONCE, _MOST_AT_ONCE = 1 << 15, 1 << 20
"""How many symbols are predicted in one call of the model: for each it returns eight bytes, and needs more itself."""

_SECONDS_AT_ONCE = 0.5
"""How long one call is to take, so that a report comes now and then. How texts share calls changes no code."""


def encode_texts(
    texts: Sequence[bytes], model: AbstractByteLM, precision: int, report: Callable[[float], None] | None = None
) -> list[bytes]:
    """The arithmetic code of each text, predicted from an empty context.

    Args:
        texts: best of nearly equal length.
        model: who predicts.
        precision: counts sum to `2**precision`.
        report: told now and then which part of the work, 0 to 1, is done.

    Returns:
        One code for each text, in their order; no shorter bit string would do.
    """
    longest, threads = max(1, max(map(len, texts), default=0)), numba.get_num_threads()
    codes, at_once = list[bytes](), _FEWEST_AT_ONCE
    while len(codes) < len(texts):
        # As many for each thread, for models share out rows.
        rows, began = threads * max(1, at_once // longest // threads), time.perf_counter()
        codes += _encode_together(texts[len(codes) : len(codes) + rows], model, precision)
        quick = time.perf_counter() - began < _SECONDS_AT_ONCE
        at_once = min(2 * at_once, _MOST_AT_ONCE) if quick else max(at_once // 2, _FEWEST_AT_ONCE)
        if report is not None:
            report(len(codes) / len(texts))
    return codes


def _encode_together(texts: Sequence[bytes], model: AbstractByteLM, precision: int) -> list[bytes]:
    symbols_BT, lengths_B = pad_rows([np.frombuffer(text, np.uint8) for text in texts])
    starts_BT, stops_BT = model.ranges(symbols_BT, lengths_B, CountFormat(precision=precision, eos=False))
    encoder = Encoder(len(texts), precision)
    encoder.push(starts_BT, stops_BT, lengths_B)
    return [code for code, _ in encoder.finish()]


def decode_texts(
    codes: Sequence[bytes],
    lengths: Sequence[int],
    model: AbstractByteLM,
    precision: int,
    report: Callable[[float], None] | None = None,
) -> list[bytes]:
    """Invert `encode_texts`; any bytes decode to something, so the caller checks what it gets.

    Args:
        codes: at most `MAX_ROWS`.
        lengths: how many bytes of text each holds.
        model: the one that encoded.
        precision: the one that was used.
        report: told now and then which part of the work, 0 to 1, is done.
    """
    threads = model.threads_for(len(codes))
    stopped = threading.Event()

    def work(part: slice, report: Callable[[float], None] | None) -> list[bytes]:
        return _decode_together(codes[part], lengths[part], model, precision, report, stopped)

    own, *others = share_rows(len(codes), threads)
    with ThreadPoolExecutor(threads) as pool:
        try:
            running = [pool.submit(work, part, None) for part in others]
            return [*work(own, report), *itertools.chain.from_iterable(part.result() for part in running)]
        except BaseException:
            # An interruption reaches this thread alone, and would wait for the others to end.
            stopped.set()
            raise


def _decode_together(
    codes: Sequence[bytes],
    lengths: Sequence[int],
    model: AbstractByteLM,
    precision: int,
    report: Callable[[float], None] | None,
    stopped: threading.Event,
) -> list[bytes]:
    """Texts of one session; unfinished ones, once `stopped` is set."""
    lengths_B = np.array(lengths, np.int64)
    steps = int(lengths_B.max(initial=0))
    texts_TB = np.zeros((steps, len(codes)), np.uint8)
    decoder = Decoder(codes, precision)
    session = model.start(len(codes), CountFormat(precision=precision, eos=False))
    for step in range(steps):
        if stopped.is_set():
            break
        symbols_B = decoder.pull(session.cumulative(), step < lengths_B)
        texts_TB[step] = symbols_B
        session.append(symbols_B)
        if report is not None and step % _STEPS_PER_REPORT == 0:
            report(step / steps)
    return [texts_TB[:length, row].tobytes() for row, length in enumerate(lengths)]
