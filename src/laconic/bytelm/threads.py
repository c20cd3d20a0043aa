"""Who multiplies: each thread on its own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_here, _lock = threading.local(), threading.Lock()
_inside, _before = 0, 1


@contextmanager
def single_products() -> Iterator[None]:
    """As long as this lasts, this thread multiplies matrices on its own.

    The matrices of a byte model are small: torch's threads wait for each other longer than they work, and much longer where
    something else runs on the machine. Rows are shared out among threads instead.
    """
    global _inside, _before
    if getattr(_here, "inside", False):
        yield
        return
    with _lock:
        # A thread that torch sees for the first time is told what the others were told last.
        _before = torch.get_num_threads() if not _inside else _before
        _inside += 1
    torch.set_num_threads(1)
    _here.inside = True
    try:
        yield
    finally:
        _here.inside = False
        torch.set_num_threads(_before)
        with _lock:
            _inside -= 1
