"""A text as a language model is pruned on it: what reads it into tokens, what is learned from, and what is judged on."""

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import chain
from pathlib import Path

import numpy as np
from torch import nn
from transformers import AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerBase

from laconic.errors import UsageError
from laconic.evaluation.bits import summarise
from laconic.evaluation.language import read_nats
from laconic.evaluation.trivial import unigram_bits_per_byte
from laconic.model.cut import TASKS
from laconic.model.folder import load_any
from laconic.recipes.lm_data import encode_documents
from laconic.recipes.rundir import MODEL, TOKENIZER
from laconic.recipes.task_data import TaskData, load_task_tokenizer
from laconic.text.corpora import open_corpus
from laconic.text.corpus import Corpus, take_bytes
from laconic.text.named import find_named
from laconic.text.plain import cut_pieces
from laconic.tokens.face import Tokenizer
from laconic.tokens.folder import SETTINGS_FILE
from laconic.training.chunks import Chunks
from laconic.training.data import Encoded

LanguageTokenizer = PreTrainedTokenizerBase | Tokenizer
"""What reads text for a language model: a Hugging Face tokenizer, or laconic's face of one of its own."""

_PIECE_BYTES = 1 << 18
"""Longer documents are tokenized in pieces that end at line ends, for tokenizers keep much more than ids of what they read."""


@dataclass(frozen=True, kw_only=True)
class Texts:
    """A text to learn from, and one to judge on.

    Attributes:
        train: a file, a folder, or a named data set, whose split `train` is read.
        valid: another one; empty for the split `valid` of the first.
        valid_bytes: how much of the latter is read, from its beginning; None for all.
    """

    train: str
    valid: str = ""
    valid_bytes: int | None = None

    def open(self, *, data_root: Path | None = None) -> tuple[Corpus, Corpus]:
        """Both of them.

        Raises:
            UsageError: neither a file nor a data set.
            MissingDataError: it is not at hand.
        """
        apart = bool(self.valid)
        return (
            open_corpus(self.train, _split(self.train, "train", apart), data_root=data_root),
            open_corpus(self.valid or self.train, _split(self.valid or self.train, "valid", apart), data_root=data_root),
        )


def _split(source: str, name: str, apart: bool) -> str | None:
    """What is read of a text: where both are given, all of what is no data set with splits of its own."""
    return name if not apart or source == "stdlib" or find_named(source) else None


def load_language_tokenizer(folder: Path) -> LanguageTokenizer:
    """The tokenizer of a language model's folder, or of the folder of a run of `laconic train`.

    Raises:
        UsageError: there is none.
        CorruptFileError: its files cannot be read.
    """
    inside = _inside(folder, TOKENIZER)
    return Tokenizer.from_pretrained(inside) if (inside / SETTINGS_FILE).is_file() else load_task_tokenizer(inside)


def load_language_model(folder: Path) -> PreTrainedModel:
    """The language model in a folder, or in that of a run of `laconic train`, in evaluation mode.

    Raises:
        UsageError: there is none, or one that does not tell the next token.
        CorruptFileError: its files cannot be read.
    """
    model = load_any(_inside(folder, MODEL))
    kinds = TASKS[AutoModelForCausalLM]
    stock = [kind.__base__ for kind in kinds]
    if type(model) not in (*kinds, *stock):
        names = ", ".join(kind.__name__ for kind in stock if kind is not None)
        raise UsageError(
            f"the model in {folder} is a {type(model).__name__}, but a text takes one that tells the next token, of {names}: "
            "name such a folder, or give a task with --task or --data"
        )
    model.train(False)
    return model


def _inside(folder: Path, name: str) -> Path:
    is_run = (folder / MODEL).is_dir() and (folder / TOKENIZER).is_dir()
    return folder / name if is_run else folder


