"""Checkpoints that continue a run exactly: safetensors and JSON, no pickle.

A checkpoint is a folder `step-00000100` beside a pointer file, `last.json` or `best.json`, that names it. The folder is
written under another name and renamed, pointers are replaced last, that to the last one behind that to the best one: a run
killed at any moment leaves the checkpoint before. Folders that no pointer names are removed.

    model.safetensors        weights and buffers
    optimizer.safetensors    tensors of the optimiser's state; its numbers stand in state.json
    state.json               step, progress, numbers of the optimiser
    process-0.safetensors    random generators of each process, and what its objective keeps
    process-0.json           position in the data, and the plain generators
"""

import json
import os
import random
import shutil
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from laconic.errors import CorruptFileError, FormatVersionError, OutputError, UsageError
from laconic.records.files import open_atomic

SCHEMA = 1
MAX_JSON_BYTES = 64 << 20
_TUPLES = ("betas", "eps", "ns_coefficients")
"""Numbers of optimisers that are tuples, which JSON has not."""
_OBJECTIVE = "objective."
LAST, BEST = "last", "best"
WEIGHTS = "model.safetensors"


@dataclass(frozen=True, kw_only=True)
class ProcessState:
    """What each process keeps for itself.

    Attributes:
        data: position in its share of the data, as JSON can hold it.
        device: where its model lives; names the random generator to keep besides the CPU's.
        objective: what its objective keeps from batch to batch.
    """

    data: dict[str, Any]
    device: torch.device
    objective: Mapping[str, Tensor] = field(default_factory=dict)


def write_process_part(folder: Path, rank: int, state: ProcessState) -> None:
    """Write the part of one process into a checkpoint folder that is not yet under its final name."""
    tensors = {"torch": torch.get_rng_state()}
    if state.device.type == "cuda":
        tensors["cuda"] = torch.cuda.get_rng_state(state.device)
    tensors |= {_OBJECTIVE + name: tensor for name, tensor in state.objective.items()}
    version, internal, gauss = random.getstate()
    numpy_state = np.random.get_state(legacy=False)
    assert isinstance(numpy_state, dict)
    plain = {
        "data": state.data,
        "python": [version, list(internal), gauss],
        "numpy": {**numpy_state, "state": {**numpy_state["state"], "key": numpy_state["state"]["key"].tolist()}},
    }
    save_tensors(tensors, folder / f"process-{rank}.safetensors")
    _write_json(plain, folder / f"process-{rank}.json")


def read_process_part(folder: Path, rank: int, device: torch.device) -> ProcessState:
    """Set the random generators of this process as they were; returns the rest of its state."""
    plain, tensors = _read_json(folder / f"process-{rank}.json"), _read_tensors(folder / f"process-{rank}.safetensors")
    try:
        torch.set_rng_state(tensors["torch"])
        if device.type == "cuda" and "cuda" in tensors:
            torch.cuda.set_rng_state(tensors["cuda"], device)
        version, internal, gauss = plain["python"]
        random.setstate((version, tuple(internal), gauss))
        state = plain["numpy"]
        np.random.set_state({**state, "state": {**state["state"], "key": np.asarray(state["state"]["key"], dtype=np.uint32)}})
        data: dict[str, Any] = plain["data"]
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise _damaged(folder, error) from error
    kept = {name.removeprefix(_OBJECTIVE): tensor for name, tensor in tensors.items() if name.startswith(_OBJECTIVE)}
    return ProcessState(data=data, device=device, objective=kept)


def write_common_part(folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer, progress: Mapping[str, Any]) -> None:
    """Write weights, optimiser and progress into a checkpoint folder that is not yet under its final name."""
    tensors, numbers = _flatten_optimizer(optimizer.state_dict())
    save_tensors(_weights(model), folder / WEIGHTS)
    save_tensors(tensors, folder / "optimizer.safetensors")
    _write_json({"schema": SCHEMA, "progress": dict(progress), "optimizer": numbers}, folder / "state.json")


