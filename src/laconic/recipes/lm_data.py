"""The text of a language model's run as tokens: what it trains on, and what it is measured on."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from laconic.errors import MissingDataError
from laconic.recipes.registry import RunOptions
from laconic.shapes import EOS
from laconic.text.corpora import open_corpus
from laconic.text.corpus import take_bytes
from laconic.text.pipeline import ExampleStream, PipelineConfig
from laconic.tokens.base import AbstractTokenizer, symbols_of
from laconic.training.data import BatchStream, Encoded, EncodingSource, StoredSource, TokenStream, encode_examples
from laconic.training.loop import LoopConfig
from laconic.training.objective import Batch
from laconic.training.segments import SegmentStream

if TYPE_CHECKING:
    from laconic.recipes.lm import LMConfig

STREAM = "stream"
"""The order of segments as examples of 10,240 symbols come, which belong to no document."""

_CHUNK = 64


def training_data(
    config: "LMConfig", tokenizer: AbstractTokenizer, options: RunOptions, rank: int, world: int
) -> tuple[BatchStream[Batch], LoopConfig]:
    """This process's share of the training text, and the loop with the number of steps that follows from it."""
    corpus = open_corpus(config.corpus, "train", data_root=options.data_root)
    if config.order != STREAM:
        documents = list(encode_documents(tokenizer, _up_to(corpus.documents(), config.train_bytes)))
        segments = SegmentStream(
            documents,
            length=config.context,
            pad_id=tokenizer.pad_id,
            rows=config.loop.batch,
            order=config.order,
            run=config.run,
            seed=config.seed,
            rank=rank,
            world=world,
            progress=_tell_chain(options),
        )
        return segments, config.loop
    if config.train_bytes is None:
        stream = ExampleStream(corpus, PipelineConfig(seed=config.seed, epochs=None, rank=rank, world=world))
        return _packed(config, tokenizer, EncodingSource(stream, tokenizer, chunk=_CHUNK)), config.loop
    stream = ExampleStream(corpus, PipelineConfig(seed=config.seed, epochs=None, take_bytes=config.train_bytes))
    encoded = _encode_all(tokenizer, stream)
    source = StoredSource(encoded, rank=rank, world=world)
    return _packed(config, tokenizer, source), replace(config.loop, steps=count_steps(encoded, config))


def _tell_chain(options: RunOptions) -> Callable[[int, int], None] | None:
    tell = options.progress
    return None if tell is None else lambda done, total: tell(0, None, f"{done:,} of {total:,} segments compared")


def held_out_tokens(
    config: "LMConfig", tokenizer: AbstractTokenizer, split: str, limit: int, data_root: Path | None
) -> tuple[np.ndarray, int]:
    """The tokens of the beginning of a split, joined, and how many bytes they stand for.

    Raises:
        MissingDataError: the split holds no text.
    """
    corpus = open_corpus(config.corpus, split, data_root=data_root)
    if config.order == STREAM:
        encoded = _encode_all(tokenizer, ExampleStream(corpus, PipelineConfig(seed=None, take_bytes=limit)))
    else:
        encoded = list(encode_documents(tokenizer, take_bytes(corpus.documents(), limit)))
    if not sum(one.bytes for one in encoded):
        raise MissingDataError(f"the split {split!r} of {config.corpus} holds no text: choose another split or corpus")
    return np.concatenate([one.ids for one in encoded]), sum(one.bytes for one in encoded)


def count_steps(encoded: Sequence[Encoded], config: "LMConfig") -> int:
    """How many updates it takes to read all examples once."""
    tokens = sum(config.context if config.packing == "trim" else len(one.ids) for one in encoded)
    return max(1, ceil(tokens / (config.context * config.loop.batch)))


def _packed(config: "LMConfig", tokenizer: AbstractTokenizer, source: EncodingSource | StoredSource) -> TokenStream:
    return TokenStream(source, length=config.context, pad_id=tokenizer.pad_id, packing=config.packing)


def _up_to(documents: Iterator[bytes], limit: int | None) -> Iterator[bytes]:
    return documents if limit is None else take_bytes(documents, limit)


def encode_documents(tokenizer: AbstractTokenizer, documents: Iterable[bytes]) -> Iterator[Encoded]:
    """Whole documents, each ended by its symbol; those without a token are left out."""
    remaining = iter(documents)
    while chunk := [np.append(symbols_of(document), EOS).astype(np.uint16) for document in islice(remaining, _CHUNK)]:
        yield from (one for one in encode_examples(tokenizer, chunk) if len(one.ids))


def _encode_all(tokenizer: AbstractTokenizer, stream: ExampleStream) -> list[Encoded]:
    encoded: list[Encoded] = []
    source = EncodingSource(stream, tokenizer, chunk=_CHUNK)
    while (one := source.next()) is not None:
        encoded.append(one)
    return encoded
