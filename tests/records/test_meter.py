"""Wall time always, joules where there are counters."""

import time
from pathlib import Path

import pytest

from laconic.records import meter as module
from laconic.records.meter import Meter

SPAN = 262_143_328_850


def package(root: Path, name: str, energy: int) -> Path:
    zone = root / name
    zone.mkdir(exist_ok=True)
    (zone / "energy_uj").write_text(f"{energy}\n")
    (zone / "max_energy_range_uj").write_text(f"{SPAN}\n")
    return zone


def test_without_counters_there_is_time_only(tmp_path: Path) -> None:
    meter = Meter(tmp_path)
    time.sleep(0.01)
    cost = meter.stop()
    assert cost["joules"] is None
    assert 0.01 <= (cost["wall_seconds"] or 0) < 60


def test_packages_are_added_and_their_parts_are_not(tmp_path: Path) -> None:
    package(tmp_path, "intel-rapl:0", 5_000_000)
    package(tmp_path, "intel-rapl:1", 1_000_000)
    package(tmp_path, "intel-rapl:0:0", 0)
    meter = Meter(tmp_path)
    package(tmp_path, "intel-rapl:0", 7_000_000)
    package(tmp_path, "intel-rapl:1", 1_500_000)
    package(tmp_path, "intel-rapl:0:0", 9_000_000)
    assert meter.stop()["joules"] == 2.5


def test_a_counter_may_start_again_from_zero(tmp_path: Path) -> None:
    package(tmp_path, "intel-rapl:0", SPAN - 1_000_000)
    meter = Meter(tmp_path)
    package(tmp_path, "intel-rapl:0", 999_999)
    assert meter.stop()["joules"] == 2.0


def test_a_long_run_is_sampled_so_that_no_round_is_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SAMPLE_SECONDS", 0.005)
    package(tmp_path, "intel-rapl:0", 0)
    meter = Meter(tmp_path)
    for energy in (SPAN // 2, SPAN, SPAN // 2):
        package(tmp_path, "intel-rapl:0", energy)
        time.sleep(0.2)
    assert meter.stop()["joules"] == pytest.approx(1.5 * SPAN / 1e6, rel=1e-6)


def test_counters_that_cannot_be_read_are_none(tmp_path: Path) -> None:
    (package(tmp_path, "intel-rapl:0", 0) / "energy_uj").unlink()
    assert Meter(tmp_path).stop()["joules"] is None


def test_counters_that_vanish_midway_are_none(tmp_path: Path) -> None:
    zone = package(tmp_path, "intel-rapl:0", 0)
    meter = Meter(tmp_path)
    (zone / "energy_uj").unlink()
    assert meter.stop()["joules"] is None
