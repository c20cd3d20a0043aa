"""The main job, small: every room once, from a text to a report."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.recipes.small import small_config, write_text

from laconic.errors import CorruptFileError, MissingDataError, MissingExtraError, UsageError
from laconic.recipes.quickstart import (
    COMPRESSION,
    QuickstartConfig,
    _require_own_folders,
    _require_round_trips,
    run_quickstart,
    too_many_types,
)
from laconic.records.record import Record


def small(text: Path) -> QuickstartConfig:
    # Every step of the byte model is type-checked here, which makes Equal-Info tokens slow: so little text.
    model = replace(small_config(text), train_bytes=1_000, valid_bytes=200, test_bytes=300)
    return QuickstartConfig(
        file_bytes=3_000, tokenizer_bytes=20_000, tokenizers=("bytes", "sentencepiece[600]", "equal-info[16,256]"), model=model
    )


def test_the_whole_way_and_again_into_the_same_folder(tmp_path: Path) -> None:
    text, stages = write_text(tmp_path), []
    (tmp_path / "out" / "bytes").mkdir(parents=True)
    (tmp_path / "out" / "bytes" / "config.json").write_text('{"recipe": "quickstart bytes", "config": {}}')
    (tmp_path / "out" / "bytes" / "old").write_text("of an earlier quickstart")
    records = run_quickstart(text, tmp_path / "out", lambda stage, *rest: stages.append(stage), small(text))
    kinds = [record.kind for record in records]
    assert kinds == ["compression", "tokenizers", "language-model", "language-model", "language-model"]
    models = records[2:]
    assert {record.results["held_out_bytes"] for record in models} == {300}
    assert all(abs(record.results["training_bytes"] - 1_000) <= 1 for record in models)
    assert all(row["verified"] for row in records[0].results["codecs"])
    assert any("65,536 types" in note for note in records[1].results["notes"])
    page = (tmp_path / "out" / "report.html").read_text()
    for name in ("laconic default", "xz -9e", "equal-info[16,256]", "65,536 types"):
        assert name in page, name
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["bytes", "compression.json", "equal-info-16-256", "report.html", "sentencepiece-600", "tokenizers.json"]
    assert Record.load(tmp_path / "out" / "bytes" / "record.json") == models[0]
    assert not (tmp_path / "out" / "bytes" / "old").exists()
    assert {"compressing", "tokenizing", "training", "writing the report"} <= set(stages)


def test_a_foreign_folder_is_left_alone(tmp_path: Path) -> None:
    text = write_text(tmp_path)
    (tmp_path / "out" / "bytes").mkdir(parents=True)
    (tmp_path / "out" / "bytes" / "config.json").write_text('{"recipe": "lm-cpu", "config": {}}')
    with pytest.raises(UsageError, match="bytes is not from an earlier quickstart: choose another folder"):
        run_quickstart(text, tmp_path / "out", None, small(text))
    assert [path.name for path in (tmp_path / "out" / "bytes").iterdir()] == ["config.json"]


@pytest.mark.parametrize("name", ["compression.json", "tokenizers.json", "report.html", "bytes.tokenizer"])
def test_a_foreign_file_is_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text("{}")
    with pytest.raises(UsageError, match=f"{name} is not from an earlier quickstart: choose another folder"):
        _require_own_folders(QuickstartConfig(), tmp_path / "out")
    Record(kind="compression", name="quickstart", created="2026-01-01T00:00:00+00:00").save(tmp_path / "out" / COMPRESSION)
    if name != "tokenizers.json":
        _require_own_folders(QuickstartConfig(), tmp_path / "out")


def test_too_little_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "short.txt").write_text("short\n" * 100)
    with pytest.raises(MissingDataError, match=r"has only \d+ bytes to train on: give at least 100,000"):
        run_quickstart(tmp_path / "short.txt", tmp_path / "out")


def test_text_of_one_line_has_nothing_to_hold_out(tmp_path: Path) -> None:
    (tmp_path / "line.txt").write_text("words " * 20_000)
    with pytest.raises(MissingDataError, match=r"line\.txt has no text in its split '\w+', which is held out"):
        run_quickstart(tmp_path / "line.txt", tmp_path / "out")


def test_a_missing_matplotlib_is_said_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match="matplotlib"):
        run_quickstart(tmp_path / "not read", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_failed_round_trip_stops_everything() -> None:
    with pytest.raises(CorruptFileError, match="bad did not give back the text"):
        _require_round_trips([{"name": "good", "verified": True}, {"name": "bad", "verified": False}])


def test_the_sentence_on_too_many_types_counts_them() -> None:
    sentence = too_many_types(600_000, [{"name": "equal-info[16,256]", "bytes_per_token": 2.5}])
    assert "600,000 bytes of training text are about 120,000 such tokens, 1.8 for each type" in sentence
