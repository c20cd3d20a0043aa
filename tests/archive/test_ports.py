"""What may be read from and written to."""

import io
import subprocess
import sys
from pathlib import Path

from laconic.archive.ports import ByteSink, ByteSource, FileSource


def test_files_pipes_and_memory_will_do(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as sink:
        assert isinstance(sink, ByteSink)
    with (tmp_path / "file").open("rb") as source:
        assert isinstance(source, ByteSource) and isinstance(source, FileSource)
    assert isinstance(io.BytesIO(), FileSource) and isinstance(io.BytesIO(), ByteSink)
    with subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE) as process:
        assert isinstance(process.stdout, FileSource) and not process.stdout.seekable()


def test_other_things_will_not() -> None:
    assert not isinstance(b"bytes", ByteSource) and not isinstance("path", ByteSink)
