import json
from pathlib import Path

import pytest
from tests.tiny_decoder import tiny_decoder, tiny_text
from tests.tiny_encoder import tiny_encoder, tiny_table

from laconic.cli.main import main
from laconic.cli.prune import describe
from laconic.records.record import Record

QUICK = (
    "fine_tune.epochs=20",
    "fine_tune.rate=0.003",
    "fine_tune.batch=16",
    "prepare.epochs=1",
    "prune.epochs=2",
    "tune.epochs=1",
    "evaluations=2",
    "max_length=16",
    "measure.rounds=0",
)


def words(tmp_path: Path, *more: str) -> list[str]:
    table, model = tiny_table(tmp_path / "train.csv"), tiny_encoder(tmp_path / "encoder")
    settings = [word for setting in QUICK for word in ("--set", setting)]
    return ["prune", str(model), "--data", str(table), "--sparsity", "0.5", *settings, *more]


def test_a_table_becomes_a_smaller_classifier(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    asked = words(tmp_path, "--out", str(out))
    code, said = main([*asked, "--json"]), capsys.readouterr()
    assert code == 0, said.err
    printed = json.loads(said.out)
    assert [row["sparsity"] for row in printed["results"]["models"]] == [0.0, 0.5]
    assert main([*asked, "--resume"]) == 0
    table = capsys.readouterr().out.splitlines()
    assert table[0].split()[:2] == ["gone", "accuracy"] and "sparsity-0.5/model" in table[2]


def test_columns_without_a_table_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prune", str(tmp_path), "--task", "sst2", "--label", "mark"]) == 2
    assert "say how a table is read: give one with --data" in capsys.readouterr().err


def test_settings_are_shown_without_doing_anything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words(tmp_path, "--list", "--schedule", "small")) == 0
    assert "distill.temperature" in capsys.readouterr().out
    assert main(["prune", str(tmp_path), "--list"]) == 0 and "distill.temperature" in capsys.readouterr().out
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--task", "sst2"], "give one of --task, --data and --text, and not several"),
        (["--text", "book.txt"], "give one of --task, --data and --text, and not several"),
        (["--valid-text", "book.txt"], "--valid-text says what a text is judged on: give one with --text"),
        (["--sparsity", "60%"], "--sparsity is '60%', but must be numbers with commas between"),
        (["--sparsity", ""], "--sparsity is '', but must be numbers with commas between"),
        (["--speedup", "5"], "give --sparsity or --speedup, and not both"),
        (["--sparsity", "0.9,0.5"], "numbers that rise"),
        (["--schedule", "long"], "there is no schedule 'long': choose one of quick, small, large, text"),
        (["--label", "mark"], "mark"),
        (["--deliver", "onnx,zip"], "deliver is onnx, zip, but must be some of onnx, int8, half, trimmed"),
        (["--set", "distill.mapping=any"], "mapping is 'any'"),
    ],
)
def test_misuse_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], sentence: str) -> None:
    asked = words(tmp_path, "--out", str(tmp_path / "run"), *more)
    capsys.readouterr()
    assert main(asked) == 2
    said = capsys.readouterr().err.strip()
    assert sentence in said and said.startswith("laconic: ")


def test_a_language_model_is_pruned_on_a_text_and_judged_by_its_bytes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, model = tiny_text(tmp_path / "book.txt"), tiny_decoder(tmp_path / "gpt2")
    quick = [
        "fine_tune.epochs=4",
        "fine_tune.rate=0.01",
        "prune.epochs=0.2",
        "tune.epochs=0.2",
        "evaluations=1",
        "max_length=16",
        "measure.rounds=0",
    ]
    settings = [word for setting in quick for word in ("--set", setting)]
    out = tmp_path / "run"
    code = main(["prune", str(model), "--text", str(text), "--sparsity", "0.5", *settings, "--out", str(out)])
    said = capsys.readouterr()
    assert code == 0, said.err
    table = [line.split() for line in said.out.splitlines()]
    assert table[0][:4] == ["gone", "bits_per_byte", "perplexity", "parameters"]
    assert float(table[1][1]) < float(table[2][1]) and table[2][-1].endswith("sparsity-0.5/model")


def test_models_that_were_made_for_speed_say_how_much_faster_they_are() -> None:
    sizes = {"all": 90, "without_embeddings": 60}
    same = {"scores": {"accuracy": 0.9}, "parameters": sizes}
    whole = {"folder": "teacher", "sparsity": 0.0, **same, "times_faster": {"torch": 1.0}}
    speed = {"speedup": {"wanted": 5.0, "measured": 4.8}, "times_faster": {"torch": 3.1}}
    fast = {**whole, "folder": "speedup-5", "real_sparsity": 0.75, **speed}
    record = Record.start(kind="prune", name="task", config={}).finish(results={"models": [whole, fast]})
    lines = [line.split() for line in describe(record, Path("run")).splitlines()]
    assert lines == [
        ["gone", "accuracy", "parameters", "without", "embeddings", "faster", "model"],
        ["0.0%", "0.9000", "90", "60", "1.0x", "run/teacher/model"],
        ["75.0%", "0.9000", "90", "60", "4.8x", "run/speedup-5/model"],
    ]


def test_models_that_are_worth_nothing_are_said_to_be(tmp_path: Path) -> None:
    sizes = {"all": 90, "without_embeddings": 60}
    rows = [{"folder": f"at-{score}", "scores": {"accuracy": score}, "parameters": sizes} for score in (0.9, 0.5)]
    learned = {"examples": 360, "labels": ["bad", "good"]}
    results = {"models": rows, "without_a_model": 0.5, "judged_on": {"examples": 40}, "learned_from": learned}
    lines = describe(Record.start(kind="prune", name="task", config={}).finish(results=results), Path("run")).splitlines()
    assert [line.strip() for line in lines[3:]] == [
        "no better than without a model (0.5000)",
        "Learned from 360 examples with the labels bad, good.",
        "Judged on 40 examples, of which one counts 0.0250.",
    ]
