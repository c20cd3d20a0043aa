"""Two processes have the loss and the gradients of one, through the memory too."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tests.training.models import tiny_model
from tests.training.processes import in_processes

from laconic.memory.gather import gather_rows, place_of
from laconic.training.checkpoint import find_checkpoint

SCRIPT = Path(__file__).with_name("loss_in_processes.py")


def test_one_process_has_its_own_rows() -> None:
    rows_B = torch.ones(3, 2)
    assert gather_rows(rows_B) is rows_B and place_of(3) == 0


def test_two_processes_equal_one(tmp_path: Path) -> None:
    results = []
    for world in (1, 2):
        in_processes([str(SCRIPT), str(tmp_path / f"{world}.safetensors")], world)
        results.append(load_file(tmp_path / f"{world}.safetensors"))
    torch.testing.assert_close(results[1], results[0], rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_a_run_in_two_processes_is_that_in_one(tmp_path: Path) -> None:
    """With the long memory, half of which lies in the other process."""
    runs = []
    for world in (1, 2):
        in_processes([str(SCRIPT.with_name("run_in_processes.py")), str(tmp_path / str(world))], world)
        folder = find_checkpoint(tmp_path / str(world) / "checkpoints")
        assert folder is not None
        runs.append(load_file(folder / "model.safetensors"))
    torch.testing.assert_close(runs[1], runs[0], rtol=0, atol=2e-5)
    untrained = dict(tiny_model().named_parameters())
    assert any(not torch.allclose(weight, untrained[name], atol=1e-4) for name, weight in runs[0].items())
