"""Limits on threads: believed up to the cores there are, and passed on to torch whenever it is imported."""

import os
import subprocess
import sys

import pytest

from laconic.bytelm.limits import limit_threads
from laconic.errors import UsageError

SCRIPT = """
import numba
from laconic.bytelm import limits
{before}
limits.limit_threads({count})
import torch
limits.limit_torch()
print(numba.get_num_threads(), torch.get_num_threads())
"""


def threads(count: int, before: str = "") -> list[int]:
    """What numba and torch may use in a process with three cores, after a limit was set."""
    command = [sys.executable, "-c", SCRIPT.format(count=count, before=before)]
    environment = os.environ | {"NUMBA_NUM_THREADS": "3"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return [int(word) for word in done.stdout.split()]


@pytest.mark.parametrize("before", ["", "import torch"])
def test_a_limit_holds_for_numba_and_for_torch(before: str) -> None:
    assert threads(2, before) == [2, 2]


def test_more_than_there_are_is_all_of_them() -> None:
    assert threads(100)[0] == 3


@pytest.mark.parametrize("count", [0, -1])
def test_less_than_one_is_refused(count: int) -> None:
    with pytest.raises(UsageError, match=f"threads is {count}, but must be at least 1"):
        limit_threads(count)
