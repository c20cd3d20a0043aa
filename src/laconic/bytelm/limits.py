"""How many threads the models of this process may use. What they answer never depends on it."""

import numba

from laconic.errors import UsageError


def limit_threads(count: int) -> None:
    """Let models use so many threads, but never more than this process has processor cores.

    Rows are shared out among them; each multiplies on its own, so torch need not be told.

    Args:
        count: at least 1.

    Raises:
        UsageError: less than 1.
    """
    if count < 1:
        raise UsageError(f"threads is {count}, but must be at least 1: leave it out to use every core")
    numba.set_num_threads(min(count, int(numba.config.NUMBA_NUM_THREADS)))  # type: ignore[attr-defined]
