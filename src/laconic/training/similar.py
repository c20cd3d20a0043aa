"""An order of segments in which neighbours are about the same things, by the words that they share.

As batches of external memory are made (Zhong, Lei and Chen 2022, algorithm 1): from a segment to the most similar one that no
batch has yet, and where the twenty most similar ones are all used, to any that is left. It is a tour of nearest neighbours,
no clustering, and each segment is in it once.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Int, Int64

from laconic.errors import missing_extra


def similarity_chain(
    tokens_ST: Int[np.ndarray, "S T"],
    *,
    seed: int,
    neighbours: int = 20,
    progress: Callable[[int, int], None] | None = None,
) -> Int64[np.ndarray, "S"]:
    """All segments, each followed by one that shares its words if any is left that does.

    Similarity is BM25 (Robertson and Zaragoza 2009, in Lucene's form), the whole segment being the query.

    Args:
        tokens_ST: segments.
        seed: decides where the chain begins, and where it goes on when it ends.
        neighbours: how many similar segments are looked at.
        progress: told how many segments of how many have been asked for.

    Raises:
        MissingExtraError: the package bm25s is not installed.
    """
    try:
        from bm25s import BM25
        from bm25s.tokenization import Tokenized
    except ImportError as error:
        raise missing_extra("bm25s", "memory", "finding similar segments") from error
    segments = len(tokens_ST)
    words, ids_N = np.unique(tokens_ST, return_inverse=True)
    ids_ST = ids_N.reshape(tokens_ST.shape)
    index = BM25()
    index.index(
        Tokenized(ids=ids_ST.tolist(), vocab={str(word): place for place, word in enumerate(words)}), show_progress=False
    )
    rng = np.random.Generator(np.random.PCG64(seed))
    # Raw bits, because NumPy promises those for ever.
    elsewhere = np.argsort(rng.bit_generator.random_raw(segments), kind="stable")
    used, chain, restart = np.zeros(segments, dtype=bool), np.empty(segments, dtype=np.int64), 0
    at = int(elsewhere[0])
    for place in range(segments):
        chain[place], used[at] = at, True
        if progress:
            progress(place + 1, segments)
        near = _nearest(index.get_scores_from_ids(ids_ST[at].tolist()), neighbours + 1)
        unused = near[~used[near]]
        if len(unused):
            at = int(unused[0])
            continue
        while restart < segments and used[elsewhere[restart]]:
            restart += 1
        at = int(elsewhere[min(restart, segments - 1)])
    return chain


def _nearest(score_S: np.ndarray, count: int) -> np.ndarray:
    """The highest scores first, equal ones in the order of the segments; only those that share a word at all."""
    count = min(count, len(score_S))
    least = np.partition(score_S, len(score_S) - count)[len(score_S) - count]
    (chosen,) = np.nonzero((score_S >= least) & (score_S > 0))
    nearest: np.ndarray = chosen[np.argsort(-score_S[chosen], kind="stable")][:count]
    return nearest
