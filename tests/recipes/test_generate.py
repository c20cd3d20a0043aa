"""A finished run goes on with a text, with every memory, as measuring the same text would charge for it."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.recipes.small import small_config, write_text
from tests.training.models import tiny_model
from transformers import BloomConfig, BloomForCausalLM, PreTrainedModel

from laconic.errors import UsageError
from laconic.evaluation.memory import MemoryConfig, charge, read_windows
from laconic.evaluation.recurrence import recurrent_bits
from laconic.memory.objective import TrimeConfig
from laconic.memory.sampling import Sampling
from laconic.recipes.generate import generate_text, load_run, open_reader
from laconic.recipes.lm import LMConfig, run_lm
from laconic.recipes.registry import RunOptions
from laconic.tokens.face import Tokenizer

SHAPE = {"vocab_size": 20, "context": 16}
TOKENS = np.random.default_rng(0).integers(0, 6, 16 + 5 * 8).astype(np.int32)
MEMORIES = [
    MemoryConfig(),
    MemoryConfig(read="local", temperature=0.5),
    MemoryConfig(read="long", size=11),
    MemoryConfig(read="long", size=500, cache_weight=0.2),
    MemoryConfig(read="recurrence"),
]
GREEDY = Sampling(greedy=True)
PROMPT = "the cat sat on the mat.\n" * 4


def _config(folder: Path) -> LMConfig:
    config = small_config(write_text(folder))
    return replace(config, order="random", train_bytes=None, loop=replace(config.loop, steps=12))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A finished run of each objective."""
    folder = tmp_path_factory.mktemp("generate")
    plain = _config(folder)
    configs = {
        "lm": plain,
        "trime": replace(plain, objective="trime", trime=TrimeConfig(warmup=2, temperature=1.5)),
        "recurrence": replace(plain, objective="recurrence", order="parallel"),
    }
    for name, config in configs.items():
        run_lm("small", config, folder / name, RunOptions())
    return {name: folder / name for name in configs}


def charged(model: PreTrainedModel, memory: MemoryConfig) -> list[float]:
    """What a reader with a memory says of each token of the text, one at a time."""
    found = list[float]()
    with open_reader(model, memory, **SHAPE) as reader:
        for token in TOKENS.tolist():
            found.append(float(reader.log_probabilities()[token]))
            reader.take([token])
    return found


