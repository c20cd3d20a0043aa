"""Runs in processes of their own give what they give here, tell of their progress, and fail with their own sentence."""

import io
import json
import sys
from pathlib import Path

import pytest
from tests.recipes.small import small_config, write_text

from laconic.errors import LaconicError, TrainingError, UsageError
from laconic.recipes import worker
from laconic.recipes.lm import run_lm
from laconic.recipes.registry import RunOptions
from laconic.recipes.settings import to_plain
from laconic.recipes.worker import Order, run_side_by_side


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_text(tmp_path_factory.mktemp("text"))


def test_side_by_side_is_what_it_is_alone(tmp_path: Path, text: Path) -> None:
    configs = [small_config(text), small_config(text, tokenizer="gzip[256]")]
    told: list[tuple[int, int, str]] = []
    orders = [Order(name=f"run {number}", config=config, out=tmp_path / str(number)) for number, config in enumerate(configs)]
    records = run_side_by_side(orders, lambda *words: told.append(words), cores=2)
    alone = run_lm("run 0", configs[0], tmp_path / "alone", RunOptions())
    assert [record.name for record in records] == ["run 0", "run 1"]
    assert records[0].results["bits_per_byte"] == alone.results["bits_per_byte"]
    assert tuple(records[0].command) == tuple(sys.argv)
    assert {(number, done) for number, done, _ in told} >= {(0, 2_000), (1, 2_000)}


@pytest.mark.parametrize(("code", "kind"), [(1, TrainingError), (2, UsageError)])
def test_the_sentence_of_a_failed_run_comes_through(
    tmp_path: Path, text: Path, monkeypatch: pytest.MonkeyPatch, code: int, kind: type[LaconicError]
) -> None:
    fake = tmp_path / "fake"
    said = ["not a message", "7", '{"done": 5, "words": "so far"}', r"\0377", '{"error": "the reason: what to do"}']
    fake.write_text("#!/bin/sh\n" + "".join(f"printf '%b\\n' '{line}'\n" for line in said) + f"exit {code}\n")
    fake.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(fake))
    told: list[tuple[int, int, str]] = []
    with pytest.raises(kind, match=r"^the reason: what to do$"):
        order = Order(name="run", config=small_config(text), out=tmp_path / "run")
        run_side_by_side([order], lambda *words: told.append(words))
    assert told == [(0, 5, "so far")]


def test_a_process_that_dies_is_named(tmp_path: Path, text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(TrainingError, match=r"the run 'run' ended with code 1 .*: run it again"):
        run_side_by_side([Order(name="run", config=small_config(text), out=tmp_path / "run")], lambda *words: None)


def test_the_process_itself(
    tmp_path: Path, text: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = small_config(text, train_bytes=500)
    order = {"name": "run", "config": to_plain(config), "out": str(tmp_path / "run"), "command": ["laconic", "words"]}
    monkeypatch.setattr(sys, "argv", sys.argv)
    for code in (0, 2):
        monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(order)))
        assert worker.main() == code
    messages = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert messages[-2]["done"] == 500
    assert "holds a run already" in messages[-1]["error"]


def test_what_a_library_prints_is_no_message(
    tmp_path: Path, text: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    order = {"name": "run", "config": to_plain(small_config(text)), "out": str(tmp_path), "command": ["laconic"]}
    monkeypatch.setattr(sys, "argv", sys.argv)
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(order)))
    monkeypatch.setattr("laconic.recipes.lm.run_lm", lambda *words: sys.stdout.write("by the way\n"))
    assert worker.main() == 0
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "by the way\n")
