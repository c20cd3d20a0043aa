"""`laconic inspect`: what a file says of itself."""

import json
from pathlib import Path

import pytest

import laconic
from laconic.bytelm.registry import ALIASES, load_byte_lm
from laconic.cli.main import main
from laconic.errors import missing_extra


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    path = tmp_path / "text.lac"
    path.write_bytes(laconic.compress(bytes(range(256)) * 200, "uniform", precision=16))
    return path


def test_for_people(packed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(packed)]) == 0
    said = capsys.readouterr().out
    uniform = load_byte_lm("uniform")
    for words in ("51,200 bytes of text", f"{uniform.fingerprint:016x} ({uniform.description})", "16 bits", "xz", "1 block,"):
        assert words in said


def test_for_machines(packed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(packed), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["text_bytes"] == 51_200 and data["blocks"] == 1 and data["losses"] == []


def test_a_cut_file_is_shown_and_fails(packed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    packed.write_bytes(packed.read_bytes()[:-1])
    assert main(["inspect", str(packed)]) == 1
    captured = capsys.readouterr()
    assert "16 bits" in captured.out and "--salvage" in captured.err


def test_an_unknown_model_is_told(packed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import numpy as np

    from laconic.bytelm.unigram import UnigramByteLM

    packed.write_bytes(laconic.compress(b"text", UnigramByteLM(np.ones(257, np.uint32))))
    assert main(["inspect", str(packed)]) == 0
    assert "does not come with this laconic" in capsys.readouterr().out


def test_a_shipped_model_is_named(packed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    packed.write_bytes(laconic.compress(b"The quick brown fox jumps over the lazy dog", "light"))
    assert main(["inspect", str(packed)]) == 0
    assert f"({ALIASES['light']}: {load_byte_lm('light').description})" in capsys.readouterr().out
    assert main(["inspect", str(packed), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["model_name"] == ALIASES["light"]


def test_a_model_that_needs_a_missing_package_is_named_all_the_same(
    packed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def find(fingerprint: int) -> None:
        raise missing_extra("torch", "neural", "this byte model")

    packed.write_bytes(laconic.compress(b"The quick brown fox jumps over the lazy dog", "light"))
    monkeypatch.setattr("laconic.bytelm.registry.find_byte_lm", find)
    assert main(["inspect", str(packed)]) == 0
    assert f"({ALIASES['light']})" in capsys.readouterr().out


def test_other_files_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "plain").write_text("plain text")
    assert main(["inspect", str(tmp_path / "plain")]) == 1
    assert "not a file that laconic compressed" in capsys.readouterr().err
