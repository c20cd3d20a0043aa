"""Tiny language models with a tokenizer, in folders, and a text whose next word they can learn in seconds."""

import random
from pathlib import Path

import torch
from tests.tiny_encoder import WORDS, tiny_tokenizer
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

DECODERS = ("gpt2", "llama")


def text_tokenizer() -> PreTrainedTokenizerFast:
    """The words of the tiny encoder, without padding; a text begins with [CLS] and ends with [SEP]."""
    tokenizer = tiny_tokenizer()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer.backend_tokenizer, unk_token="[UNK]", bos_token="[CLS]", eos_token="[SEP]"
    )


def tiny_decoder(folder: Path, family: str = "gpt2") -> Path:
    """A folder with a GPT-2, or a Llama whose heads share keys in groups, of two layers, and a tokenizer."""
    torch.manual_seed(0)
    if family == "gpt2":
        model = GPT2LMHeadModel(
            GPT2Config(
                vocab_size=len(WORDS), n_embd=16, n_layer=2, n_head=4, n_inner=24, n_positions=64, bos_token_id=2,
                eos_token_id=3,
            )
        )  # fmt: skip
    else:
        model = LlamaForCausalLM(
            LlamaConfig(
                vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
                intermediate_size=24, max_position_embeddings=64, bos_token_id=2, eos_token_id=3,
            )
        )  # fmt: skip
    model.save_pretrained(folder)
    text_tokenizer().save_pretrained(folder)
    return folder


def tiny_text(path: Path, lines: int = 400) -> Path:
    """Lines of which each word but the first depends on the one before."""
    words = random.Random(0)
    rows = [f"the {words.choice(['good', 'bad'])} film was very {words.choice(['good', 'bad'])}" for _ in range(lines)]
    path.write_text("\n".join(rows) + "\n")
    return path
