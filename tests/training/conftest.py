"""Every test of training works in one thread, as the processes do that it compares itself with."""

import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Loops that numba compiled may have set another number, for PyTorch too, in tests that ran before."""
    torch.set_num_threads(1)
