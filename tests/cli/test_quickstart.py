"""`laconic quickstart` prints what came out as tables, and says where the report is."""

import json
from pathlib import Path

import pytest

from laconic.cli.main import main
from laconic.records.record import Record

CODEC = {
    "name": "laconic default",
    "compressed_bytes": 250,
    "bits_per_byte": 2.0,
    "encode_mb_per_s": 1.0,
    "decode_mb_per_s": 1.0,
}
TOKENIZER = {"name": "bytes", "vocab_size": 257, "bytes_per_token": 1.0, "bit_compression": 0.999, "encode_mb_per_s": 9.0}
MODEL = {
    "tokenizer": "bytes", "bits_per_byte": 2.5, "bytes_per_step": 1.0, "flops_per_byte": 2e6, "flops_per_byte_full": 3e6,
    "parameters": 1_000_000, "training_bytes": 600_000, "held_out_bytes": 1000, "notes": ["a note"],
}  # fmt: skip


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> None:
    """The run itself is tested in its own room; here it is over at once."""

    def run(text: Path | None, out: Path, tell: object) -> list[Record]:
        assert callable(tell)
        tell("compressing", 1, 2, "gzip -9")
        results = {
            "compression": {"file": "held-out text", "bytes": 1000, "codecs": [CODEC]},
            "tokenizers": {"file": "held-out text", "bytes": 1000, "tokenizers": [TOKENIZER]},
            "language-model": MODEL,
        }
        return [Record.start(kind=kind, name="test").finish(results=found) for kind, found in results.items()]

    monkeypatch.setattr("laconic.recipes.quickstart.run_quickstart", run)


def test_tables_and_the_place_of_the_report(done: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["quickstart", "--out", "somewhere"]) == 0
    out, err = capsys.readouterr()
    for words in ("laconic default", "2.000", "bit compression", "2.500", "Note: a note", "The report: somewhere/report.html"):
        assert words in out, words
    assert max(map(len, out.splitlines())) <= 100
    assert "compressing" in err


def test_json_is_json_alone(done: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["quickstart", "--json"]) == 0
    out, err = capsys.readouterr()
    data = json.loads(out)
    assert [record["kind"] for record in data["records"]] == ["compression", "tokenizers", "language-model"]
    assert data["report"] == "quickstart/report.html" and err == ""
