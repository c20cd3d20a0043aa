"""`laconic train` lists, changes settings, trains, resumes; what is wrong is one sentence and an exit code."""

import json
from pathlib import Path

import pytest
from tests.recipes.small import write_text

from laconic.cli.main import main

SMALL = (
    "size=tiny", "context=32", "train_bytes=2000", "valid_bytes=500", "test_bytes=1000", "loop.batch=4", "loop.device=cpu",
)  # fmt: skip


def words(text: Path, out: Path, *more: str) -> list[str]:
    settings = [word for setting in (f"corpus={text}", *SMALL) for word in ("--set", setting)]
    return ["train", "lm-cpu", *settings, "--out", str(out), *more]


def test_a_model_is_trained_and_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, out = write_text(tmp_path), tmp_path / "run"
    assert main(words(text, out)) == 0
    said = capsys.readouterr().out
    assert "bits per byte" in said and str(out / "record.json") in said
    assert main(words(text, out, "--json")) == 2
    assert "holds a run already: continue it with --resume" in capsys.readouterr().err
    assert main(["train", "lm-cpu", "--out", str(out), "--resume", "--json"]) == 0
    resumed = json.loads(capsys.readouterr().out)
    assert resumed["config"]["context"] == 32
    assert resumed["results"]["held_out_bytes"] == 1000
    assert main(["evaluate", str(out), "--limit-mb", "0.001", "--json"]) == 0
    measured = json.loads(capsys.readouterr().out)
    assert measured["results"]["bits_per_byte"] == resumed["results"]["bits_per_byte"]
    assert Path(measured["record"]).is_file()
    assert main(["evaluate", str(out), "--limit-mb", "0.0005", "--stride", "4"]) == 0
    assert measured["record"].replace(".json", "-2.json") in capsys.readouterr().out
    assert main(["evaluate", str(out), "--stride", "33"]) == 2
    assert "the stride is 33, but must lie between 1 and the context" in capsys.readouterr().err


def test_recipes_and_their_settings_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--list"]) == 0
    assert "equal-info-25m  " in capsys.readouterr().out
    assert main(["train", "lm-cpu", "--list", "--set", "context=77"]) == 0
    said = capsys.readouterr().out
    assert "loop.schedule.peak" in said and "77" in said
    assert main(["train", "bytes-25m", "--list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["config"]["loop"]["steps"] == 200_000


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train"], "no recipe was named: choose one that laconic train --list shows"),
        (["train", "nothing"], "there is no recipe 'nothing': choose one of lm-cpu"),
        (["train", "lm-cpu", "--set", "colour=red"], "there is no setting 'colour': choose one of corpus, tokenizer"),
        (["train", "lm-cpu", "--set", "context=-1"], "the setting context=-1 is refused"),
        (["train", "lm-cpu", "--resume", "--out", "nowhere"], "nowhere holds no run"),
        (["evaluate", "nowhere"], "nowhere holds no run: name a folder that laconic train wrote"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert sentence in said and said.startswith("laconic: ") and said.count("\n") == 1


def test_resuming_names_the_recipe_that_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "config.json").write_text('{"recipe": "ngram", "config": {}}')
    assert main(["train", "lm-cpu", "--resume", "--out", str(tmp_path)]) == 2
    assert "holds a run of ngram: name that recipe to resume it" in capsys.readouterr().err
