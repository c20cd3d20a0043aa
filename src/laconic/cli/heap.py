"""Memory that long streams need: the same for much text as for little."""

import ctypes

_LARGE = 1 << 20
_M_MMAP_THRESHOLD = -3


def return_large_blocks() -> bool:
    """Have the C library hand large blocks back to the system when they are freed.

    glibc otherwise keeps blocks of up to 32 MiB once such a one has been freed, and a stream that is worked on in batches
    grows for some batches before it settles.

    Returns:
        Whether the C library took it; others than glibc have nothing of the kind.
    """
    try:
        return bool(ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE))
    except (AttributeError, OSError, TypeError):
        return False
