"""Memory that was freed goes back to the system."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
from pathlib import Path
from laconic.cli.heap import return_large_blocks

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

if {wanted}:
    assert return_large_blocks()
before = resident()
for _ in range(3):
    blocks = [b"x" * (20 << 20), b"y" * (2 << 20)]
    rest = bytearray(200_000)
    del blocks
print(resident() - before)
"""


def growth(wanted: bool) -> int:
    done = subprocess.run([sys.executable, "-c", SCRIPT.format(wanted=wanted)], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only Linux tells how much memory is resident")
def test_large_blocks_go_back_to_the_system() -> None:
    assert growth(True) < 1 << 20


def test_a_system_that_knows_nothing_of_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    import ctypes

    from laconic.cli.heap import return_large_blocks

    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert not return_large_blocks()
