"""Benchmark results are only ever added."""

from argparse import Namespace
from pathlib import Path

import pytest

from laconic.errors import OutputError
from laconic.records import benchmark as module
from laconic.records.benchmark import markdown_table, plain_settings, save_benchmark
from laconic.records.record import Record

ROWS = [{"codec": "xz", "bits/byte": 2.38235, "bytes": 601234}, {"codec": "a|b", "bits/byte": None}]
TABLE = "| codec | bits/byte | bytes |\n|---|---:|---:|\n| xz | 2.382 | 601,234 |\n| a\\|b |  |  |\n"


def record() -> Record:
    return Record(
        kind="benchmark",
        name="codecs",
        created="2026-02-03T04:05:06+00:00",
        command=("python", "bench.py"),
        hardware={"cpu": "Some Maker CPU", "usable_cores": 2, "logical_cores": 4},
        results={"rows": ROWS},
    )


def test_tables() -> None:
    assert markdown_table(ROWS) == TABLE


def test_the_table_lies_beside_the_raw_results(tmp_path: Path) -> None:
    raw, page = save_benchmark(record(), TABLE, tmp_path / "results")
    assert (raw.name, page.name) == ("codecs_some-maker-2cores_2026-02-03.json", "codecs_some-maker-2cores_2026-02-03.md")
    assert Record.load(raw) == record()
    text = page.read_text()
    assert TABLE in text and "python bench.py" in text and raw.name in text


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    first = save_benchmark(record(), "one", tmp_path, hardware="m")
    (tmp_path / "codecs_m_2026-02-03-2.md").write_text("by hand")
    second = save_benchmark(record(), "two", tmp_path, hardware="m")
    assert [path.stem for path in first] == ["codecs_m_2026-02-03"] * 2
    assert [path.stem for path in second] == ["codecs_m_2026-02-03-3"] * 2
    assert "one" in first[1].read_text() and (tmp_path / "codecs_m_2026-02-03-2.md").read_text() == "by hand"


def test_a_failure_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "_page", fail)
    with pytest.raises(KeyboardInterrupt):
        save_benchmark(record(), TABLE, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        save_benchmark(record(), TABLE, tmp_path / "file")


def test_settings_of_a_script_leave_out_paths():
    arguments = Namespace(windows=5, bits=[16, 24], out=Path("results"), data=Path("data"))
    assert plain_settings(arguments) == {"windows": 5, "bits": [16, 24]}
