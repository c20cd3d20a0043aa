"""The models that come with laconic are what their recipes make."""

from pathlib import Path

import pytest
from tests.recipes.small import write_text

from laconic.bytelm.registry import load_byte_lm
from laconic.bytelm.train_ngram import NGramConfig
from laconic.recipes.ngram import BYTE_MODEL
from laconic.recipes.registry import RunOptions, find_recipe
from laconic.recipes.shipped import ShippedNGramConfig, ngram_6, run_shipped_ngram


def test_a_model_is_trained_measured_and_kept(tmp_path: Path) -> None:
    text, told = write_text(tmp_path), []
    model = NGramConfig(max_bytes=65_536)
    config = ShippedNGramConfig(prose=str(text), wrapped_every=1, returns_every=1, model=model)
    record = run_shipped_ngram("ngram-6", config, tmp_path / "run", RunOptions(progress=lambda *words: told.append(words)))
    results = record.results
    assert 0.5 < results[f"bits_per_byte_{text}"] < 6.0
    assert 1.0 < results["bits_per_byte_stdlib"] < 6.0
    assert f"{load_byte_lm(tmp_path / 'run' / BYTE_MODEL).fingerprint:016x}" == results["fingerprint"]
    assert {words for *_, words in told} == {f"counting {text}", "counting stdlib"}


def test_the_recipe_is_found() -> None:
    assert find_recipe("ngram-6").config == ngram_6().config == ShippedNGramConfig()
    with pytest.raises(ValueError, match="wrapped_every is 0"):
        ShippedNGramConfig(wrapped_every=0)
