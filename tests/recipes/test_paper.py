"""The paper's rows are the paper's: batch, length, steps, optimiser, schedule (Lester et al. 2024, section 3)."""

import pytest

from laconic.model.sizes import find_size
from laconic.recipes.paper import bytes_25m, equal_info_25m, equal_info_256_25m, sentencepiece_25m
from laconic.recipes.registry import Recipe
from laconic.training.schedule import learning_rate

ROWS = [bytes_25m(), sentencepiece_25m(), equal_info_25m(), equal_info_256_25m()]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_hyperparameters(row: Recipe) -> None:
    config, loop = row.config, row.config.loop
    assert loop.steps * loop.batch * config.context == 26_214_400_000
    assert (config.corpus, config.packing, config.z_loss, config.train_bytes) == ("c4-en", "trim", 1e-4, None)
    assert (loop.optimizer.name, loop.optimizer.weight_decay, loop.clip) == ("adafactor", 0.0, 0.0)
    assert learning_rate(loop.schedule, 5_000, loop.steps) == pytest.approx(0.01)
    assert learning_rate(loop.schedule, 200_000, loop.steps) == pytest.approx(0.00224, abs=1e-5)
    assert find_size(config.size).body == pytest.approx(25.2e6, rel=3e-3)


def test_rows_differ_only_in_their_tokenizers() -> None:
    assert len({row.config.tokenizer for row in ROWS}) == len({row.name for row in ROWS}) == 4
    assert {row.config.tokenizer for row in ROWS} == {
        "bytes",
        "sentencepiece[32000]",
        "equal-info[16,65536]",
        "equal-info[16,256]",
    }
