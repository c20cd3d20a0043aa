"""Files that appear whole or not at all: written under a temporary name beside the target, then renamed."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from laconic.errors import OutputError


@contextlib.contextmanager
def open_atomic(path: Path | str, mode: str = "wb") -> Iterator[IO[Any]]:
    """Open a file for writing so that `path` holds either what it held before, or all that was written.

    A link is followed: what it points to is replaced, and the link stays. What is not an ordinary file (`/dev/null`, a
    named pipe) is written to directly. An `OSError` that names another file passes through as it is.

    Args:
        path: the final name; its folder must exist.
        mode: `wb`, or `w` for UTF-8 text with line ends as written.

    Raises:
        OutputError: the folder is missing or not writable, or the disk is full; nothing is left behind.
    """
    target = Path(path)
    encoding, newline = (None, None) if "b" in mode else ("utf-8", "")
    try:
        target = target.resolve()
        if target.is_dir():
            raise OutputError(f"cannot write {path}: it is a folder; give the name of a file")
        special = target.exists() and not target.is_file()
        # Short, so that a name as long as the file system allows stays possible.
        temporary = target if special else target.with_name(f".{target.name[:32]}.{secrets.token_hex(6)}.part")
        handle = os.open(temporary, os.O_WRONLY if special else os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    except (OSError, ValueError, RuntimeError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        raise OutputError(f"cannot write {path}: {reason}; choose a folder that exists and is writable") from error
    try:
        with os.fdopen(handle, mode, encoding=encoding, newline=newline) as stream:
            yield stream
            stream.flush()
            if not special:
                os.fsync(stream.fileno())
        if not special:
            _rename(temporary, target)
    except BaseException as error:
        if not special:
            with contextlib.suppress(OSError):
                temporary.unlink()
        if isinstance(error, OSError) and error.filename in (None, str(temporary)):
            raise OutputError(f"cannot write {path}: {error.strerror or error}; nothing was left behind") from error
        raise


def _rename(temporary: Path, target: Path) -> None:
    """Give the finished file its name, and the permissions of the file it replaces."""
    with contextlib.suppress(OSError):
        temporary.chmod(target.stat().st_mode & 0o777)
    temporary.replace(target)
