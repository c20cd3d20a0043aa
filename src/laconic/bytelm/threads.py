"""Work on rows that do not depend on each other, in several threads where it is worth them."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import TracebackType
from typing import Self, final

import numba
import torch


@final
class Spread:
    """Does work on rows in several threads; what comes out never depends on how many they are.

    Args:
        threads: how many at most; as many as numba may use when None.
    """

    def __init__(self, threads: int | None = None) -> None:
        self._threads = numba.get_num_threads() if threads is None else threads
        self._pool = ThreadPoolExecutor(self._threads) if self._threads > 1 else None

    def __call__(self, work: Callable[[slice], None], rows: int, *, least: int) -> None:
        """Do `work` on slices that together are all rows, none of fewer than `least` rows: what a thread is worth."""
        parts = min(self._threads, max(1, rows // least))
        if self._pool is None or parts < 2:
            work(slice(0, rows))
            return
        bounds = [rows * part // parts for part in range(parts + 1)]
        list(self._pool.map(work, map(slice, bounds[:-1], bounds[1:])))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._pool is not None:
            self._pool.shutdown()


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
