"""Limits on threads: believed up to the cores there are."""

import os
import subprocess
import sys

import pytest

from laconic.bytelm.limits import limit_threads
from laconic.errors import UsageError

SCRIPT = """
import numba
from laconic.bytelm.limits import limit_threads
limit_threads({count})
print(numba.get_num_threads())
"""


@pytest.mark.parametrize(("count", "used"), [(2, 2), (100, 3)])
def test_a_limit_holds_up_to_the_cores_there_are(count: int, used: int) -> None:
    command = [sys.executable, "-c", SCRIPT.format(count=count)]
    environment = os.environ | {"NUMBA_NUM_THREADS": "3"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert int(done.stdout) == used


@pytest.mark.parametrize("count", [0, -1])
def test_less_than_one_is_refused(count: int) -> None:
    with pytest.raises(UsageError, match=f"threads is {count}, but must be at least 1"):
        limit_threads(count)
