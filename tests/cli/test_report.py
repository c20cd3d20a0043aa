"""`laconic report`: which records it finds, and what it says when there are none."""

import json
from pathlib import Path

import pytest

from laconic.cli.main import main
from laconic.cli.report import gather
from laconic.errors import FormatVersionError, MissingDataError
from laconic.records.record import Record


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Two records in two folders, and a JSON file that is none."""
    for name, created in (("late", "2026-02-02T00:00:00+00:00"), ("early", "2026-01-01T00:00:00+00:00")):
        (tmp_path / "runs" / name).mkdir(parents=True)
        record = Record(kind="train", name=name, created=created, results={"loss": 1.5}, cost={"wall_seconds": 2.0})
        record.save(tmp_path / "runs" / name / "record.json")
    (tmp_path / "runs" / "config.json").write_text("{}")
    return tmp_path / "runs"


def test_records_are_found_at_any_depth_oldest_first(runs: Path) -> None:
    records, passed_over = gather([runs, runs / "late"])
    assert [record.name for record in records] == ["early", "late"]
    assert passed_over == [runs / "config.json"]


def test_the_page_is_written_and_named(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = runs.parent / "page.html"
    assert main(["report", str(runs), "-o", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["records"] == 2
    page = out.read_text(encoding="utf-8")
    assert "early" in page and "late" in page


def test_a_single_file_must_be_a_record(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(runs / "config.json"), "-o", str(runs / "page.html")]) == 1
    assert "not a record" in capsys.readouterr().err
    assert not (runs / "page.html").exists()


def test_foreign_and_newer_files_do_not_stop_a_report(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (runs / "config.json").write_text('{"schema": 5, "other": 1}')
    newer = json.loads((runs / "late" / "record.json").read_text()) | {"schema": 99}
    (runs / "newer.json").write_text(json.dumps(newer))
    records, passed_over = gather([runs])
    assert len(records) == 2 and passed_over == [runs / "config.json", runs / "newer.json"]
    said = capsys.readouterr().err
    assert "newer.json is a record of schema 99" in said and "config.json" not in said
    with pytest.raises(FormatVersionError, match="install a newer one"):
        gather([runs / "newer.json"])


def test_no_records_no_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(tmp_path), "-o", str(tmp_path / "page.html")]) == 1
    assert "no record was found" in capsys.readouterr().err
    with pytest.raises(MissingDataError, match="does not exist"):
        gather([tmp_path / "nowhere"])


def test_a_run_that_has_not_ended_is_named(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    begun = runs / "begun"
    begun.mkdir()
    (begun / "config.json").write_text('{"recipe": "prune", "config": {}}')
    assert main(["report", str(begun), "-o", str(runs / "page.html")]) == 1
    assert "its run has not ended, --resume continues it" in capsys.readouterr().err
    assert main(["report", str(begun), str(runs), "-o", str(runs / "page.html")]) == 0
    assert f"passed over: {begun} holds a run that has not ended" in " ".join(capsys.readouterr().err.split())
