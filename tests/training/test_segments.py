"""Segments come in the order that was asked for, know their documents, and go on where they stopped."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from laconic.errors import CorruptFileError, UsageError
from laconic.training.data import BatchStream, Encoded
from laconic.training.segments import ORDERS, SegmentStream
from laconic.training.similar import similarity_chain

PAD = 999


def documents(sizes: list[int]) -> list[Encoded]:
    """Document d has the tokens 100 d, 100 d + 1, ... and three bytes for each, and one more."""
    return [Encoded(ids=np.arange(100 * d, 100 * d + size, dtype=np.int32), bytes=3 * size + 1) for d, size in enumerate(sizes)]


SIZES = st.lists(st.integers(1, 40), min_size=1, max_size=8).filter(lambda sizes: sum(sizes) >= 24)


def stream(sizes: list[int], **options: object) -> SegmentStream:
    return SegmentStream(documents(sizes), **({"length": 4, "pad_id": PAD, "rows": 4} | options))


@given(SIZES, st.sampled_from(ORDERS), st.integers(0, 5))
def test_an_epoch_hands_out_each_token_once_with_its_document(sizes: list[int], order: str, seed: int) -> None:
    segments = stream(sizes, order=order, seed=seed)
    assert isinstance(segments, BatchStream)
    batches = [segments.next_batch(4) for _ in range(segments.batches)]
    tokens_N = torch.cat([batch.tokens_BT for batch in batches]).flatten()
    assert len(set(tokens_N.tolist())) == tokens_N.numel() == segments.batches * 16 > sum(sizes) - 20
    for batch in batches:
        assert batch.count == 16 and batch.documents_BT is not None
        same_NN = batch.documents_BT.flatten()[:, None] == batch.documents_BT.flatten()
        assert torch.equal(same_NN, (batch.tokens_BT.flatten() // 100)[:, None] == batch.tokens_BT.flatten() // 100)
        assert abs(batch.bytes - 3 * batch.count) <= 2 * len(sizes) + 8


@given(SIZES, st.integers(0, 5))
def test_consecutive_rows_follow_each_other_in_shuffled_documents(sizes: list[int], seed: int) -> None:
    segments = stream(sizes, order="consecutive", seed=seed)
    tokens_N = torch.cat([segments.next_batch(4).tokens_BT for _ in range(segments.batches)]).flatten().tolist()
    for one, two in itertools.pairwise(tokens_N):
        assert two == one + 1 or (two % 100 == 0 and one % 100 == sizes[one // 100] - 1)


@given(SIZES, st.sampled_from([1, 2]), st.integers(0, 5))
def test_a_batch_may_hold_several_runs(sizes: list[int], run: int, seed: int) -> None:
    segments, whole = stream(sizes, order="consecutive", run=run, seed=seed), stream(sizes, order="consecutive", seed=seed)
    batches, others = ([one.next_batch(4) for _ in range(one.batches)] for one in (segments, whole))
    ours, theirs = (torch.cat([batch.tokens_BT for batch in some]).reshape(-1, 4 * run).tolist() for some in (batches, others))
    assert sorted(ours) == sorted(theirs)
    for batch in batches:
        assert batch.documents_BT is not None
        runs = batch.documents_BT.reshape(-1, 4 * run)
        assert all(set(one.tolist()).isdisjoint(two.tolist()) for one, two in itertools.pairwise(runs))
        same_NN = batch.documents_BT.flatten()[:, None] == batch.documents_BT.flatten()
        text_N = batch.tokens_BT.flatten() // 100
        run_N = torch.arange(16) // (4 * run)
        assert torch.equal(same_NN, (text_N[:, None] == text_N) & (run_N[:, None] == run_N))


@given(SIZES, st.integers(0, 5))
def test_parallel_rows_go_on_in_the_next_batch(sizes: list[int], seed: int) -> None:
    ahead, together = stream(sizes, order="parallel", seed=seed), stream(sizes, order="consecutive", seed=seed)
    batches = ahead.batches
    rows = torch.stack([ahead.next_batch(4).tokens_BT for _ in range(batches)], dim=1)
    straight = torch.cat([together.next_batch(4).tokens_BT for _ in range(batches)])
    assert torch.equal(rows.reshape(-1, 4), straight)


@given(SIZES, st.sampled_from(ORDERS), st.integers(0, 30))
def test_resumed_equals_uninterrupted(sizes: list[int], order: str, done: int) -> None:
    straight = stream(sizes, order=order)
    for _ in range(done):
        straight.next_batch(2)
    resumed = stream(sizes, order=order)
    resumed.restore(straight.state())
    for rows in (2, 1, 1, 2) if done % 2 == 0 else (2, 1, 1):
        one, two = straight.next_batch(rows), resumed.next_batch(rows)
        assert torch.equal(one.tokens_BT, two.tokens_BT) and one.bytes == two.bytes


@given(SIZES, st.sampled_from(ORDERS))
def test_processes_share_the_batch_of_one(sizes: list[int], order: str) -> None:
    alone = stream(sizes, order=order)
    both = [stream(sizes, order=order, rank=rank, world=2) for rank in range(2)]
    for _ in range(alone.batches + 1):
        whole = alone.next_batch(4)
        parts = [one.next_batch(2) for one in both]
        assert torch.equal(whole.tokens_BT, torch.cat([part.tokens_BT for part in parts]))
        assert whole.bytes == sum(part.bytes for part in parts)


def test_epochs_have_orders_of_their_own() -> None:
    segments = stream([40] * 8, order="random")
    first, second = ([segments.next_batch(4).tokens_BT for _ in range(segments.batches)] for _ in range(2))
    assert not torch.equal(torch.cat(first), torch.cat(second))


def test_batches_of_similar_segments_are_stretches_of_the_chain() -> None:
    segments = stream([40] * 4, order="similar", seed=3)
    tokens_ST = np.concatenate([document.ids for document in documents([40] * 4)]).reshape(-1, 4)
    chain = similarity_chain(tokens_ST, seed=3).reshape(-1, 4)
    epochs = [[segments.next_batch(4).tokens_BT.tolist() for _ in range(segments.batches)] for _ in range(2)]
    expected = sorted(tokens_ST[batch].tolist() for batch in chain)
    assert sorted(epochs[0]) == sorted(epochs[1]) == expected
    assert epochs[0] != epochs[1]


def test_only_parallel_rows_go_on() -> None:
    for order in ORDERS:
        segments = stream([40] * 4, order=order)
        marks = [segments.next_batch(4).continues for _ in range(segments.batches + 1)]
        assert marks == [order == "parallel" and 0 < place < segments.batches for place in range(segments.batches + 1)]


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(UsageError, match="the text has 2 segments of 4 tokens, fewer than a batch of 4"):
        stream([11])
    with pytest.raises(ValueError, match="order is 'sorted'"):
        stream([40], order="sorted")
    with pytest.raises(ValueError, match="run is 3, but must divide the 4 rows"):
        stream([40], order="consecutive", run=3)
    with pytest.raises(ValueError, match="run is 2, but must divide the 4 rows of a batch in consecutive order"):
        stream([40], run=2)
    with pytest.raises(ValueError, match="a multiple of the 3 processes"):
        stream([40], world=3)
    with pytest.raises(ValueError, match="3 rows are asked for, but 2 are left"):
        (segments := stream([40])).next_batch(2)
        segments.next_batch(3)
    for state in ({}, {"epoch": -1, "taken": 0}, {"epoch": 0, "taken": 99}, {"epoch": 0, "taken": "1"}):
        with pytest.raises(CorruptFileError, match="which no run wrote"):
            stream([40]).restore(state)