def read_common_part(folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """Load weights and optimiser in place; returns the progress.

    Raises:
        CorruptFileError: files that are damaged or belong to another model.
        FormatVersionError: written by a newer laconic.
    """
    plain = _read_json(folder / "state.json")
    if plain.get("schema") != SCHEMA:
        raise FormatVersionError(
            f"{folder} is a checkpoint of schema {plain.get('schema')!r}, but "
            f"this laconic reads {SCHEMA}: use the version it is from"
        )
    read_weights(folder, model)
    try:
        optimizer.load_state_dict(_unflatten_optimizer(_read_tensors(folder / "optimizer.safetensors"), plain["optimizer"]))
        progress: dict[str, Any] = plain["progress"]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(folder, error) from error
    return progress


def read_weights(folder: Path, model: nn.Module) -> None:
    """Load only the weights of a checkpoint, in place.

    Raises:
        CorruptFileError: the file is damaged or belongs to another model.
    """
    stored, wanted = _read_tensors(folder / WEIGHTS), _weights(model)
    shapes = [{name: tuple(tensor.shape) for name, tensor in tensors.items()} for tensors in (stored, wanted)]
    if shapes[0] != shapes[1]:
        raise CorruptFileError(
            f"{folder} holds the weights of another model: resume with the recipe and settings it was made with"
        )
    with torch.no_grad():
        for name, tensor in wanted.items():
            tensor.copy_(stored[name])


def begin_checkpoint(root: Path, step: int) -> Path:
    """An empty folder for a checkpoint, not yet under its final name."""
    part = root / f".step-{step:08d}.part"
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
    except OSError as error:
        raise OutputError(f"cannot write checkpoints to {root}: {error.strerror}; choose a folder that is writable") from error
    return part


def commit_checkpoint(part: Path, pointers: tuple[str, ...]) -> Path:
    """Give a complete checkpoint its final name, point to it, and remove those that nothing points to."""
    root, folder = part.parent, part.with_name(part.name.removeprefix(".").removesuffix(".part"))
    try:
        _sync_folder(part)
        shutil.rmtree(folder, ignore_errors=True)
        part.rename(folder)
        _sync_folder(root)
    except OSError as error:
        raise OutputError(f"cannot write the checkpoint {folder}: {error.strerror}; the one before is kept") from error
    for pointer in pointers:
        _write_json({"folder": folder.name}, root / f"{pointer}.json")
    _keep_only(root, {found for pointer in (LAST, BEST) if (found := find_checkpoint(root, pointer))})
    return folder


def keep_weights_only(root: Path, pointer: str) -> None:
    """Of a stage that is over, keep the weights of one checkpoint and nothing that would go on from any.

    Args:
        root: the folder of checkpoints.
        pointer: names the one.
    """
    kept = require_checkpoint(root, pointer)
    for other in {LAST, BEST} - {pointer}:
        (root / f"{other}.json").unlink(missing_ok=True)
    _keep_only(root, {kept})
    for path in kept.iterdir():
        if path.name != WEIGHTS:
            path.unlink(missing_ok=True)


def _keep_only(root: Path, kept: Set[Path]) -> None:
    for folder in root.glob("step-*"):
        if folder not in kept:
            shutil.rmtree(folder, ignore_errors=True)


def find_checkpoint(root: Path, pointer: str = LAST) -> Path | None:
    """The folder that a pointer names, or None where there is no such checkpoint.

    Raises:
        CorruptFileError: the pointer names something else than a checkpoint beside it.
    """
    path = root / f"{pointer}.json"
    if not path.is_file():
        return None
    name = _read_json(path).get("folder")
    if not isinstance(name, str) or not name.startswith("step-") or not name.removeprefix("step-").isdigit():
        raise CorruptFileError(f"{path} names no checkpoint: delete it to start afresh")
    return root / name if (root / name).is_dir() else None


def require_checkpoint(root: Path, pointer: str = LAST) -> Path:
    """The folder that a pointer names.

    Raises:
        UsageError: there is no such checkpoint.
    """
    folder = find_checkpoint(root, pointer)
    if folder is None:
        raise UsageError(f"there is no checkpoint in {root}: start the run without --resume")
    return folder


def save_tensors(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Write tensors as safetensors.

    Raises:
        OutputError: the disk or the permissions do not allow it.
    """
    try:
        save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, path)
    except (OSError, SafetensorError) as error:
        raise OutputError(f"cannot write {path}: {error}; free some space or choose another folder") from error


def _weights(model: nn.Module) -> dict[str, Tensor]:
    """Parameters, tied ones once, and the buffers that a model keeps."""
    kept = model.state_dict(keep_vars=True)
    buffers = {name: buffer for name, buffer in model.named_buffers() if name in kept}
    return {**dict(model.named_parameters()), **buffers}


def _flatten_optimizer(state: Mapping[str, Any]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    tensors: dict[str, Tensor] = {}
    numbers: dict[str, Any] = {}
    for index, entries in state["state"].items():
        for name, value in entries.items():
            kept = tensors if isinstance(value, Tensor) else numbers
            kept[f"{index}.{name}"] = value
    return tensors, {"numbers": numbers, "groups": state["param_groups"]}


def _unflatten_optimizer(tensors: Mapping[str, Tensor], plain: Mapping[str, Any]) -> dict[str, Any]:
    state: dict[int, dict[str, Any]] = {}
    for key, value in {**tensors, **plain["numbers"]}.items():
        index, _, name = key.partition(".")
        state.setdefault(int(index), {})[name] = value
    groups = [
        {name: tuple(value) if name in _TUPLES and isinstance(value, list) else value for name, value in group.items()}
        for group in plain["groups"]
    ]
    return {"state": state, "param_groups": groups}


def _write_json(value: Mapping[str, Any], path: Path) -> None:
    with open_atomic(path, "w") as stream:
        json.dump(value, stream)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_JSON_BYTES + 1)
        value = json.loads(data) if len(data) <= MAX_JSON_BYTES else None
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(path, error) from error
    if not isinstance(value, dict):
        raise CorruptFileError(f"{path} is not part of a checkpoint: resume from another one, or start afresh")
    return value


def _read_tensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError, ValueError) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> CorruptFileError:
    return CorruptFileError(
        f"{path} is damaged ({type(error).__name__}: {error}): resume from another checkpoint, or start afresh"
    )


def _sync_folder(folder: Path) -> None:
    for path in (*folder.iterdir(), folder):
        if path.is_file() or path == folder:
            handle = os.open(path, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