def language_data(
    texts: Texts,
    tokenizer: LanguageTokenizer,
    *,
    max_length: int,
    limit: int | None = None,
    data_root: Path | None = None,
) -> TaskData:
    """A text to be foretold, token by token; judged by bits per byte of the text as it was, and by perplexity per token.

    Documents end with the tokenizer's end of text where it has one: it is charged for, but is no byte. Every chunk begins with
    the beginning of text, or where there is none with the end. Only token ids are held in memory.

    Args:
        texts: where they are.
        tokenizer: of the model.
        max_length: tokens of a chunk, its beginning among them.
        limit: chunks to learn from, at most.
        data_root: the data folder.

    Raises:
        UsageError: no such text, an empty one, or a tokenizer without beginning and end.
        MissingDataError: it is not at hand.
    """
    start_id = _start_id(tokenizer)
    if max_length < 2:
        raise UsageError(f"max_length is {max_length}, but a chunk is at least its beginning and a token: set it higher")
    train, valid = texts.open(data_root=data_root)
    most = None if limit is None else limit * (max_length - 1)
    train_N, train_size = _collect(_encode(tokenizer, train.documents()), most)
    documents = valid.documents() if texts.valid_bytes is None else take_bytes(valid.documents(), texts.valid_bytes)
    valid_N, size = _collect(_encode(tokenizer, documents))
    for name, ids_N, said in (("learn from", train_N, texts.train), ("judge on", valid_N, texts.valid or texts.train)):
        if not len(ids_N):
            raise UsageError(f"{said} holds no text to {name}: give a longer one, or two with --text and --valid-text")
    words = max(len(tokenizer), int(train_N.max()) + 1, int(valid_N.max()) + 1)
    examples = Chunks(valid_N, size, length=max_length, start_id=start_id)

    def judge(model: nn.Module) -> dict[str, float]:
        assert isinstance(model, PreTrainedModel)
        nats = read_nats(model, examples, pad_id=start_id)
        bits = summarise(nats=nats, tokens=len(valid_N), size=size, vocab_size=words)
        return {"bits_per_byte": bits.bits_per_byte, "perplexity": bits.perplexity}

    return TaskData(
        name=texts.train if find_named(texts.train) else Path(texts.train).stem,
        kind="language",
        labels=(),
        train=Chunks(train_N, train_size, length=max_length, start_id=start_id),
        valid=examples,
        judge=judge,
        trivial=unigram_bits_per_byte(train_N, valid_N, vocab_size=words, size=size),
        pad_id=start_id,
        lower_is_better=True,
    )


def _start_id(tokenizer: LanguageTokenizer) -> int:
    for start_id in (tokenizer.bos_token_id, tokenizer.eos_token_id):
        if isinstance(start_id, int):
            return start_id
    raise UsageError("the tokenizer has neither a beginning nor an end of text, which a text begins with: set its bos_token")


def _encode(tokenizer: LanguageTokenizer, documents: Iterable[bytes]) -> Iterator[Encoded]:
    """Whole documents, each with its end."""
    if isinstance(tokenizer, Tokenizer):
        yield from encode_documents(tokenizer, documents)
        return
    end = [[tokenizer.eos_token_id]] if isinstance(tokenizer.eos_token_id, int) else []
    for document in documents:
        pieces = [piece.decode(errors="replace") for piece in cut_pieces(BytesIO(document), piece_bytes=_PIECE_BYTES)]
        if pieces:
            rows = tokenizer(pieces, add_special_tokens=False, return_attention_mask=False, verbose=False)["input_ids"]
            yield Encoded(ids=np.fromiter(chain.from_iterable([*rows, *end]), np.int32), bytes=len(document))


def _collect(encoded: Iterable[Encoded], limit: int | None = None) -> tuple[np.ndarray, int]:
    """The tokens, joined, and the bytes of their text; no more of both than so many tokens are.

    The tokens lie in a file that has no name and goes with them.
    """
    tokens, size = 0, 0
    with tempfile.TemporaryFile() as file:
        for one in encoded:
            kept = one.ids if limit is None else one.ids[: limit - tokens]
            file.write(kept.astype(np.int32).tobytes())
            tokens, size = tokens + len(kept), size + one.bytes * len(kept) // max(1, len(one.ids))
            if tokens == limit:
                break
        file.flush()
        return np.memmap(file, np.int32, "r", shape=(tokens,)) if tokens else np.zeros(0, np.int32), size
