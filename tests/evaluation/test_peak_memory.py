"""A process that takes memory is seen to take it, and one that fails is not taken for one that needs none."""

import operator
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from laconic.errors import LaconicError, UsageError
from laconic.evaluation import peak_memory
from laconic.evaluation.peak_memory import measure_peak

MUCH = 100 * 2**20


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="measured on Linux only")
def test_what_a_process_takes_is_its_peak() -> None:
    # Given back at once: only a peak can tell.
    found = measure_peak(partial(partial, operator.mul, b"x", MUCH))
    # The kernel counts pages in portions.
    assert 0.95 * MUCH < found.peak - found.before < 1.2 * MUCH
    assert found.before > 2**20


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="measured on Linux only")
def test_a_process_that_fails_says_so(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(LaconicError, match="ended with 1"):
        measure_peak(partial(partial, operator.truediv, 1, 0))
    assert "ZeroDivisionError" in capfd.readouterr().err


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="measured on Linux only")
def test_the_script_that_measures_is_not_run_again(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from functools import partial\n"
        "from laconic.evaluation.peak_memory import measure_peak\n"
        "print('here')\n"
        "assert measure_peak(partial(partial, abs, 1)).peak > 0\n"
    )
    ran = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert ran.stdout == "here\n" and not ran.stderr


def test_other_systems_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(peak_memory, "_STATUS", tmp_path / "status")
    with pytest.raises(UsageError, match="measure on Linux"):
        measure_peak(partial(partial, abs, 1))
