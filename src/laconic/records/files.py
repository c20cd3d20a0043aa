"""Files that appear whole or not at all: written under a temporary name beside the target, then renamed."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from laconic.errors import OutputError


@contextlib.contextmanager
def open_atomic(path: Path | str, mode: str = "wb") -> Iterator[IO[Any]]:
    """Open a file for writing so that `path` holds either what it held before, or all that was written.

    Args:
        path: the final name; its folder must exist.
        mode: `wb`, or `w` for UTF-8 text.

    Raises:
        OutputError: the folder is missing or not writable, or the disk is full; nothing is left behind.
    """
    path = Path(path)
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}; choose a folder that exists and is writable") from error
    try:
        with os.fdopen(handle, mode, encoding="utf-8" if "b" not in mode else None) as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        if isinstance(error, OSError):
            raise OutputError(f"cannot write {path}: {error.strerror or error}; nothing was left behind") from error
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
