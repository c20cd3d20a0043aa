"""`laconic tokenizer`: every sub-command as people call it, and every way it can fail."""

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from laconic.cli.main import main
from laconic.cli.tokenizer import split_names

TEXT = "The cat sat on the mät, and the hat of the cat was flat.\n" * 5


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "book.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("kind", "options", "name"),
    [
        ("bytes", [], "bytes"),
        ("bpe", ["--vocab-size", "270"], "bpe[270]"),
        ("static-ac", ["--token-bits", "8"], "static-ac[256]"),
        ("gzip", ["--no-header"], "gzip[65536,no-header]"),
        ("ac", ["--model", "uniform", "--precision", "20"], "ac[65536]"),
        ("equal-info", ["--bits", "24", "--reset", "2", "--reading", "delay"], "equal-info[24,65536,delay,reset=2]"),
        ("equal-info", ["--token-bits", "8"], "equal-info[16,256]"),
    ],
)
def test_build_then_use(kind, options, name, book, tmp_path, capsys):
    out = tmp_path / "built"
    assert main(["tokenizer", "build", kind, "--corpus", str(book), "--out", str(out), "--json", *options]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == name
    ids, copy = tmp_path / "ids.npy", tmp_path / "copy"
    assert main(["tokenizer", "encode", str(book), "-t", str(out), "-o", str(ids)]) == 0
    assert f"{len(TEXT.encode()):,} bytes became" in capsys.readouterr().out
    assert main(["tokenizer", "decode", str(ids), "-t", str(out), "-o", str(copy)]) == 0
    assert copy.read_bytes() == book.read_bytes()


def test_building_reads_no_more_than_asked(book, tmp_path, capsys):
    out = str(tmp_path / "built")
    assert main(["tokenizer", "build", "static-ac", "--corpus", str(book), "--out", out, "--limit-mb", "0.001"]) == 0
    assert "static-ac[65536] with 65,536 ids is in" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["huffman"], "huffman"),
        (["gzip", "--vocab-size", "300"], "vocab_size"),
        (["equal-info", "--bits", "8"], "bits is 8"),
        (["equal-info", "--reset", "often"], "reset is 'often'"),
        (["bpe", "--corpus", "no/such/corpus"], "no/such/corpus"),
        (["bytes", "--compile"], "--compile is for windows"),
        (["equal-info", "--compile", "--bits", "32"], "about 193 GB"),
        (["equal-info", "--compile", "--reading", "delay"], "only windows of the reading exact"),
    ],
)
def test_what_cannot_be_built_is_misuse(options, words, tmp_path, capsys):
    assert main(["tokenizer", "build", *options, "--out", str(tmp_path / "built")]) in (1, 2)
    said = capsys.readouterr().err
    assert said.startswith("laconic: ") and words in said
    assert not (tmp_path / "built").exists()


def test_windows_are_compiled_when_built(tmp_path, capsys):
    def build(*options):
        assert main(["tokenizer", "build", "equal-info", "--out", str(tmp_path / "out"), "--json", *options]) == 0
        return json.loads(capsys.readouterr().out)["compiled"]

    assert build()["codes"] == 1 << 16
    assert (tmp_path / "out" / "codebook.safetensors").is_file()
    assert build("--bits", "17") is build("--reset", "2") is None
    assert build("--bits", "17", "--compile", "--model", "uniform")["codes"] == 1 << 17
    assert main(["tokenizer", "build", "equal-info", "--out", str(tmp_path / "out")]) == 0
    assert ", compiled to " in capsys.readouterr().out


def test_ids_travel_as_text_through_pipes(monkeypatch, capsysbinary):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TEXT.encode())))
    assert main(["tokenizer", "encode", "-"]) == 0
    ids = capsysbinary.readouterr().out
    assert len(ids.split()) < len(TEXT) / 2
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(ids)))
    assert main(["tokenizer", "decode", "-"]) == 0
    assert capsysbinary.readouterr().out == TEXT.encode()


