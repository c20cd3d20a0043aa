"""The stream of examples: every example once, in an order that a seed decides and an interruption does not change."""

import json
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laconic.errors import CorruptFileError, MissingDataError, UsageError
from laconic.shapes import EOS
from laconic.text.corpora import open_corpus
from laconic.text.corpus import Corpus
from laconic.text.examples import count_text, cut_examples
from laconic.text.pipeline import ExampleStream, PipelineConfig

DOCUMENTS = st.lists(st.binary(max_size=12), min_size=1, max_size=30)
CONFIGS = st.fixed_dictionaries(
    {
        "join": st.integers(1, 6),
        "example_symbols": st.integers(1, 10),
        "seed": st.none() | st.integers(0, 5),
        "shuffle_block": st.integers(1, 8),
        "epochs": st.integers(1, 3),
        "take_bytes": st.none() | st.integers(0, 300),
    }
)
MANY = [b"%d" % number for number in range(400)]


def stream(documents: list[bytes], **options: Any) -> ExampleStream:
    return ExampleStream(open_corpus(documents), PipelineConfig(**options))


def take(examples: ExampleStream, count: int | None = None) -> list[list[int]]:
    return [example.tolist() for example in islice(examples, count)]


@given(DOCUMENTS, CONFIGS)
def test_unshuffled_is_the_joined_documents(documents: list[bytes], options: dict[str, Any]) -> None:
    options |= {"seed": None, "epochs": 1, "take_bytes": None}
    symbols = [symbol for example in take(stream(documents, **options)) for symbol in example]
    assert symbols == [symbol for document in documents for symbol in (*document, EOS)]


@given(DOCUMENTS, CONFIGS)
def test_every_epoch_hands_out_every_example_once(documents: list[bytes], options: dict[str, Any]) -> None:
    options["take_bytes"] = None
    expected = [example.tolist() for example in cut_examples(documents, join=options["join"], size=options["example_symbols"])]
    handed = take(stream(documents, **options))
    assert len(handed) == len(expected) * options["epochs"]
    for epoch in range(options["epochs"]):
        assert sorted(handed[epoch * len(expected) : (epoch + 1) * len(expected)]) == sorted(expected)


@given(DOCUMENTS, CONFIGS, st.data())
def test_stopped_and_resumed_is_uninterrupted(documents: list[bytes], options: dict[str, Any], data: st.DataObject) -> None:
    whole = take(stream(documents, **options))
    parts: list[list[int]] = []
    state = stream(documents, **options).state()
    for _ in range(3):
        resumed = stream(documents, **options)
        resumed.restore(json.loads(json.dumps(state)))
        parts += take(resumed, data.draw(st.integers(0, len(whole) + 1)))
        state = resumed.state()
    last = stream(documents, **options)
    last.restore(state)
    assert parts + take(last) == whole


@given(DOCUMENTS, CONFIGS, st.integers(1, 4))
def test_shards_are_a_partition_in_turn(documents: list[bytes], options: dict[str, Any], world: int) -> None:
    whole = take(stream(documents, **options))
    shards = [take(stream(documents, **options, rank=rank, world=world)) for rank in range(world)]
    assert shards == [whole[rank::world] for rank in range(world)]


