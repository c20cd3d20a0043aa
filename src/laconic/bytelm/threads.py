"""Work on rows that do not depend on each other, in several threads where it is worth them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self, final

import numba


@final
class Spread:
    """Does work on rows, in as many threads as numba may use; what comes out never depends on how many they are."""

    def __init__(self) -> None:
        self._threads = numba.get_num_threads()
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
