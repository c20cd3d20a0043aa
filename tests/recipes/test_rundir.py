"""A run's folder is begun once, resumed only as what it was, and never trusted."""

from pathlib import Path

import pytest

from laconic.errors import CorruptFileError, OutputError, TrainingError, UsageError
from laconic.recipes.lm import LMConfig
from laconic.recipes.rundir import (
    begin_run,
    held_out_curve,
    interruptible,
    load_config,
    read_config,
    read_done,
    read_log,
    require_same_files,
    stopped,
)


def test_a_run_is_noted_and_read_back(tmp_path: Path) -> None:
    begin_run(tmp_path / "deep" / "run", "lm-cpu", LMConfig(context=32), resume=False)
    assert read_config(tmp_path / "deep" / "run")["recipe"] == "lm-cpu"
    assert load_config(tmp_path / "deep" / "run", LMConfig) == LMConfig(context=32)
    begin_run(tmp_path / "deep" / "run", "lm-cpu", LMConfig(context=32), resume=True)


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no run to resume: leave out --resume"):
        begin_run(tmp_path, "lm-cpu", LMConfig(), resume=True)
    begin_run(tmp_path, "lm-cpu", LMConfig(), resume=False)
    (tmp_path / "record.json").write_text("{}")
    with pytest.raises(UsageError, match="holds a run already: continue it with --resume"):
        begin_run(tmp_path, "lm-cpu", LMConfig(), resume=False)
    with pytest.raises(UsageError, match=r"holds a run with other settings, context is \d+ and not 3: resume it"):
        begin_run(tmp_path, "lm-cpu", LMConfig(context=3), resume=True)
    with pytest.raises(UsageError, match="holds a run of lm-cpu, not of lm-paper"):
        begin_run(tmp_path, "lm-paper", LMConfig(), resume=True)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot make"):
        begin_run(tmp_path / "file" / "run", "lm-cpu", LMConfig(), resume=False)


@pytest.mark.parametrize("resume", [False, True])
def test_a_start_that_came_to_nothing_is_begun_again(tmp_path: Path, resume: bool) -> None:
    begin_run(tmp_path, "lm-cpu", LMConfig(), resume=False)
    (tmp_path / "tokenizer").mkdir()
    (tmp_path / "tokenizer" / "half").write_text("")
    (tmp_path / "log.jsonl").write_text('{"step": 1}\n')
    begin_run(tmp_path, "lm-cpu", LMConfig(), resume=resume)
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]


@pytest.mark.parametrize("kept", ["checkpoints/last.json", "one/checkpoints/best.json", "model/config.json", "record.json"])
def test_what_a_run_has_come_to_is_kept(tmp_path: Path, kept: str) -> None:
    begin_run(tmp_path, "lm-cpu", LMConfig(), resume=False)
    (tmp_path / kept).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / kept).write_text("{}")
    (tmp_path / "log.jsonl").write_text('{"step": 1}\n')
    with pytest.raises(UsageError, match="holds a run already"):
        begin_run(tmp_path, "lm-cpu", LMConfig(), resume=False)
    begin_run(tmp_path, "lm-cpu", LMConfig(), resume=True)
    assert (tmp_path / kept).is_file() and len(read_log(tmp_path)) == 1


def test_the_folder_of_another_program_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    with pytest.raises(UsageError, match=r"holds no run, but a config\.json: choose another folder"):
        begin_run(tmp_path, "lm-cpu", LMConfig(), resume=False)
    (tmp_path / "config.json").unlink()
    (tmp_path / "teacher").mkdir()
    with pytest.raises(UsageError, match="holds teacher and no run: choose a new folder"):
        begin_run(tmp_path, "lm-cpu", LMConfig(), resume=False)
    assert [path.name for path in tmp_path.iterdir()] == ["teacher"]


def test_files_that_changed_since_a_run_began_are_refused(tmp_path: Path) -> None:
    table = tmp_path / "train.csv"
    table.write_text("text,label\n")
    begin_run(tmp_path / "run", "prune", LMConfig(), resume=False)
    require_same_files(tmp_path / "run", {"data": table})
    require_same_files(tmp_path / "run", {"data": table})
    table.write_text("text,label\na,b\n")
    with pytest.raises(UsageError, match=r"train\.csv has changed since the run in .*run began"):
        require_same_files(tmp_path / "run", {"data": table})
    with pytest.raises(UsageError, match="cannot read"):
        require_same_files(tmp_path / "run", {"data": tmp_path / "none.csv"})
    (tmp_path / "run" / "inputs.json").write_text("[1")
    with pytest.raises(CorruptFileError, match=r"inputs\.json is damaged"):
        require_same_files(tmp_path / "run", {"data": table})


@pytest.mark.parametrize("text", ["", "[1", "[]"])
def test_damaged_notes_say_what_to_delete(tmp_path: Path, text: str) -> None:
    (tmp_path / "stage.json").write_text(text)
    with pytest.raises(CorruptFileError, match=r"stage\.json is .*: delete it and resume"):
        read_done(tmp_path / "stage.json")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"recipe": 1, "config": {}}', "[" * 100_000])
def test_damaged_configurations_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(CorruptFileError):
        read_config(tmp_path)


def test_no_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no run: name a folder that laconic train wrote"):
        read_config(tmp_path)


def test_torn_lines_of_a_log_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text('{"step": 1}\n{"step"\n3\n{"step": 2}\n')
    assert read_log(tmp_path) == [{"step": 1}, {"step": 2}]


def test_the_held_out_curve_has_a_point_for_each_evaluation(tmp_path: Path) -> None:
    lines = ['{"bytes": 5, "seconds": 0.5, "nll": 1.0}', '{"bytes": 9, "seconds": 1.5, "nll": 1.0, "evaluation": 2.25}', "torn"]
    (tmp_path / "log.jsonl").write_text("\n".join(lines))
    assert held_out_curve(tmp_path) == [{"bytes": 9, "seconds": 1.5, "bits_per_byte": 2.25}]


def test_a_run_that_was_stopped_says_how_to_go_on(tmp_path: Path) -> None:
    error = stopped(tmp_path, 1_250, 40_000)
    assert isinstance(error, TrainingError)
    assert str(error) == f"stopped on request at step 1,250 of 40,000: continue with --resume --out {tmp_path}"
    assert "at step 2 of 9 of sparsity-0.6/prune: continue" in str(stopped(tmp_path, 2, 9, stage="sparsity-0.6/prune"))
    with pytest.raises(TrainingError, match="stopped on request: continue with --resume --out"), interruptible(tmp_path):
        raise KeyboardInterrupt
