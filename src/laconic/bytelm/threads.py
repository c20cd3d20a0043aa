"""Who multiplies: each thread on its own."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def single_products() -> Iterator[None]:
    """As long as this lasts, the present thread, and each that it starts, multiplies matrices on its own.

    The matrices of a byte model are small: torch's threads wait for each other longer than they work, and much longer where
    something else runs on the machine. Rows are shared out among threads instead, all of which have to end before this does.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
