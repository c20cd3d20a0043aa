"""Checkpoints hold everything, appear whole or not at all, and damaged ones are refused with a sentence."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.training.models import tiny_model

from laconic.errors import CorruptFileError, FormatVersionError, OutputError, UsageError
from laconic.training.checkpoint import (
    BEST,
    LAST,
    ProcessState,
    begin_checkpoint,
    commit_checkpoint,
    find_checkpoint,
    keep_weights_only,
    read_common_part,
    read_process_part,
    read_weights,
    require_checkpoint,
    write_common_part,
    write_process_part,
)
from laconic.training.optimizer import OptimizerConfig, build_optimizer

CPU = torch.device("cpu")


def trained(name: str = "adamw") -> tuple[torch.nn.Module, torch.optim.Optimizer]:
    model = tiny_model(seed=7)
    optimizer = build_optimizer(OptimizerConfig(name=name), model.named_parameters())
    for group in optimizer.param_groups:
        group["lr"] = 0.1 / 3
    model(input_ids=torch.arange(8)[None]).logits.square().sum().backward()
    optimizer.step()
    return model, optimizer


def write(root: Path, step: int = 1, name: str = "adamw", pointers: tuple[str, ...] = (LAST,)) -> Path:
    part = begin_checkpoint(root, step)
    write_process_part(part, 0, ProcessState(data={"at": 3}, device=CPU, objective={"a.b": torch.arange(3)}))
    write_common_part(part, *trained(name), {"step": step})
    return commit_checkpoint(part, pointers)


@pytest.mark.parametrize("name", ["adamw", "adafactor", "muon"])
def test_weights_and_optimizer_come_back_to_the_bit(tmp_path: Path, name: str) -> None:
    folder = write(tmp_path, name=name)
    model = tiny_model(seed=8)
    optimizer = build_optimizer(OptimizerConfig(name=name), model.named_parameters())
    assert read_common_part(folder, model, optimizer) == {"step": 1}
    expected_model, expected = trained(name)
    for one, two in zip(model.parameters(), expected_model.parameters(), strict=True):
        assert torch.equal(one, two)
    states = [optimizer.state_dict(), expected.state_dict()]
    assert states[0]["param_groups"] == states[1]["param_groups"]
    for index, entries in states[1]["state"].items():
        for key, value in entries.items():
            assert torch.equal(torch.as_tensor(states[0]["state"][index][key]), torch.as_tensor(value)), key


def test_all_random_generators_go_on_where_they_were(tmp_path: Path) -> None:
    np.random.seed(3)
    random.gauss(0, 1)
    np.random.normal()
    folder = write(tmp_path)

    def draw() -> list[float]:
        return [random.gauss(0, 1), float(np.random.normal()), float(torch.randn(()))]

    read_process_part(folder, 0, CPU)
    expected = draw()
    draw()
    own = read_process_part(folder, 0, CPU)
    assert own.data == {"at": 3}
    assert {name: tensor.tolist() for name, tensor in own.objective.items()} == {"a.b": [0, 1, 2]}
    assert draw() == expected


def test_only_named_checkpoints_are_kept(tmp_path: Path) -> None:
    write(tmp_path, 1, pointers=(LAST, BEST))
    write(tmp_path, 2)
    write(tmp_path, 3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best.json", "last.json", "step-00000001", "step-00000003"]
    assert find_checkpoint(tmp_path, BEST) == tmp_path / "step-00000001"
    assert require_checkpoint(tmp_path) == tmp_path / "step-00000003"


def test_of_a_stage_that_is_over_the_best_weights_are_kept(tmp_path: Path) -> None:
    write(tmp_path, 1, pointers=(LAST, BEST))
    write(tmp_path, 2)
    model = trained()[0]
    keep_weights_only(tmp_path, BEST)
    assert [path.name for path in tmp_path.glob("step-*/*")] == ["model.safetensors"]
    again = tiny_model(seed=8)
    read_weights(require_checkpoint(tmp_path, BEST), again)
    assert all(torch.equal(one, same) for one, same in zip(model.parameters(), again.parameters(), strict=True))
    assert find_checkpoint(tmp_path) is None


def test_a_part_that_was_never_committed_changes_nothing(tmp_path: Path) -> None:
    write(tmp_path, 1)
    write_process_part(begin_checkpoint(tmp_path, 2), 0, ProcessState(data={}, device=CPU))
    assert require_checkpoint(tmp_path).name == "step-00000001"


def test_no_file_is_a_pickle(tmp_path: Path) -> None:
    assert {path.suffix for path in write(tmp_path).iterdir()} == {".json", ".safetensors"}


def test_missing_damaged_foreign_and_newer_checkpoints_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no checkpoint in .*: start the run without --resume"):
        require_checkpoint(tmp_path)
    folder = write(tmp_path)
    model, optimizer = trained()
    other = torch.nn.Linear(2, 2)
    with pytest.raises(CorruptFileError, match="weights of another model"):
        read_common_part(folder, other, build_optimizer(OptimizerConfig(), other.named_parameters()))
    weights = folder / "optimizer.safetensors"
    whole = weights.read_bytes()
    for damaged in (b"", whole[:-1], b"\xff" * 8 + whole[8:]):
        weights.write_bytes(damaged)
        with pytest.raises(CorruptFileError, match="is damaged"):
            read_common_part(folder, model, optimizer)
    state = folder / "state.json"
    state.write_text(json.dumps({"schema": 99}))
    with pytest.raises(FormatVersionError, match="schema 99"):
        read_common_part(folder, model, optimizer)
    (folder / "process-0.json").write_text("{}")
    with pytest.raises(CorruptFileError, match="is damaged"):
        read_process_part(folder, 0, CPU)
    for pointer in ('{"folder": "../elsewhere"}', "[]", "{"):
        (tmp_path / "last.json").write_text(pointer)
        with pytest.raises(CorruptFileError):
            find_checkpoint(tmp_path)


def test_a_root_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write checkpoints"):
        begin_checkpoint(tmp_path / "file", 1)
