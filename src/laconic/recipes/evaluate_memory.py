"""Tuning the memory of a trained model, and looking into what it contributes."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int32, Int64
from transformers import PreTrainedModel

from laconic.errors import CorruptFileError, UsageError
from laconic.evaluation.diagnostics import diagnose
from laconic.evaluation.memory import MemoryConfig, Said, read_windows, reading_bytes, require_room
from laconic.evaluation.tuning import tune
from laconic.memory.stores import long_term_bytes
from laconic.model.anatomy import dissect
from laconic.recipes.lm import LMConfig
from laconic.recipes.lm_data import encode_documents, held_out_tokens
from laconic.recipes.settings import to_plain
from laconic.text.corpora import open_corpus
from laconic.text.corpus import take_bytes
from laconic.tokens.base import AbstractTokenizer
from laconic.tokens.view import show_symbols

VIEW = 400
"""How many predictions are shown one by one."""

Tell = Callable[[int, int | None, str], None]


@dataclass(frozen=True, kw_only=True)
class Reader:
    """A trained model, and how it reads.

    Attributes:
        config: of its run; corpus and stride as asked for.
        model: in evaluation mode.
        tokenizer: its own.
        data_root: where named data are.
        tell: is told of progress as (bytes done, bytes in all, words).
    """

    config: LMConfig
    model: PreTrainedModel
    tokenizer: AbstractTokenizer
    data_root: Path | None = None
    tell: Tell | None = None

    def windows(self, tokens_N: Int32[np.ndarray, "N"], size: int, words: str) -> Iterator[Said]:
        """What the model says of a text of `size` bytes, window after window."""
        shape: dict[str, Any] = {"vocab_size": self.tokenizer.vocab_size, "context": self.config.context}
        done = 0
        for said in read_windows(self.model, tokens_N, stride=self.config.reading_stride, **shape):
            done += said.window.asked
            if self.tell:
                self.tell(size * done // len(tokens_N), size, words)
            yield said

    def require_room(self, tokens: int, memory: MemoryConfig, *, kept: bool) -> None:
        """See that a memory fits into this machine, and the whole reading of a text where it is kept.

        Raises:
            UsageError: it does not.
        """
        width, context = dissect(self.model).width, self.config.context
        size = memory.within(tokens).size
        need = long_term_bytes(size, width, context) if memory.read == "long" else 0
        need += reading_bytes(tokens, width=width, context=context, stride=self.config.reading_stride) if kept else 0
        require_room(need, f"a memory of {size:,} slots" + (" and the reading of the text" if kept else ""))


def tuned(reader: Reader, memory: MemoryConfig, *, limit: int) -> tuple[MemoryConfig, dict[str, Any]]:
    """The settings of a memory that suit a model best on the valid split, and what was tried.

    Args:
        reader: the model.
        memory: as `laconic.evaluation.tuning.tune` takes it.
        limit: bytes of the split to read.

    Raises:
        UsageError: a memory without slots, or one that does not fit into this machine.
        MissingDataError: there is no valid split.
    """
    if memory.read not in ("local", "long"):
        raise UsageError(f"a memory of kind {memory.read!r} has nothing to tune: choose local or long")
    tokens_N, size = held_out_tokens(reader.config, reader.tokenizer, "valid", limit, reader.data_root)
    memory = memory.within(len(tokens_N))
    reader.require_room(len(tokens_N), memory, kept=True)
    windows, tell = list(reader.windows(tokens_N, size, "valid split, read")), reader.tell
    progress = (lambda done, total: tell(size * done // total, size, "valid split, tuned")) if tell is not None else None
    trials = tune(windows, memory, progress=progress)
    rows = [{**to_plain(trial.memory), "perplexity": float(np.exp(trial.nats / len(tokens_N)))} for trial in trials]
    return trials[0].memory, {"split": "valid", "bytes": size, "tokens": len(tokens_N), "trials": rows}


def looked_into(
    reader: Reader, memory: MemoryConfig, tokens_N: Int32[np.ndarray, "N"], size: int, *, trained_bytes: int
) -> dict[str, Any]:
    """What a memory contributes to the predictions of a text: the results of a record of kind `memory`.

    Args:
        reader: the model.
        memory: one that has slots.
        tokens_N: the tokens of the text.
        size: its bytes.
        trained_bytes: how much text the model was trained on.

    Raises:
        UsageError: a memory without slots, or one that does not fit into this machine.
    """
    if memory.read not in ("local", "long"):
        raise UsageError(f"a memory of kind {memory.read!r} has no slots to look into: choose local or long")
    reader.require_room(len(tokens_N), memory, kept=False)
    view = range(max(0, len(tokens_N) - VIEW), len(tokens_N))
    counts_V = _training_counts(reader, trained_bytes)
    results, seen = diagnose(reader.windows(tokens_N, size, "looked into"), memory.within(len(tokens_N)), counts_V, view=view)
    texts = token_texts(reader.tokenizer, tokens_N)[view.start :]
    shown = [{"text": text, **one.to_dict()} for text, one in zip(texts, seen, strict=True)]
    return {"memory": to_plain(memory), **results, "view": shown}


def count_words(documents: Iterable[bytes]) -> int:
    """Words as the field counts them: what stands between white space, and every end of a line."""
    return sum(len(document.split()) + document.count(b"\n") for document in documents)


def _training_counts(reader: Reader, trained_bytes: int) -> Int64[np.ndarray, "V"]:
    """How often each id occurs in what the model read, once."""
    corpus = open_corpus(reader.config.corpus, "train", data_root=reader.data_root)
    counts_V = np.zeros(reader.tokenizer.vocab_size, np.int64)
    for one in encode_documents(reader.tokenizer, take_bytes(corpus.documents(), max(1, trained_bytes))):
        counts_V += np.bincount(one.ids, minlength=len(counts_V))
    return counts_V


def token_texts(tokenizer: AbstractTokenizer, tokens_N: Int32[np.ndarray, "N"]) -> list[str]:
    """The text of each token; where several stand for one text, the first has it.

    Args:
        tokenizer: what made the tokens.
        tokens_N: a text from its beginning on.
    """
    try:
        spans_N2, symbols = tokenizer.spans(tokens_N), tokenizer.decode_batch([tokens_N])[0]
    except CorruptFileError:
        return [f"[{token}]" for token in tokens_N.tolist()]
    texts, begin = list[str](), 0
    for taken, covered in spans_N2.tolist():
        texts += [show_symbols(symbols[begin : begin + covered]), *[""] * (taken - 1)]
        begin += covered
    return texts
