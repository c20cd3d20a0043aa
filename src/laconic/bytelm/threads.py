"""Who multiplies: each thread on its own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_here = threading.local()
_of_main = 1


@contextmanager
def single_products() -> Iterator[None]:
    """As long as this lasts, this thread, and each that it starts meanwhile, multiplies matrices on its own.

    The matrices of a byte model are small: torch's threads wait for each other longer than they work, and much longer where
    something else runs on the machine. Rows are shared out among threads instead.
    """
    global _of_main
    if getattr(_here, "inside", False):
        yield
        return
    before = torch.get_num_threads()
    if threading.current_thread() is threading.main_thread():
        _of_main = before
    else:
        # A thread that torch first saw while the main one was in here was told that there is one thread.
        before = max(before, _of_main)
    torch.set_num_threads(1)
    _here.inside = True
    try:
        yield
    finally:
        _here.inside = False
        torch.set_num_threads(before)
