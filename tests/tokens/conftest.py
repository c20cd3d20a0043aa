"""Byte models that mean harm, and documents that hold everything."""

from collections.abc import Callable
from functools import cache
from typing import final

import numpy as np
import pytest
from hypothesis import strategies as st

from laconic.bytelm.base import AbstractByteLM, AbstractSession, CountFormat
from laconic.bytelm.uniform import UniformByteLM
from laconic.bytelm.unigram import UnigramByteLM
from laconic.bytelm.weights import cumulative_counts

DOCUMENTS = [
    b"The cat sat on the mat. The cat sat on the hat.\n" * 20,
    b"def sat(cat):\n    return cat.sat(on='the mat')\n" * 20,
    "Käse über Möhren – für fünf Öre, naïve façade. 日本語\n".encode() * 20,
]


@final
class PairByteLM(AbstractByteLM):
    """Weights from the last two symbols alone, by any function."""

    def __init__(self, weights: Callable[[int, int], np.ndarray]) -> None:
        self._weights = cache(weights)

    @property
    def fingerprint(self) -> int:
        return 7

    @property
    def description(self) -> str:
        return "a model for tests"

    def edges(self, context: list[int], form: CountFormat) -> np.ndarray:
        last, before = ([*reversed(context), -1, -1])[:2]
        return cumulative_counts(self._weights(before, last)[None], form)[0]

    def start(self, batch: int, form: CountFormat) -> AbstractSession:
        return PairSession(self, batch, form)

    def counts(self, symbols_BT, form):
        return np.stack([[self.edges(row[:t].tolist(), form) for t in range(row.size)] for row in symbols_BT])

    def ranges(self, symbols_BT, lengths_B, form):
        ends = np.zeros((2, *symbols_BT.shape), np.uint32)
        for b, length in enumerate(lengths_B):
            for t, symbol in enumerate(symbols_BT[b, :length]):
                ends[:, b, t] = self.edges(symbols_BT[b, max(0, t - 2) : t].tolist(), form)[[symbol, symbol + 1]]
        return ends[0], ends[1]


@final
class PairSession(AbstractSession):
    def __init__(self, model: PairByteLM, batch: int, form: CountFormat) -> None:
        self._model, self._form = model, form
        self._contexts: list[list[int]] = [[] for _ in range(batch)]

    def cumulative(self):
        return np.stack([self._model.edges(context[-2:], self._form) for context in self._contexts])

    def append(self, symbols_B):
        for context, symbol in zip(self._contexts, symbols_B.tolist(), strict=True):
            if symbol >= 0:
                context.append(symbol)

    def truncate(self, lengths_B):
        for context, length in zip(self._contexts, lengths_B.tolist(), strict=True):
            del context[length:]


def _peaked(before: int, last: int) -> np.ndarray:
    weights = np.zeros(257, np.int64)
    weights[97] = 1 << 20
    return weights


def _powers_of_two(before: int, last: int) -> np.ndarray:
    return np.int64(1) << (np.arange(257) % 20).astype(np.int64)


def _erratic(before: int, last: int) -> np.ndarray:
    rng = np.random.default_rng([before + 1, last + 1])
    return np.floor(np.exp2(rng.normal(0, 5, 257))).clip(0, 1 << 20).astype(np.int64)


MODELS: dict[str, AbstractByteLM] = {
    "uniform": UniformByteLM(),
    "unigram": UnigramByteLM.train(DOCUMENTS),
    "peaked": PairByteLM(_peaked),
    "powers of two": PairByteLM(_powers_of_two),
    "erratic": PairByteLM(_erratic),
}


@pytest.fixture(params=MODELS)
def byte_model(request) -> AbstractByteLM:
    """Each of the models in turn."""
    return MODELS[request.param]


@pytest.fixture
def unigram() -> AbstractByteLM:
    """The one model that has a file form and does not come with laconic."""
    return MODELS["unigram"]


@pytest.fixture
def documents() -> list[bytes]:
    """A little text to train on."""
    return DOCUMENTS


def as_symbols(values) -> np.ndarray:
    return np.array(values, np.uint16)


_TEXT = st.text(max_size=60).map(lambda text: list(text.encode("utf-8", errors="surrogatepass")))
_HOSTILE = st.sampled_from(
    [
        b"\0",
        b"\xff",
        b"\xfe\xff",
        b"\xe2\x96",
        "▁▁ ▅⁇".encode(),
        b"\xed\xa0\x80",
        b"<unk><s></s><0x41><eos>",
        b"\r\n\t  ",
        b"aaaaaaaaaaaa",
    ]
).map(list)
_SYMBOLS = st.lists(st.integers(0, 256), max_size=60)
SYMBOLS = st.lists(st.one_of(_TEXT, _HOSTILE, _SYMBOLS), max_size=5).map(
    lambda parts: as_symbols([s for part in parts for s in part])
)
BATCHES = st.lists(SYMBOLS, max_size=4)


def check_laws(tokenizer, batch) -> None:
    """What every lossless tokenizer keeps: exact round trips, ids in range, no influence between neighbours, spans."""
    ids = tokenizer.encode_batch(batch)
    back = tokenizer.decode_batch(ids)
    assert len(ids) == len(back) == len(batch)
    for symbols, ids_T, again in zip(batch, ids, back, strict=True):
        assert ids_T.dtype == np.int32 and again.dtype == np.uint16
        np.testing.assert_array_equal(again, symbols)
        assert ids_T.size == 0 or 0 <= ids_T.min() <= ids_T.max() < tokenizer.vocab_size
        np.testing.assert_array_equal(tokenizer.encode_batch([symbols])[0], ids_T)
        np.testing.assert_array_equal(tokenizer.decode_batch([ids_T])[0], symbols)
        assert tokenizer.spans(ids_T).sum(axis=0).tolist() == [ids_T.size, symbols.size]


@pytest.fixture
def laws():
    """The laws of tokenizers, as one function of a tokenizer and a batch of documents."""
    return check_laws


@pytest.fixture
def batches():
    """A Hypothesis strategy for batches of symbol arrays, for `data.draw`."""
    return BATCHES
