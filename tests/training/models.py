"""Tiny models, tokenizers and data that the tests of training share."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import (
    AutoModelForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    GPTNeoXConfig,
    LlamaConfig,
    MistralConfig,
    OPTConfig,
    PreTrainedModel,
)

from laconic.model.adaptive import AdaptiveLlamaConfig
from laconic.model.sizes import build_model
from laconic.tokens.base import AbstractTokenizer
from laconic.training.data import EncodingSource, TokenStream

# Models this small gain nothing from threads, and lose much where the tests share the machine.
torch.set_num_threads(1)


_COMMON = {"hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 2, "vocab_size": 21, "max_position_embeddings": 32}
FAMILIES = {
    "llama": LlamaConfig(intermediate_size=24, **_COMMON),
    "laconic_adaptive_llama": AdaptiveLlamaConfig(intermediate_size=24, cutoffs=[5, 11], factor=2, **_COMMON),
    "mistral": MistralConfig(intermediate_size=24, num_key_value_heads=1, **_COMMON),
    "gpt2": GPT2Config(n_embd=16, n_head=2, n_layer=2, vocab_size=21, n_positions=32),
    "gpt_neox": GPTNeoXConfig(intermediate_size=24, **_COMMON),
    "opt": OPTConfig(ffn_dim=24, word_embed_proj_dim=16, **_COMMON),
}
"""Causal models of every family whose keys can be read, of 20 words and a start symbol."""


class PairTokenizer(AbstractTokenizer):
    """Two ids for each symbol: its high and its low part, base 20."""

    @property
    def name(self) -> str:
        return "pairs"

    @property
    def vocab_size(self) -> int:
        return 20

    @property
    def eos_id(self) -> int | None:
        return None

    @property
    def ids_stand_alone(self) -> bool:
        return False

    def spans(self, ids: np.ndarray) -> np.ndarray:
        return np.tile(np.array([[2, 1]]), (len(ids) // 2, 1))

    def encode_batch(self, documents: Sequence[np.ndarray]) -> list[np.ndarray]:
        return [np.stack([one // 20, one % 20], axis=1).ravel().astype(np.int32) for one in documents]

    def decode_batch(self, ids: Sequence[np.ndarray]) -> list[np.ndarray]:
        return [(row[::2] * 20 + row[1::2]).astype(np.uint16) for row in ids]

    def settings(self) -> dict[str, Any]:
        return {"kind": "pairs"}

    def save_files(self, folder: Path) -> None:
        pass


class Examples:
    """A finite stream of random examples with a position, as the text pipeline gives them."""

    def __init__(self, number: int, length: int = 100, *, rank: int = 0, world: int = 1) -> None:
        rng = np.random.default_rng(0)
        examples = [rng.integers(0, 257, length - index % 3).astype(np.uint16) for index in range(number)]
        self.examples = examples[rank::world]
        self.index = 0

    def __iter__(self) -> Iterator[np.ndarray]:
        while self.index < len(self.examples):
            self.index += 1
            yield self.examples[self.index - 1]

    def state(self) -> dict[str, Any]:
        return {"index": self.index}

    def restore(self, state: dict[str, Any]) -> None:
        self.index = state["index"]


def tiny_stream(number: int = 40, *, length: int = 16, rank: int = 0, world: int = 1, **options: Any) -> TokenStream:
    source = EncodingSource(Examples(number, rank=rank, world=world), PairTokenizer(), chunk=3)
    return TokenStream(source, length=length, pad_id=20, **options)


def tiny_model(seed: int = 0) -> PreTrainedModel:
    return build_model("tiny", vocab_size=21, context=16, seed=seed)


def tiny_family(kind: str) -> PreTrainedModel:
    """An untrained model of a family, without dropout."""
    torch.manual_seed(0)
    model: PreTrainedModel = AutoModelForCausalLM.from_config(FAMILIES[kind])
    return model.eval()


def dropout_model() -> PreTrainedModel:
    """A model that draws random numbers while it trains."""
    torch.manual_seed(0)
    config = GPT2Config(vocab_size=21, n_embd=16, n_layer=1, n_head=2, n_positions=16, bos_token_id=20, eos_token_id=20)
    return GPT2LMHeadModel(config)