@pytest.mark.parametrize("memory", MEMORIES[:-1])
def test_a_text_is_charged_as_it_is_measured(memory: MemoryConfig) -> None:
    model = tiny_model().eval()
    windows = read_windows(model, TOKENS, stride=SHAPE["context"] // 2, **SHAPE)
    measured_N = torch.cat([log_p_N for _, log_p_N in charge(windows, memory)])
    assert len(measured_N) == len(TOKENS)
    torch.testing.assert_close(torch.tensor(charged(model, memory)), measured_N.float(), rtol=0, atol=1e-4)


def test_with_recurrence_too() -> None:
    model, whole = tiny_model().eval(), TOKENS[:48]
    bits = recurrent_bits(model, whole, len(whole), **SHAPE)
    nats = -sum(charged(model, MEMORIES[-1])[: len(whole)])
    assert nats / math.log(2) == pytest.approx(bits.bits_per_byte * len(whole), rel=1e-5)


@pytest.mark.parametrize(("name", "read"), [("lm", "none"), ("trime", "local"), ("recurrence", "recurrence")])
def test_a_run_is_read_as_it_was_trained_unless_told_otherwise(runs: dict[str, Path], name: str, read: str) -> None:
    told: list[int] = []
    made = generate_text(runs[name], PROMPT.encode(), tokens=50, seed=3, progress=told.append)
    assert made.settings["memory"]["read"] == read
    assert made.settings["memory"]["temperature"] == (1.5 if name == "trime" else 1.0)
    assert made.text.startswith(PROMPT) and len(made.text) > len(PROMPT)
    assert told == list(range(1, len(made.ids) + 1)) and 0 < len(made.ids) <= 50
    assert made.to_dict()["prompt_tokens"] == len(PROMPT)
    named = generate_text(runs[name], PROMPT.encode(), tokens=50, seed=3, memory=MemoryConfig(**made.settings["memory"]))
    assert named.ids == made.ids
    assert generate_text(runs[name], PROMPT.encode(), tokens=50, seed=4).ids != made.ids


def test_memories_write_differently_and_an_empty_prompt_is_one(runs: dict[str, Path]) -> None:
    for prompt in (PROMPT.encode(), b""):
        texts = [generate_text(runs["trime"], prompt, tokens=150, memory=memory).text for memory in MEMORIES]
        assert len(set(texts)) == len(MEMORIES)


def test_memory_repeats_what_the_model_never_saw(runs: dict[str, Path]) -> None:
    strange = b"\x01\x02" * 40
    sharp = MemoryConfig(read="long", temperature=0.05)
    plain, remembered = (
        generate_text(runs["lm"], strange, tokens=20, memory=memory, sampling=GREEDY) for memory in (None, sharp)
    )
    assert set(remembered.ids) <= {1, 2} and not set(plain.ids) & {1, 2}
    assert remembered.text.startswith(strange.decode())


def test_the_model_is_left_without_a_tap(runs: dict[str, Path]) -> None:
    model = load_run(runs["lm"])[1]
    with open_reader(model, MEMORIES[1], vocab_size=257, context=32) as reader:
        reader.log_probabilities()
        assert any(module._forward_hooks for module in model.modules())
    assert not any(module._forward_hooks for module in model.modules())


def test_nothing_comes_behind_the_end_of_a_document(runs: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    first = generate_text(runs["lm"], b"the", tokens=30, seed=1).ids
    end = first[9]
    monkeypatch.setattr(Tokenizer, "eos_id", property(lambda tokenizer: end))
    assert generate_text(runs["lm"], b"the", tokens=30, seed=1).ids == first[: first.index(end) + 1]


def test_bytes_that_are_no_text_are_replaced(runs: dict[str, Path]) -> None:
    assert generate_text(runs["lm"], b"\xff\xfe", tokens=1, sampling=GREEDY).text[:2] == "\ufffd\ufffd"


def test_models_of_unknown_anatomy_have_no_slots() -> None:
    torch.manual_seed(0)
    model = BloomForCausalLM(BloomConfig(vocab_size=21, hidden_size=16, n_layer=1, n_head=2)).eval()
    with pytest.raises(UsageError, match="models of type 'bloom' are not known"), open_reader(model, MEMORIES[1], **SHAPE):
        pass
    with open_reader(model, MemoryConfig(), **SHAPE) as reader:
        assert float(reader.log_probabilities().exp().sum()) == pytest.approx(1)


def test_tokens_that_no_text_goes_on_with_are_named(tmp_path: Path) -> None:
    run_lm("small", small_config(write_text(tmp_path), tokenizer="gzip[256]"), tmp_path / "run", RunOptions())
    with pytest.raises(UsageError, match=r"no text to gzip\[256\]"):
        generate_text(tmp_path / "run", PROMPT.encode(), tokens=5)


def test_what_cannot_go_on_is_named(runs: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the number of tokens is 0, but must be at least 1"):
        generate_text(runs["lm"], tokens=0)
    with pytest.raises(UsageError, match="holds no run"):
        generate_text(tmp_path / "nothing")
    (tmp_path / "config.json").write_bytes((runs["lm"] / "config.json").read_bytes())
    with pytest.raises(UsageError, match="has not come to its end"):
        generate_text(tmp_path)
    (tmp_path / "byte_model.safetensors").write_bytes(b"")
    with pytest.raises(UsageError, match="holds a byte model, which only compresses"):
        generate_text(tmp_path, memory=MEMORIES[1])