@given(DOCUMENTS, CONFIGS, st.integers(1, 4), st.integers(1, 4), st.data())
def test_any_process_can_save_for_all_even_for_another_number_of_them(
    documents: list[bytes], options: dict[str, Any], before: int, after: int, data: st.DataObject
) -> None:
    whole = take(stream(documents, **options))
    rounds = data.draw(st.integers(0, len(whole) // before))
    saver = stream(documents, **options, rank=data.draw(st.integers(0, before - 1)), world=before)
    take(saver, rounds)
    resumed = []
    for rank in range(after):
        shard = stream(documents, **options, rank=rank, world=after)
        shard.restore(saver.state())
        resumed.append(take(shard))
    left = whole[rounds * before :]
    assert resumed == [left[rank::after] for rank in range(after)]


@given(DOCUMENTS, CONFIGS, st.integers(0, 400))
def test_a_limit_of_bytes_is_exact(documents: list[bytes], options: dict[str, Any], limit: int) -> None:
    options["take_bytes"] = None
    whole = take(stream(documents, **options))
    options["take_bytes"] = limit
    cut = take(stream(documents, **options))
    text = sum(map(len, documents)) * options["epochs"]
    assert sum(symbol != EOS for example in cut for symbol in example) == min(limit, text)
    assert cut[:-1] == whole[: len(cut)][:-1]
    assert not cut or cut[-1] == whole[len(cut) - 1][: len(cut[-1])]


def test_same_seed_same_order_other_seed_other_order() -> None:
    options = {"join": 10, "example_symbols": 8, "shuffle_block": 64}
    assert take(stream(MANY, seed=1, **options)) == take(stream(MANY, seed=1, **options))
    assert take(stream(MANY, seed=1, **options)) != take(stream(MANY, seed=2, **options))
    assert take(stream(MANY, seed=1, **options)) != take(stream(MANY, seed=None, **options))
    both = take(stream(MANY, seed=1, epochs=2, **options))
    assert both[: len(both) // 2] != both[len(both) // 2 :], "epochs differ"
    assert sorted(both[: len(both) // 2]) == sorted(both[len(both) // 2 :])


def test_the_order_never_changes() -> None:
    order = [example[0] for example in take(stream([bytes(range(12))], example_symbols=1, seed=7, shuffle_block=5))]
    assert order == [3, 4, 0, 2, 1, 6, 7, 9, 5, 8, 10, 11, 256]


def test_epochs_without_end_go_on() -> None:
    examples = stream([b"ab"], epochs=None, example_symbols=3)
    assert take(examples, 100) == [[97, 98, 256]] * 100
    assert sum(map(len, take(stream([b"ab"], epochs=None, take_bytes=99)))) == 99 + 49


def test_iterating_goes_on_from_the_position() -> None:
    examples = stream(MANY, example_symbols=8, shuffle_block=16)
    assert take(examples, 10) + take(examples) == take(stream(MANY, example_symbols=8, shuffle_block=16))
    assert take(examples) == []


def test_symbols_are_sixteen_bits_wide() -> None:
    example = next(iter(ExampleStream(open_corpus(["é"]))))
    assert example.dtype == np.uint16 and count_text(example) == 2


def test_the_state_is_small() -> None:
    examples = stream(MANY, example_symbols=8)
    take(examples, 30)
    assert len(json.dumps(examples.state())) < 300
    assert all(type(value) is int for value in examples.state().values())


@pytest.mark.parametrize(
    "change", [{"version": 2}, {"epoch": None}, {"block": -1}, {"examples": 1.5}, {"first": "0"}, {"taken_bytes": True}]
)
def test_a_state_that_no_stream_wrote_is_refused(change: dict[str, object]) -> None:
    examples = stream(MANY)
    with pytest.raises(CorruptFileError, match="which no stream wrote"):
        examples.restore(examples.state() | change)
    with pytest.raises(CorruptFileError):
        examples.restore({})


@pytest.mark.parametrize("change", [{"join": 2}, {"example_symbols": 9}, {"seed": 1}, {"seed": None}, {"shuffle_block": 3}])
def test_the_state_of_another_stream_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=f"is of a text stream with {next(iter(change))}="):
        stream(MANY).restore(stream(MANY, **change).state())


def test_a_corpus_that_shrank_or_is_empty_is_refused() -> None:
    examples = stream(MANY, example_symbols=8, shuffle_block=4)
    take(examples, 50)
    shrunk = stream(MANY[:10], example_symbols=8, shuffle_block=4)
    shrunk.restore(examples.state())
    with pytest.raises(MissingDataError, match="fewer than the saved position"):
        take(shrunk)
    with pytest.raises(MissingDataError, match="has no text"):
        take(stream([]))


@pytest.mark.parametrize("limit", [None, 10])
def test_empty_documents_without_end_are_refused(limit: int | None) -> None:
    empty = stream([b""] * 3, epochs=None, take_bytes=limit)
    with pytest.raises(MissingDataError, match="has no text"):
        take(empty, 10)
    resumed = stream([b""] * 3, epochs=None, take_bytes=limit)
    resumed.restore(empty.state())
    with pytest.raises(MissingDataError, match="has no text"):
        take(resumed, 10)


@pytest.mark.parametrize(
    "options",
    [{"join": 0}, {"example_symbols": 0}, {"shuffle_block": 0}, {"world": 0}, {"seed": -1}, {"epochs": -1}, {"take_bytes": -1}],
)
def test_values_out_of_range_are_named(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(options))} is -?[01], but must be at least"):
        PipelineConfig(**options)  # type: ignore[arg-type]


def test_rank_must_be_below_world() -> None:
    with pytest.raises(ValueError, match="rank is 2, but must be at least 0 and below world, 2"):
        PipelineConfig(rank=2, world=2)


def lazily(count: int) -> Callable[[], Iterator[bytes]]:
    return lambda: (b"%06d" % number * 1000 for number in range(count))


def test_memory_does_not_grow_with_the_corpus() -> None:
    peaks = []
    for count in (500, 5_000):
        corpus = Corpus(name="lazy", split="all", details={}, read=lazily(count))
        tracemalloc.start()
        handed = sum(1 for _ in ExampleStream(corpus, PipelineConfig(shuffle_block=64)))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert handed >= count * 6001 // 10_240
    assert peaks[1] < 1.2 * peaks[0] < 3_000_000
