"""Training the n-gram byte model: count, fit, prune to a size, fit again, round to integers.

The same documents in the same order give the same file on the same machine.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from laconic.bytelm.counting import CONTEXT, NOTHING, GramCounts, add_starts, count_grams
from laconic.bytelm.files import ModelFile
from laconic.bytelm.fitting import Ngrams, collect, refit, share_out
from laconic.bytelm.ngram import NGramByteLM
from laconic.bytelm.packing import FIXED_BYTES, MIN_WEIGHT, pack, prune
from laconic.errors import TrainingError
from laconic.shapes import EOS


@dataclass(frozen=True, kw_only=True)
class NGramConfig:
    """How to train an n-gram byte model.

    Attributes:
        order: the longest n-gram in symbols, 2 to 6: the context is one shorter.
        max_bytes: how large the file may become; at least 8,192.
        min_count: n-grams that occur fewer times are not considered.
        leave_out: how many occurrences of each n-gram the fit treats as unseen; larger values trust long contexts less.
        passes: fits after each of the pruning steps.
        starts: how much each position counts again for each of the five shorter contexts it would have right after a start;
            0 leaves the starts of documents as the only ones, 1 trains for windows of a few symbols more than for long text.
        min_backoff: the least share of a prediction that comes from the shorter context, 0.005 to 0.5. The larger it is,
            the less is lost on text of another kind than that of the training, and the more on text of the same kind.
    """

    order: int = 6
    max_bytes: int = 3_000_000
    min_count: int = 3
    leave_out: float = 4.0
    passes: int = 4
    starts: float = 0.05
    min_backoff: float = 0.04

    def __post_init__(self) -> None:
        if not 2 <= self.order <= CONTEXT + 1:
            raise ValueError(f"order is {self.order}, but must lie between 2 and {CONTEXT + 1}")
        if self.max_bytes < 2 * FIXED_BYTES:
            raise ValueError(f"max_bytes is {self.max_bytes}, but must be at least {2 * FIXED_BYTES}")
        if self.min_count < 1:
            raise ValueError(f"min_count is {self.min_count}, but must be at least 1")
        if self.leave_out < 0:
            raise ValueError(f"leave_out is {self.leave_out}, but must not be negative")
        if self.passes < 1:
            raise ValueError(f"passes is {self.passes}, but must be at least 1")
        if not 0 <= self.starts <= 1:
            raise ValueError(f"starts is {self.starts}, but must lie between 0 and 1")
        if not 0.005 <= self.min_backoff <= 0.5:
            raise ValueError(f"min_backoff is {self.min_backoff}, but must lie between 0.005 and 0.5")


def train_ngram(
    documents: Iterable[tuple[bytes, int]], config: NGramConfig | None = None, *, trained_on: str = "unnamed text"
) -> NGramByteLM:
    """Train an n-gram byte model.

    Args:
        documents: text, and how many times each of its n-grams counts; read once, one at a time.
        config: the defaults if None.
        trained_on: the name of the text, for the description.

    Raises:
        TrainingError: there is no byte to count.
    """
    config = config or NGramConfig()
    counts = count_grams(documents)
    if not (counts.keys_N & np.uint64(NOTHING) != EOS).any():
        raise TrainingError("there is no text to train on: give at least one document that is not empty")
    return fit_ngram(counts, config, trained_on=trained_on)


def fit_ngram(counts: GramCounts, config: NGramConfig, *, trained_on: str = "unnamed text") -> NGramByteLM:
    """Train on counts that are already there; see `train_ngram`."""
    counts = add_starts(counts, config.starts)
    ngrams = collect(counts, order=config.order, min_count=config.min_count, min_backoff=config.min_backoff)
    ngrams = _fit(ngrams, counts, config)
    for room in (2.0, 1.25, 1.0):
        shares = share_out(ngrams, counts, leave_out=config.leave_out)
        budget = int(room * (config.max_bytes - FIXED_BYTES))
        gains_E = np.where(ngrams.weights_E < MIN_WEIGHT, -np.inf, shares.gains_E)
        ngrams = _fit(prune(ngrams, gains_E, budget), counts, config)
    file = ModelFile(kind="ngram", config={"order": config.order}, description=trained_on, tensors=pack(ngrams))
    return NGramByteLM(file)


def _fit(ngrams: Ngrams, counts: GramCounts, config: NGramConfig) -> Ngrams:
    for _ in range(config.passes):
        shares = share_out(ngrams, counts, leave_out=config.leave_out)
        ngrams = refit(ngrams, shares, min_backoff=config.min_backoff)
    return ngrams
