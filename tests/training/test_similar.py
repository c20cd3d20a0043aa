"""Neighbours in the chain really are neighbours, and every segment is in it once."""

import itertools
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laconic.errors import MissingExtraError
from laconic.training.similar import similarity_chain


def topics(count: int, each: int, seed: int = 0) -> np.ndarray:
    """Segments in any order, each of one topic: half its words are of the topic, half are everybody's."""
    rng = np.random.default_rng(seed)
    topic_S = rng.permutation(np.repeat(np.arange(count), each))
    own_ST = 100 + 10 * topic_S[:, None] + rng.integers(0, 10, (len(topic_S), 8))
    return np.concatenate([own_ST, rng.integers(0, 50, (len(topic_S), 8))], axis=1)


def topic_of(tokens_ST: np.ndarray) -> np.ndarray:
    topic_S: np.ndarray = (tokens_ST[:, 0] - 100) // 10
    return topic_S


def test_neighbours_are_about_the_same_topic() -> None:
    tokens_ST = topics(12, 8)
    chain = similarity_chain(tokens_ST, seed=0)
    topic_S = topic_of(tokens_ST)[chain]
    same, by_chance = (topic_S[1:] == topic_S[:-1]).mean(), (topic_of(tokens_ST)[1:] == topic_of(tokens_ST)[:-1]).mean()
    assert by_chance < 0.2
    assert same > 0.85


@settings(max_examples=30)
@given(st.integers(1, 30), st.integers(1, 6), st.integers(1, 25), st.integers(0, 99))
def test_each_segment_comes_once(segments: int, length: int, neighbours: int, seed: int) -> None:
    tokens_ST = np.random.default_rng(seed).integers(0, 12, (segments, length))
    chain = similarity_chain(tokens_ST, seed=seed, neighbours=neighbours)
    assert sorted(chain.tolist()) == list(range(segments))
    assert np.array_equal(chain, similarity_chain(tokens_ST, seed=seed, neighbours=neighbours))


def test_each_step_goes_to_the_most_similar_unused_segment() -> None:
    """By the definition of BM25 in Lucene's form, computed word by word."""
    tokens_ST = topics(4, 5, seed=3)
    segments, _ = tokens_ST.shape
    count_SW = np.stack([np.bincount(row, minlength=200) for row in tokens_ST]).astype(float)
    holding_W = (count_SW > 0).sum(0)
    rarity_W = np.log1p((segments - holding_W + 0.5) / (holding_W + 0.5))
    # All segments are equally long.
    score_SW = rarity_W * count_SW / (count_SW + 1.5)
    chain = similarity_chain(tokens_ST, seed=1).tolist()
    for place, (at, after) in enumerate(itertools.pairwise(chain)):
        score_S = score_SW @ count_SW[at]
        near = np.argsort(-score_S, kind="stable")[:21]
        unused = [segment for segment in near.tolist() if segment not in chain[: place + 1]]
        assert not unused or score_S[after] == pytest.approx(score_S[unused[0]], rel=1e-5)


def test_the_seed_decides_where_it_begins() -> None:
    assert len({int(similarity_chain(topics(6, 4), seed=seed)[0]) for seed in range(8)}) > 3


def test_progress_is_told() -> None:
    told = list[tuple[int, int]]()
    similarity_chain(topics(2, 3), seed=0, progress=lambda done, total: told.append((done, total)))
    assert told == [(done, 6) for done in range(1, 7)]


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bm25s", None)
    with pytest.raises(MissingExtraError, match=r"finding similar segments needs the package 'bm25s'.*laconic\[memory\]"):
        similarity_chain(topics(2, 3), seed=0)