def test_encode_as_json_and_as_a_file_of_text(book, tmp_path, capsys):
    assert main(["tokenizer", "encode", str(book), "-t", "bytes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ids"] == list(TEXT.encode())
    assert main(["tokenizer", "encode", str(book), "-t", "bytes", "-o", str(tmp_path / "ids"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["tokens"] == len(TEXT.encode())
    assert main(["tokenizer", "decode", str(tmp_path / "ids"), "-t", "bytes", "-o", str(tmp_path / "copy"), "--json"]) == 0
    assert (tmp_path / "copy").read_text(encoding="utf-8") == TEXT


@pytest.mark.parametrize("content", [b"1 2 x", b"1.5", b"-1", b"99999999999999999999", b"70000", b"\xff\x00"])
def test_what_is_no_ids_is_refused(content, tmp_path, capsys):
    (tmp_path / "ids").write_bytes(content)
    assert main(["tokenizer", "decode", str(tmp_path / "ids")]) == 1
    assert "laconic: " in capsys.readouterr().err


def test_what_is_no_array_of_ids_is_refused(tmp_path, capsys):
    path = tmp_path / "ids.npy"
    np.save(path, np.arange(1000, dtype=np.int32))
    huge = path.read_bytes().replace(b"(1000,)", b"(99999999999999,)"[:7])
    for content in (b"", b"junk", path.read_bytes()[:-9], huge):
        path.write_bytes(content)
        assert main(["tokenizer", "decode", str(path)]) == 1
        assert "ids.npy" in capsys.readouterr().err
    for array in (np.ones((2, 2), np.int32), np.ones(3), np.array([{}], object)):
        np.save(path, array, allow_pickle=True)
        assert main(["tokenizer", "decode", str(path)]) == 1
        assert "ids.npy" in capsys.readouterr().err


def test_show_puts_bars_between_tokens(capsys):
    assert main(["tokenizer", "show", "The cat sat on the mat.", "--bits"]) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[0].replace("│", "") == "The cat sat on the mat."
    assert said.count("│") >= 3 and "equal-info[16,65536]: 23 symbols" in said


def test_show_reads_files_and_prints_json(book, capsys):
    assert main(["tokenizer", "show", str(book), "-t", "equal-info[16,256]", "--json", "--bits"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert "".join(run["text"] for run in data["runs"]).replace("<C3><A4>", "ä") == TEXT
    assert all(len(run["ids"]) == 2 and len(run["bits"]) == 17 for run in data["runs"])
    assert main(["tokenizer", "show", str(book), "--limit", "1"]) == 0
    assert "--limit shows them" in capsys.readouterr().out


def test_show_nothing_and_long_texts(capsys):
    assert main(["tokenizer", "show", ""]) == 0
    assert main(["tokenizer", "show", "a" * 600, "-t", "gzip[256]"]) == 0
    assert "gzip[256]: 600 symbols" in capsys.readouterr().out


def test_compare(book, capsys):
    assert (
        main(
            [
                "tokenizer",
                "compare",
                str(book),
                "--tokenizers",
                "bytes,equal-info[16,256],gzip[65536]",
                "--json",
                "--piece",
                "64",
            ]
        )
        == 0
    )
    rows = json.loads(capsys.readouterr().out)["tokenizers"]
    assert [row["name"] for row in rows] == ["bytes", "equal-info[16,256]", "gzip[65536]"]
    assert all(row["lossless"] and row["encode_mb_per_s"] > 0 for row in rows)
    assert rows[0]["bytes_per_token"] == 1 < rows[1]["bytes_per_token"]
    assert main(["tokenizer", "compare", str(book), "--tokenizers", "equal-info[16,65536,paper]", "--piece", "0"]) == 0
    assert "bytes/token" in capsys.readouterr().out


def test_compare_needs_text(tmp_path, capsys):
    (tmp_path / "empty").touch()
    assert main(["tokenizer", "compare", str(tmp_path / "empty")]) == 2
    assert "holds no text" in capsys.readouterr().err


def test_names_may_hold_commas_in_brackets():
    assert split_names("bytes,equal-info[16,256],a/b,gzip[256,no-header]") == [
        "bytes",
        "equal-info[16,256]",
        "a/b",
        "gzip[256,no-header]",
    ]


@pytest.mark.parametrize("command", ["build", "encode", "decode", "show", "compare"])
def test_every_command_has_a_worked_example(command, capsys):
    assert main(["tokenizer", command, "--help"]) == 0
    text = capsys.readouterr().out
    assert "Example: " in text and f"laconic tokenizer {command} " in text.split("Example: ")[1]


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from laconic.cli.main import main; main(['tokenizer', 'show', '--help']);"
        "assert not {'numba', 'numpy', 'torch', 'rich.table'} & set(sys.modules), sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.parametrize("limit", ["inf", "nan"])
def test_a_limit_that_is_no_size_is_refused(limit: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tokenizer", "build", "static-ac", "--out", str(tmp_path / "out"), "--limit-mb", limit]) == 2
    assert "--limit-mb" in capsys.readouterr().err
