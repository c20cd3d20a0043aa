"""The machine is described as far as it tells."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from laconic.records import hardware
from laconic.records.hardware import hardware_slug, read_hardware, usable_cores


def test_the_description_is_json_and_plausible() -> None:
    machine = read_hardware()
    assert json.loads(json.dumps(machine)) == machine
    assert machine["cpu"] and 1 <= usable_cores() <= machine["logical_cores"]
    assert machine["memory_bytes"] is None or machine["memory_bytes"] > 1 << 26


def test_the_cpu_is_named_where_the_system_names_it(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: Some CPU @ 3 GHz\n")
    assert hardware._cpu_model(tmp_path / "cpuinfo") == "Some CPU @ 3 GHz"
    assert hardware._cpu_model(tmp_path / "missing")


def _torch(cuda: bool, mps: bool) -> SimpleNamespace:
    return SimpleNamespace(
        cuda=SimpleNamespace(is_available=lambda: cuda, device_count=lambda: 2, get_device_name=lambda index: f"GPU {index}"),
        backends=SimpleNamespace(mps=SimpleNamespace(is_available=lambda: mps)),
    )


@pytest.mark.parametrize(
    ("torch", "expected"),
    [
        (None, None),
        (_torch(False, False), []),
        (_torch(True, False), ["GPU 0", "GPU 1"]),
        (_torch(False, True), ["Apple MPS"]),
    ],
)
def test_accelerators_are_those_of_an_imported_torch(
    torch: SimpleNamespace | None, expected: list[str] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if torch is None:
        monkeypatch.delitem(sys.modules, "torch", raising=False)
    else:
        monkeypatch.setitem(sys.modules, "torch", torch)
    assert read_hardware()["accelerators"] == expected


@pytest.mark.parametrize(
    ("machine", "slug"),
    [
        ({"cpu": "Intel(R) Xeon(R) CPU E5-2690 v4 @ 2.60GHz", "usable_cores": 4}, "intel-xeon-e5-2690-v4-4cores"),
        ({"cpu": "AMD EPYC 7B13", "usable_cores": 2, "accelerators": []}, "amd-epyc-7b13-2cores"),
        ({"cpu": "x", "accelerators": ["NVIDIA H200"]}, "nvidia-h200"),
        ({"cpu": "x", "accelerators": ["NVIDIA H200"] * 2}, "2x-nvidia-h200"),
        ({}, "unknown-1cores"),
        ({"cpu": "../..", "usable_cores": 1}, "unknown-1cores"),
    ],
)
def test_slugs_are_short_names_for_files(machine: dict[str, object], slug: str) -> None:
    assert hardware_slug(machine) == slug
