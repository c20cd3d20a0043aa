"""How many threads the models of this process may use. What they answer never depends on it."""

import sys

import numba

from laconic.errors import UsageError


def limit_threads(count: int) -> None:
    """Let models use so many threads, but never more than this process has processor cores.

    Args:
        count: at least 1.

    Raises:
        UsageError: less than 1.
    """
    if count < 1:
        raise UsageError(f"threads is {count}, but must be at least 1: leave it out to use every core")
    numba.set_num_threads(min(count, _most()))
    limit_torch()


def limit_torch() -> None:
    """Hold torch to the same limit, if there is one and torch is loaded: whoever imports torch calls this."""
    torch = sys.modules.get("torch")
    if torch is not None and numba.get_num_threads() < _most():
        torch.set_num_threads(numba.get_num_threads())


def _most() -> int:
    return int(numba.config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]
