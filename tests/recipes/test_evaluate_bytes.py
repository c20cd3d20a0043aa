"""A finished byte model is measured on other text, with its parent where there is one."""

from pathlib import Path

import pytest
from tests.recipes.small import write_text

from laconic.errors import UsageError
from laconic.recipes.bytelm import ByteLMConfig, run_bytelm
from laconic.recipes.evaluate import evaluate_run
from laconic.recipes.evaluate_bytes import measure_byte_run
from laconic.recipes.ngram import NGramRunConfig, run_ngram
from laconic.recipes.registry import RunOptions
from laconic.records.record import Record
from laconic.training.loop import LoopConfig


def test_parent_and_integers_are_measured_on_any_text(tmp_path: Path) -> None:
    text = write_text(tmp_path)
    sizes = {"size": "tiny", "band": 32, "context": 64, "valid_bytes": 500, "test_bytes": 2_000, "calibration_bytes": 500}
    config = ByteLMConfig(corpora=(f"{text}:1",), prior="none", loop=LoopConfig(steps=2, batch=2, device="cpu"), **sizes)
    trained = run_bytelm("small", config, tmp_path / "run", RunOptions()).results
    again = measure_byte_run(tmp_path / "run", corpus=None, split=None, limit=2_000, data_root=None)
    assert (again["corpus"], again["split"], again["context"], again["held_out_bytes"]) == (str(text), "test", 64, 2_000)
    assert again["bits_per_byte"] == trained["bits_per_byte"] and again["float_bits_per_byte"] == trained["float_bits_per_byte"]
    record, path = evaluate_run(tmp_path / "run", corpus="stdlib", limit=1_000)
    assert Record.load(path) == record and record.results["corpus"] == "stdlib"
    with pytest.raises(UsageError, match="leave out the stride"):
        evaluate_run(tmp_path / "run", stride=3)


def test_an_ngram_has_no_parent(tmp_path: Path) -> None:
    text = write_text(tmp_path)
    run_ngram("small", NGramRunConfig(corpora=(str(text),)), tmp_path / "run", RunOptions())
    measured = measure_byte_run(tmp_path / "run", corpus=None, split=None, limit=2_000, data_root=None)
    assert measured["bits_per_byte"] < 4 and "float_bits_per_byte" not in measured
