"""The machine behind a run, as far as it tells, without importing a deep learning framework for it."""

import os
import platform
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

CPUINFO = Path("/proc/cpuinfo")


def read_hardware() -> dict[str, Any]:
    """What the run has to work with.

    Returns:
        `cpu` (model name), `architecture`, `system`, `logical_cores` (of the machine), `usable_cores` (granted to this
        process), `memory_bytes` (None where unknown) and `accelerators`: a list of names, or None where torch, the one
        who would know, has not been imported by anybody.
    """
    return {
        "cpu": _cpu_model(CPUINFO),
        "architecture": platform.machine(),
        "system": platform.platform(),
        "logical_cores": os.cpu_count(),
        "usable_cores": usable_cores(),
        "memory_bytes": _memory_bytes(),
        "accelerators": _accelerators(),
    }


def usable_cores() -> int:
    """How many logical cores this process may run on."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # Only Linux tells.
        return os.cpu_count() or 1


def available_memory() -> int | None:
    """Bytes of memory that programs could take now without swapping; all of the machine's where only that is known."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return _memory_bytes()
    found = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return int(found[0]) * 1024 if found else _memory_bytes()


def hardware_slug(hardware: Mapping[str, Any]) -> str:
    """A short name of a machine for file names, such as `amd-epyc-7b13-2cores` or `nvidia-h200`."""
    accelerators = hardware.get("accelerators")
    if accelerators:
        count = f"{len(accelerators)}x-" if len(accelerators) > 1 else ""
        return count + _slug(str(accelerators[0]))
    cpu = re.sub(r"\((R|TM|tm)\)|\b(CPU|Processor)\b|@.*$", " ", str(hardware.get("cpu") or "unknown"))
    return f"{_slug(cpu)}-{hardware.get('usable_cores') or 1}cores"


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-.") or "unknown"


def _cpu_model(cpuinfo: Path) -> str:
    try:
        lines = cpuinfo.read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip() == "model name" and value.strip():
            return value.strip()
    return platform.processor() or platform.machine() or "unknown"


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None


def _accelerators() -> list[str] | None:
    torch = sys.modules.get("torch")
    if torch is None:
        return None
    if torch.cuda.is_available():
        return [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return ["Apple MPS"] if torch.backends.mps.is_available() else []
