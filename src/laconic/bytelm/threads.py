"""Who multiplies: each thread on its own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_entered, _before, _lock = 0, 1, threading.Lock()


@contextmanager
def single_products() -> Iterator[None]:
    """As long as this lasts, every thread multiplies matrices on its own.

    The matrices of a byte model are small: torch's threads wait for each other longer than they work, and much longer where
    something else runs on the machine. Rows are shared out among threads instead.
    """
    global _entered, _before
    with _lock:
        if not _entered:
            _before = torch.get_num_threads()
        _entered += 1
        torch.set_num_threads(1)
    try:
        yield
    finally:
        with _lock:
            _entered -= 1
            if not _entered:
                torch.set_num_threads(_before)
