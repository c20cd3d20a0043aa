"""`laconic decompress`: the same bytes, or one sentence and no file; and what salvage leaves."""

import io
import json
import random
from pathlib import Path

import pytest

from laconic.archive.layout import Layout
from laconic.archive.places import next_frame
from laconic.archive.writer import compress_stream
from laconic.bytelm.registry import load_byte_lm
from laconic.cli.main import main

DICE = random.Random(7)
TEXT = b"".join(DICE.randbytes(16_000) for _ in range(4))


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    """A file of four blocks."""
    path = tmp_path / "noise.bin.lac"
    layout = Layout(block_bytes=16_000, join=False)
    with path.open("wb") as file:
        compress_stream(io.BytesIO(TEXT), file, model=load_byte_lm("uniform"), layout=layout)
    return path


def damage(path: Path, place: int) -> None:
    blob = bytearray(path.read_bytes())
    blob[place] ^= 1
    path.write_bytes(blob)


def test_back_to_the_name_before(packed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decompress", str(packed)]) == 0
    assert packed.with_name("noise.bin").read_bytes() == TEXT
    assert f"became {len(TEXT):,}" in capsys.readouterr().out


def test_to_standard_output_and_json(packed: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["decompress", str(packed), "-o", "-", "--json"]) == 0
    captured = capfdbinary.readouterr()
    assert captured.out == TEXT and json.loads(captured.err)["blocks"] == 4


def test_damage_is_one_sentence_and_no_file(packed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    damage(packed, 40_000)
    assert main(["decompress", str(packed)]) == 1
    error = capsys.readouterr().err
    assert "block 2 at byte" in error and "--salvage" in error and error.count("\n") == 1
    assert [path.name for path in packed.parent.iterdir()] == [packed.name]


def test_salvage_writes_what_is_left_tells_what_is_lost_and_fails(packed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    damage(packed, 40_000)
    assert main(["decompress", str(packed), "--salvage"]) == 1
    assert packed.with_name("noise.bin").read_bytes() == TEXT[:32_000] + TEXT[48_000:]
    assert "lost: bytes 32000 to 47999 of the text" in capsys.readouterr().err
    assert main(["decompress", str(packed), "--salvage", "--force", "--json"]) == 1
    losses = json.loads(capsys.readouterr().out)["losses"]
    assert [(loss["text_start"], loss["text_stop"]) for loss in losses] == [(32_000, 48_000)]


def test_salvage_of_a_whole_file_succeeds(packed: Path) -> None:
    assert main(["decompress", str(packed), "--salvage"]) == 0
    assert packed.with_name("noise.bin").read_bytes() == TEXT


def test_a_damaged_index_is_a_remark(packed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    damage(packed, packed.stat().st_size - 12)
    assert main(["decompress", str(packed)]) == 0
    assert "the index" in capsys.readouterr().err


def test_the_name_of_the_text_must_be_known(packed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = packed.rename(packed.with_suffix(".dat"))
    assert main(["decompress", str(other)]) == 2
    assert "-o" in capsys.readouterr().err
    assert main(["decompress", str(other), "-o", str(other.with_name("text"))]) == 0


def test_the_wrong_model_and_other_files(packed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import numpy as np

    from laconic.bytelm.registry import save_byte_lm
    from laconic.bytelm.unigram import UnigramByteLM

    model = tmp_path / "other.safetensors"
    save_byte_lm(UnigramByteLM(np.ones(257, np.uint32)), model)
    assert main(["decompress", str(packed), "--model", str(model)]) == 1
    assert "was compressed with the byte model" in capsys.readouterr().err
    (tmp_path / "plain.lac").write_text("plain text")
    assert main(["decompress", str(tmp_path / "plain.lac")]) == 1
    assert "not a file that laconic compressed" in capsys.readouterr().err
    assert not (tmp_path / "plain").exists()


def test_a_file_compressed_with_a_model_of_ones_own(tmp_path: Path) -> None:
    import numpy as np

    from laconic.bytelm.registry import save_byte_lm
    from laconic.bytelm.unigram import UnigramByteLM

    model, text = str(tmp_path / "own.safetensors"), tmp_path / "text"
    save_byte_lm(UnigramByteLM(np.arange(257, dtype=np.uint32)), Path(model))
    text.write_bytes(b"own words")
    assert main(["compress", str(text), "--model", model]) == 0
    assert main(["decompress", f"{text}.lac", "--force"]) == 1
    assert main(["decompress", f"{text}.lac", "--force", "--model", model]) == 0
    assert text.read_bytes() == b"own words"


def test_threads(packed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decompress", str(packed), "--threads", "-3"]) == 2
    assert "threads is -3" in capsys.readouterr().err and not packed.with_name("noise.bin").exists()
    assert main(["decompress", str(packed), "--threads", "64"]) == 0
    assert packed.with_name("noise.bin").read_bytes() == TEXT


def test_the_damage_was_where_it_was_meant(packed: Path) -> None:
    with packed.open("rb") as file:
        assert next_frame(file, 17, packed.stat().st_size) < 40_000
