"""What a run trains on and is measured on, as tokens of whole documents or of examples."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.recipes.small import small_config, write_text

from laconic.errors import MissingDataError
from laconic.recipes.lm_data import held_out_tokens, training_data
from laconic.recipes.registry import RunOptions
from laconic.shapes import EOS
from laconic.text.corpora import open_corpus
from laconic.tokens.byte import ByteTokenizer
from laconic.training.data import TokenStream
from laconic.training.segments import SegmentStream


def test_whole_documents_end_with_their_symbol(tmp_path: Path) -> None:
    config = replace(small_config(write_text(tmp_path)), order="random")
    tokens_N, size = held_out_tokens(config, ByteTokenizer(), "test", 10**9, None)
    documents = list(open_corpus(config.corpus, "test").documents())
    assert tokens_N.tolist() == [token for document in documents for token in [*document, EOS]]
    assert size == sum(map(len, documents))


def test_the_order_decides_what_is_trained_on(tmp_path: Path) -> None:
    config = small_config(write_text(tmp_path))
    stream, loop = training_data(config, ByteTokenizer(), RunOptions(), 0, 1)
    assert isinstance(stream, TokenStream) and loop.steps != config.loop.steps
    segments, same = training_data(replace(config, order="consecutive"), ByteTokenizer(), RunOptions(), 0, 1)
    assert isinstance(segments, SegmentStream) and same == config.loop
    batch = segments.next_batch(2)
    text = b"".join(open_corpus(config.corpus, "train").documents())
    assert bytes(batch.tokens_BT.flatten().numpy().astype(np.uint8)) == text[: batch.tokens_BT.numel()]


def test_a_limit_cuts_what_is_read(tmp_path: Path) -> None:
    config = replace(small_config(write_text(tmp_path)), order="random", train_bytes=3_000)
    segments, _ = training_data(config, ByteTokenizer(), RunOptions(), 0, 1)
    assert isinstance(segments, SegmentStream) and segments.segments == 3_001 // config.context


def test_an_empty_split_is_missed(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_bytes(b"")
    config = replace(small_config(tmp_path / "empty.txt"), order="random")
    with pytest.raises(MissingDataError, match="holds no text"):
        held_out_tokens(config, ByteTokenizer(), "test", 100, None)
