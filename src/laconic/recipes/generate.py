"""Going on with a text by the model of a finished run, with every kind of memory."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

from laconic.errors import CorruptFileError, UsageError
from laconic.evaluation.memory import MemoryConfig
from laconic.memory.generation import AbstractReader, Recall, RecurrentReader, WindowReader, go_on
from laconic.memory.keys import KeyTap
from laconic.memory.sampling import Sampling
from laconic.recipes.lm import LMConfig, load_finished, memory_of
from laconic.recipes.ngram import BYTE_MODEL
from laconic.recipes.rundir import load_config
from laconic.recipes.settings import to_plain
from laconic.tokens.base import AbstractTokenizer


@dataclass(frozen=True, kw_only=True)
class Generated:
    """A text that a model went on with.

    Attributes:
        prompt: the ids that it was given.
        ids: the ids that it wrote; the last one is the end of the document if it came to one.
        text: what all of them together stand for; bytes that are not UTF-8 are replaced.
        reading_seconds: how long reading the prompt took.
        writing_seconds: how long writing took after that.
        settings: what was asked for, as plain data.
    """

    prompt: tuple[int, ...]
    ids: tuple[int, ...]
    text: str
    reading_seconds: float
    writing_seconds: float
    settings: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data, with the speed, and the prompt as a number of tokens."""
        return {
            "text": self.text,
            "ids": list(self.ids),
            "prompt_tokens": len(self.prompt),
            "tokens_per_second": len(self.ids) / self.writing_seconds,
            "reading_seconds": self.reading_seconds,
            "writing_seconds": self.writing_seconds,
            "settings": self.settings,
        }


def generate_text(
    run: Path,
    prompt: bytes = b"",
    *,
    tokens: int = 100,
    memory: MemoryConfig | None = None,
    sampling: Sampling | None = None,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Generated:
    """Go on with a text.

    Args:
        run: a folder that `laconic train` wrote, of a language model on tokens.
        prompt: how the text begins; it may be empty.
        tokens: how many to write, at most: where the tokenizer has an id for the end of a document, nothing comes behind it.
        memory: with which memory the text is read; as the model was trained if None.
        sampling: how each token is drawn; from all of the probabilities as they are if None.
        seed: of all that is drawn.
        progress: told how many tokens are written.

    Raises:
        UsageError: `run` is not the folder of such a run, or was not trained to its end; or fewer tokens than 1, a memory that
            the model cannot have, or ids that stand for no text.
    """
    if tokens < 1:
        raise UsageError(f"the number of tokens is {tokens}, but must be at least 1")
    config, model, tokenizer = load_run(run)
    memory, sampling = memory or memory_of(config), sampling or Sampling()
    settings = {"run": str(run), "tokens": tokens, "seed": seed, "memory": to_plain(memory), "sampling": to_plain(sampling)}
    generator, given = torch.Generator().manual_seed(seed), tokenizer.encode_bytes(prompt).tolist()
    ids, began, memory = list[int](), time.perf_counter(), memory.within(len(given) + tokens)
    with open_reader(model, memory, vocab_size=tokenizer.vocab_size, context=config.context) as reader:
        reader.take(given)
        reader.log_probabilities()
        read = time.perf_counter()
        for token in go_on(reader, tokens, sampling=sampling, generator=generator, end=tokenizer.eos_id):
            ids.append(token)
            if progress:
                progress(len(ids))
    return Generated(
        prompt=tuple(given),
        ids=tuple(ids),
        text=_decode(tokenizer, given + ids),
        reading_seconds=read - began,
        writing_seconds=time.perf_counter() - read,
        settings=settings,
    )


def load_run(run: Path) -> tuple[LMConfig, PreTrainedModel, AbstractTokenizer]:
    """The configuration of a finished run, its model in evaluation mode, and its tokenizer.

    Raises:
        UsageError: `run` is not the folder of a run of a language model on tokens, or was not trained to its end.
    """
    if (run / BYTE_MODEL).is_file():
        raise UsageError(f"{run} holds a byte model, which only compresses: name the run of a language model on tokens")
    config = load_config(run, LMConfig)
    return config, *load_finished(run)


@contextlib.contextmanager
def open_reader(model: PreTrainedModel, memory: MemoryConfig, *, vocab_size: int, context: int) -> Iterator[AbstractReader]:
    """A text that a model reads with a memory; it is empty at first.

    Args:
        model: a causal Hugging Face model in evaluation mode; it is left as it was.
        memory: with which memory.
        vocab_size: V; id V is the start symbol.
        context: tokens in a window.

    Raises:
        UsageError: the model cannot have that memory.
    """
    if memory.read == "recurrence":
        yield RecurrentReader(model, vocab_size=vocab_size, context=context)
        return
    if memory.read == "none":
        yield WindowReader(model, vocab_size=vocab_size, context=context)
        return
    tap = KeyTap(model)
    try:
        recall = Recall(
            tap=tap,
            memory=memory.memory(),
            reach=memory.size if memory.read == "long" else 0,
            temperature=memory.temperature,
            mixture=memory.mixture(),
        )
        yield WindowReader(model, vocab_size=vocab_size, context=context, recall=recall)
    finally:
        tap.close()


def _decode(tokenizer: AbstractTokenizer, ids: list[int]) -> str:
    try:
        return tokenizer.decode(ids)
    except CorruptFileError as error:
        raise UsageError(
            f"what the model wrote is no text to {tokenizer.name} ({error}): "
            "name a run on tokens that a text can go on with, such as bytes"
        ) from error
