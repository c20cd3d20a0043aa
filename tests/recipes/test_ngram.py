"""An n-gram model comes out of its recipe as a file and a record."""

from pathlib import Path

import pytest
from tests.recipes.small import write_text

from laconic.bytelm.registry import load_byte_lm
from laconic.bytelm.train_ngram import NGramConfig
from laconic.recipes.ngram import BYTE_MODEL, NGramRunConfig, ngram, run_ngram
from laconic.recipes.registry import RunOptions


def test_a_model_is_trained_measured_and_kept(tmp_path: Path) -> None:
    text, told = write_text(tmp_path), []
    config = NGramRunConfig(corpora=(str(text),), test_bytes=2_000, model=NGramConfig(order=4, max_bytes=65_536))
    record = run_ngram("ngram", config, tmp_path / "run", RunOptions(progress=lambda *words: told.append(words)))
    results = record.results
    assert 0.5 < results["bits_per_byte"] < 3.0
    assert (results["held_out_bytes"], record.cost["flops"]) == (2_000, 0)
    assert results["file_bytes"] <= 65_536
    assert f"{load_byte_lm(tmp_path / 'run' / BYTE_MODEL).fingerprint:016x}" == results["fingerprint"]
    assert told[-1][2].startswith("counting")


def test_wrong_settings_are_named() -> None:
    assert ngram().config == NGramRunConfig()
    with pytest.raises(ValueError, match="corpora is empty"):
        NGramRunConfig(corpora=())
    with pytest.raises(ValueError, match="test_bytes is 0"):
        NGramRunConfig(test_bytes=0)
    for precision in (11, 25):
        with pytest.raises(ValueError, match=f"precision is {precision}"):
            NGramRunConfig(precision=precision)
