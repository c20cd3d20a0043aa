"""A tiny pretrained encoder with a tokenizer, in a folder, and a task that it can learn in seconds."""

import random
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "good",
    "bad",
    "film",
    "book",
    "the",
    "a",
    "was",
    "very",
    "not",
    "who",
    "what",
    "?",
]


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """One id a word."""
    tokenizer = Tokenizer(models.WordLevel({word: place for place, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names)


def tiny_encoder(folder: Path) -> Path:
    """A folder with a BERT of two layers and its tokenizer."""
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=2, num_attention_heads=4, intermediate_size=24,
        max_position_embeddings=64,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return folder


def tiny_table(path: Path, rows: int = 120) -> Path:
    """Texts whose label is whether they have the word good, as comma-separated values."""
    words = random.Random(0)
    lines = ["text,label"]
    for _ in range(rows):
        word = words.choice(["good", "bad"])
        filling = [words.choice(["the", "a", "was", "very", "film", "book"]) for _ in range(words.randint(1, 6))]
        filling.insert(words.randint(0, len(filling)), word)
        lines.append(f"{' '.join(filling)},{word}")
    path.write_text("\n".join(lines) + "\n")
    return path
