"""Texts through a model: back again, and each text's code the same in any company."""

import threading
import time

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laconic.archive import coding
from laconic.archive.coding import decode_texts, encode_texts
from laconic.bytelm.base import AbstractByteLM, AbstractSession, CountFormat


@pytest.mark.parametrize("precision", [12, 16, 20, 24])
@given(texts=st.lists(st.binary(max_size=40), min_size=1, max_size=6))
def test_round_trip(texts: list[bytes], precision: int, unigram: AbstractByteLM) -> None:
    codes = encode_texts(texts, unigram, precision)
    assert decode_texts(codes, [len(text) for text in texts], unigram, precision) == texts


@given(texts=st.lists(st.binary(max_size=30), min_size=2, max_size=5))
def test_the_company_does_not_matter(texts: list[bytes], unigram: AbstractByteLM) -> None:
    together = encode_texts(texts, unigram, 16)
    assert together == [encode_texts([text], unigram, 16)[0] for text in texts]


def test_the_codes_are_those_of_the_reference(unigram: AbstractByteLM) -> None:
    from laconic.codec.reference import encode

    text = b"the reference spells out every bit"
    counts_BTC = unigram.counts(np.frombuffer(text, np.uint8).astype(np.uint16)[None], CountFormat(precision=16, eos=False))
    bits = encode([row.tolist() for row in counts_BTC[0]], list(text), 16)
    (code,) = encode_texts([text], unigram, 16)
    assert "".join(f"{byte:08b}" for byte in code) == bits + "0" * (-len(bits) % 8)


def test_any_bytes_decode_to_something(unigram: AbstractByteLM) -> None:
    texts = decode_texts([b"", b"\xff" * 3, b"any"], [4, 9, 2], unigram, 14)
    assert [len(text) for text in texts] == [4, 9, 2]


def test_nothing_and_progress(uniform: AbstractByteLM) -> None:
    assert encode_texts([], uniform, 16) == []
    assert decode_texts([], [], uniform, 16) == []
    told: list[float] = []
    decode_texts([b""], [3000], uniform, 16, told.append)
    assert told == sorted(told) and len(told) > 1 and 0 <= told[0] <= told[-1] < 1


@pytest.mark.parametrize("seconds", [0.0, 1e9])
def test_how_many_texts_share_a_call_changes_no_code(
    seconds: float, unigram: AbstractByteLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [bytes(range(n)) for n in range(1, 60)]
    codes = encode_texts(texts, unigram, 16)
    monkeypatch.setattr(numba, "get_num_threads", lambda: 1)
    monkeypatch.setattr(coding, "_SECONDS_AT_ONCE", seconds)
    monkeypatch.setattr(coding, "_FEWEST_AT_ONCE", 100)
    monkeypatch.setattr(coding, "_MOST_AT_ONCE", 1000)
    told: list[float] = []
    assert encode_texts(texts, unigram, 16, told.append) == codes
    assert told == sorted(told) and told[-1] == 1.0
    assert len(told) == (59 if seconds == 0.0 else 7)  # 1, 3, 6 and then 16 rows at once.


class InThreads(AbstractByteLM):
    """A byte model that wants its rows read in three threads, and may stumble in one."""

    def __init__(self, model: AbstractByteLM, stumbles: bool = False) -> None:
        self._model, self._stumbles, self.sessions = model, stumbles, list[int]()

    fingerprint, description = 0, ""

    def threads_for(self, rows: int) -> int:
        return min(3, rows)

    def start(self, batch: int, form: CountFormat) -> AbstractSession:
        self.sessions.append(batch)
        if self._stumbles and threading.current_thread() is not threading.main_thread():
            raise MemoryError("no room")
        return self._model.start(batch, form)

    def counts(self, symbols_BT: np.ndarray, form: CountFormat) -> np.ndarray:
        return self._model.counts(symbols_BT, form)

    def ranges(self, symbols_BT: np.ndarray, lengths_B: np.ndarray, form: CountFormat) -> tuple[np.ndarray, np.ndarray]:
        return self._model.ranges(symbols_BT, lengths_B, form)


@given(texts=st.lists(st.binary(max_size=30), min_size=3, max_size=9))
def test_threads_change_no_text(texts: list[bytes], unigram: AbstractByteLM) -> None:
    shared, lengths = InThreads(unigram), [len(text) for text in texts]
    assert decode_texts(encode_texts(texts, unigram, 16), lengths, shared, 16) == texts
    assert len(shared.sessions) == 3 and sum(shared.sessions) == len(texts)


def test_what_goes_wrong_in_a_thread_is_told(unigram: AbstractByteLM) -> None:
    with pytest.raises(MemoryError):
        decode_texts([b"abc"] * 6, [50] * 6, InThreads(unigram, stumbles=True), 16)


def test_an_interruption_stops_all_threads(unigram: AbstractByteLM) -> None:
    def interrupt(part: float) -> None:
        raise KeyboardInterrupt

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        decode_texts([b"abc"] * 6, [10_000_000] * 6, InThreads(unigram), 16, interrupt)
    assert time.monotonic() - began < 60, "the others went on to their end"


def test_every_thread_has_as_many_texts(unigram: AbstractByteLM, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coding, "_FEWEST_AT_ONCE", 50)
    monkeypatch.setattr(coding, "_SECONDS_AT_ONCE", 0.0)
    monkeypatch.setattr(numba, "get_num_threads", lambda: 3)
    texts, rows, ranges = [b"x" * 40] * 11, list[int](), type(unigram).ranges
    monkeypatch.setattr(
        type(unigram),
        "ranges",
        lambda model, symbols_BT, *rest: (rows.append(len(symbols_BT)), ranges(model, symbols_BT, *rest))[1],
    )
    encode_texts(texts, unigram, 16)
    assert rows == [3, 3, 3, 2]
