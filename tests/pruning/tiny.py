"""Tiny models of every family that can be pruned, with random weights that are large enough to matter."""

from copy import deepcopy
from typing import Any

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    BertConfig,
    DistilBertConfig,
    GPT2Config,
    LlamaConfig,
    MistralConfig,
    OPTConfig,
    PreTrainedModel,
    RobertaConfig,
)

from laconic.pruning.masks import Masks
from laconic.pruning.parts import Parts

LAYERS, HEADS, WIDTH, UNITS, WORDS = 3, 4, 16, 12, 50
_ENCODER: dict[str, Any] = {
    "vocab_size": WORDS, "hidden_size": WIDTH, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
    "intermediate_size": UNITS, "num_labels": 3, "pad_token_id": 0,
}  # fmt: skip
_DECODER = {**_ENCODER, "bos_token_id": 1, "eos_token_id": 2}
CONFIGS = {
    "bert": BertConfig(**_ENCODER),
    "roberta": RobertaConfig(**_ENCODER, max_position_embeddings=64),
    "distilbert": DistilBertConfig(
        vocab_size=WORDS, dim=WIDTH, n_layers=LAYERS, n_heads=HEADS, hidden_dim=UNITS, num_labels=3, pad_token_id=0
    ),
    "gpt2": GPT2Config(
        vocab_size=WORDS, n_embd=WIDTH, n_layer=LAYERS, n_head=HEADS, n_inner=UNITS, bos_token_id=1, eos_token_id=2
    ),
    "llama": LlamaConfig(**_DECODER, num_key_value_heads=HEADS),
    "llama, groups": LlamaConfig(**_DECODER, num_key_value_heads=2),
    "mistral, one key": MistralConfig(**_DECODER, num_key_value_heads=1, sliding_window=32),
}
KNOWN = CONFIGS | {
    "opt": OPTConfig(
        vocab_size=WORDS, hidden_size=WIDTH, num_hidden_layers=LAYERS, num_attention_heads=HEADS, ffn_dim=UNITS,
        word_embed_proj_dim=WIDTH, pad_token_id=0,
    ),
}  # fmt: skip
"""Besides those that can be cut, those that can wear masks."""

ENCODERS = ("bert", "roberta", "distilbert")


def tiny_model(family: str, *, dtype: torch.dtype = torch.float32, seed: int = 0) -> PreTrainedModel:
    """A model in evaluation mode."""
    torch.manual_seed(seed)
    auto = AutoModelForSequenceClassification if family in ENCODERS else AutoModelForCausalLM
    model = auto.from_config(deepcopy(KNOWN[family]))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return model.to(dtype).eval()


def tiny_inputs(seed: int = 0) -> dict[str, torch.Tensor]:
    """Two rows of text, the second one with padding."""
    ids_BT = torch.randint(3, WORDS, (2, 7), generator=torch.Generator().manual_seed(seed))
    mask_BT = torch.ones_like(ids_BT)
    ids_BT[1, 5:], mask_BT[1, 5:] = 0, 0
    return {"input_ids": ids_BT, "attention_mask": mask_BT}


def random_masks(
    parts: Parts, seed: int, *, closed: float = 0.5, dtype: torch.dtype = torch.float32, width: bool = False
) -> Masks:
    """Masks of which about the share `closed` is 0, and the rest anything between; of the width a third is 0, if any."""
    random = torch.Generator().manual_seed(seed)

    def some(*shape: int, closed: float = closed) -> torch.Tensor:
        values = 0.3 + 0.7 * torch.rand(shape, generator=random, dtype=dtype)
        return values * (torch.rand(shape, generator=random) >= closed)

    return Masks(
        head_LH=some(parts.layers, parts.heads), attention_L=some(parts.layers), unit_LU=some(parts.layers, parts.units),
        ffn_L=some(parts.layers), width_D=some(parts.width, closed=0.3) if width else None,
    )  # fmt: skip
