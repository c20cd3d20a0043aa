"""A byte model goes from text to a file that compresses; its float parent, the record and the log stay beside it."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.recipes.small import write_text

from laconic.archive.stream import compress, decompress
from laconic.bytelm.registry import load_byte_lm
from laconic.errors import CorruptFileError, UsageError
from laconic.model.folder import load_model
from laconic.recipes.bytelm import ByteLMConfig, bytelm_default, bytelm_paper, open_corpora, run_bytelm
from laconic.recipes.ngram import BYTE_MODEL
from laconic.recipes.registry import RunOptions, find_recipe
from laconic.records.record import Record
from laconic.training.loop import LoopConfig
from laconic.training.optimizer import OptimizerConfig
from laconic.training.schedule import ScheduleConfig


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_text(tmp_path_factory.mktemp("text"))


def _config(text: Path, **changes: object) -> ByteLMConfig:
    loop = LoopConfig(
        steps=30, batch=4, log_every=10, checkpoint_every=10, evaluate_every=15, device="cpu",
        optimizer=OptimizerConfig(name="muon"), schedule=ScheduleConfig(peak=2e-2, warmup=2),
    )  # fmt: skip
    sizes = {"size": "tiny", "band": 32, "context": 64, "valid_bytes": 1_000, "test_bytes": 2_000, "calibration_bytes": 1_000}
    config = ByteLMConfig(corpora=(f"{text}:0.9", "stdlib:0.1"), prior="none", loop=loop, **sizes)
    return replace(config, **changes)


def test_a_run_ends_with_a_model_that_compresses(tmp_path: Path, text: Path) -> None:
    told: list[tuple[int, int | None, str]] = []
    record = run_bytelm("small", _config(text), tmp_path / "run", RunOptions(progress=lambda *words: told.append(words)))
    results = record.results
    assert Record.load(tmp_path / "run" / "record.json") == record
    assert 0.5 < results["bits_per_byte"] < 5.0 and results["training_steps"] == 30
    assert abs(results["quantization_cost"]) < 0.02
    assert len(results["held_out_curve"]) == 2 and told[-1][2].startswith("step 30/30")
    model = load_byte_lm(tmp_path / "run" / BYTE_MODEL)
    assert f"{model.fingerprint:016x}" == results["fingerprint"]
    data = text.read_bytes()[:500]
    assert decompress(compress(data, model), model) == data
    assert load_model(tmp_path / "run" / "model").config.model_type == "mistral"


def test_training_goes_on_from_given_weights(tmp_path: Path, text: Path) -> None:
    run_bytelm("small", _config(text), tmp_path / "a", RunOptions())
    config = _config(
        text, initial=str(tmp_path / "a" / "model" / "model.safetensors"), loop=replace(_config(text).loop, steps=1)
    )
    first = run_bytelm("small", config, tmp_path / "b", RunOptions()).results["float_bits_per_byte"]
    assert first < 5.0
    with pytest.raises(CorruptFileError, match="does not hold the weights"):
        run_bytelm("small", replace(config, size="500k"), tmp_path / "c", RunOptions())


def test_on_top_of_the_ngram_it_starts_where_that_ends(tmp_path: Path, text: Path) -> None:
    quick = replace(_config(text).loop, steps=1, schedule=ScheduleConfig(peak=1e-9, warmup=0))
    record = run_bytelm("small", _config(text, prior="light", loop=quick), tmp_path / "run", RunOptions())
    assert record.results["bits_per_byte"] == pytest.approx(record.results["float_bits_per_byte"], rel=0.01)
    assert record.results["bits_per_byte"] < 4.5


def test_only_the_first_corpus_is_wrapped(text: Path) -> None:
    config = _config(text, corpora=("stdlib:1", f"{text}:1"), wrapped=1.0)
    assert ["wrapped" in corpus.describe() for corpus, _ in open_corpora(config, None).values()] == [True, False]


def test_recipes_are_found_and_wrong_settings_named() -> None:
    assert find_recipe("bytelm-default").config == bytelm_default().config
    assert (find_recipe("bytelm-paper").config.loop.steps, bytelm_paper().config.band) == (2_500_000, 1024)
    for change, message in (
        ({"context": 100}, "context is 100"),
        ({"context": 128, "band": 256}, "no less than band"),
        ({"short": 2.0}, "short is 2.0"),
        ({"wrapped": -1.0}, "wrapped is -1.0"),
        ({"test_bytes": 0}, "test_bytes is 0"),
    ):
        with pytest.raises(ValueError, match=message):
            ByteLMConfig(**change)
    with pytest.raises(UsageError, match="'stdlib' has no share"):
        ByteLMConfig(corpora=("stdlib",))
