"""Settings are read by the type of their field, refused with a sentence, and survive JSON."""

import json

import pytest

from laconic.errors import CorruptFileError, UsageError
from laconic.recipes.lm import LMConfig
from laconic.recipes.settings import apply_settings, from_plain, list_settings, to_plain


def test_each_kind_of_field_is_read() -> None:
    words = ["size=3m", "context=128", "train_bytes=2e6", "stride=64", "z_loss=0", "loop.schedule.peak=3e-3"]
    config = apply_settings(LMConfig(), [*words, "loop.trackers=tensorboard, wandb", "loop.optimizer.name=adafactor"])
    assert (config.size, config.context, config.train_bytes, config.stride) == ("3m", 128, 2_000_000, 64)
    assert (config.z_loss, config.loop.schedule.peak) == (0.0, 0.003)
    assert config.loop.trackers == ("tensorboard", "wandb")
    assert config.loop.optimizer.name == "adafactor"
    assert apply_settings(config, ["train_bytes=none", "context=1_000"]).train_bytes is None


def test_later_settings_win_and_the_config_itself_stays() -> None:
    config = LMConfig()
    assert apply_settings(config, ["context=1", "context=2"]).context == 2
    assert config == LMConfig()


def test_all_keys_are_listed_and_settable() -> None:
    config = LMConfig()
    listed = list_settings(config)
    assert {"corpus", "loop.steps", "loop.schedule.decay", "loop.optimizer.beta2"} <= set(listed)
    words = [f"{key}={','.join(value) if isinstance(value, tuple) else value}" for key, value in listed.items()]
    assert apply_settings(config, words) == config


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("context", r"'context' has no value: write it as key=value"),
        ("contxt=3", r"no setting 'contxt': choose one of corpus, tokenizer, .*loop\.schedule\.peak"),
        ("loop=3", "no setting 'loop'"),
        ("context.x=3", r"no setting 'context\.x'"),
        ("context.x.y=3", r"no setting 'context\.x\.y'"),
        ("context=many", r"context=many is refused \(invalid literal"),
        ("context=1.5e0", "1.5e0' is not a whole number"),
        ("seed=1e999", "seed=1e999 is refused"),
        ("seed=-1", "seed is -1, but must be at least 0"),
        ("stride=257", "stride is 257, but must lie between 1 and the context, 256"),
        ("packing=tight", "packing is 'tight', but must be one of pack, trim"),
        ("z_loss=nan", "z_loss is nan, but must be a number from 0 on"),
        ("context=0", r"context=0 is refused \(context is 0, but must be at least 1\)"),
        ("loop.schedule.decay=soon", "decay is 'soon', but must be one of constant"),
    ],
)
def test_wrong_settings_are_sentences(word: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        apply_settings(LMConfig(), [word])


def test_settings_that_go_together_are_judged_together() -> None:
    """In any order, though each alone would be refused."""
    with pytest.raises(UsageError, match=r"the setting context=64 is refused \(stride is 256"):
        apply_settings(apply_settings(LMConfig(), ["context=256", "stride=256"]), ["context=64"])
    for words in (["context=64", "stride=64"], ["stride=64", "context=64"]):
        assert apply_settings(apply_settings(LMConfig(), ["stride=256"]), words).context == 64
    with pytest.raises(UsageError, match=r"one of the settings context=64 stride=65 is refused"):
        apply_settings(LMConfig(), ["context=64", "stride=65"])


def test_json_and_back_is_the_same() -> None:
    config = apply_settings(LMConfig(), ["loop.trackers=a,b", "stride=7", "size=tiny"])
    assert from_plain(LMConfig, json.loads(json.dumps(to_plain(config))), name="here") == config


@pytest.mark.parametrize("values", [{"nothing": 1}, {"context": "many"}, {"loop": 3}, {"context": 0}])
def test_foreign_json_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(CorruptFileError, match="here holds no configuration of this recipe"):
        from_plain(LMConfig, values, name="here")
