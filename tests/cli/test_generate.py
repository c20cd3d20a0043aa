"""`laconic generate` from the command line: what it prints, and what it refuses."""

import json
from pathlib import Path

import pytest
from tests.recipes.small import small_config, write_text

from laconic.cli.main import main
from laconic.recipes.lm import run_lm
from laconic.recipes.registry import RunOptions


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("generate")
    run_lm("small", small_config(write_text(folder)), folder / "run", RunOptions())
    return folder / "run"


def test_help_has_two_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", "--help"]) == 0
    said = capsys.readouterr().out
    assert '$ laconic generate runs/small --prompt "def main(" --top-p 0.9' in said
    assert "$ laconic generate runs/trime --prompt-file chapter.txt --memory long --tokens 500" in said


def test_the_text_is_printed_behind_its_prompt(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "prompt.txt"
    file.write_text("the cat")
    words = ["generate", str(run), "--tokens", "40", "--seed", "5", "--memory", "long", "--memory-size", "20", "--top-p", "0.8"]
    assert main([*words, "--prompt", "the cat"]) == 0
    printed = capsys.readouterr().out
    assert main([*words, "--prompt-file", str(file)]) == 0
    assert capsys.readouterr().out == printed
    assert printed.startswith("the cat") and len(printed) > len("the cat\n")
    assert main([*words, "--prompt", "the cat", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["text"] + "\n" == printed and data["prompt_tokens"] == 7
    assert bytes([*b"the cat", *data["ids"]]).decode(errors="replace") == data["text"]
    assert data["tokens_per_second"] > 0
    memory = {"read": "long", "size": 20, "temperature": 1.0, "cache_weight": None}
    sampling = {"temperature": 1.0, "top_p": 0.8, "greedy": False}
    assert data["settings"] == {"run": str(run), "tokens": 40, "seed": 5, "memory": memory, "sampling": sampling}


def test_without_a_prompt_it_begins_a_text(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", str(run), "--tokens", "3", "--greedy", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["prompt_tokens"] == 0 and 1 <= len(data["ids"]) <= 3
    assert data["settings"]["memory"]["read"] == "none"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--tokens", "0"], "--tokens"),
        (["--seed", "-1"], "--seed"),
        (["--memory", "far"], "--memory"),
        (["--memory", "long", "--memory-size", "0"], "--memory-size"),
        (["--top-p", "0"], "top_p is 0.0, but must be above 0 and at most 1; laconic generate --help"),
        (["--top-p", "1.5"], "top_p is 1.5"),
        (["--sampling-temperature", "0"], "sampling temperature is 0.0, but must be positive"),
        (["--memory", "local", "--temperature", "0"], "temperature is 0.0, but must be positive"),
        (["--memory", "local", "--cache-weight", "1"], "cache_weight is 1.0"),
        (["--temperature", "2"], "change nothing without slots in memory"),
        (["--memory", "recurrence", "--cache-weight", "0.5"], "change nothing without slots in memory"),
        (["--prompt", "a", "--prompt-file", "b"], "leave out one of them"),
        ([], "nowhere holds no run: name a folder that laconic train wrote"),
    ],
)
def test_misuse_is_one_sentence(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", "nowhere", *words]) == 2
    said = capsys.readouterr()
    assert said.out == "" and message in said.err
    assert said.err.startswith("laconic: ") and said.err.count("\n") == 1


def test_a_prompt_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", "nowhere", "--prompt-file", "no-such.txt"]) == 1
    assert "no-such.txt: No such file or directory" in capsys.readouterr().err
