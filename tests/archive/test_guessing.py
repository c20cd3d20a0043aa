"""Guessing the model of a file whose header is damaged."""

import io

import pytest

from laconic.archive import guessing
from laconic.archive.guessing import guess_model
from laconic.archive.layout import Layout
from laconic.archive.writer import compress_stream
from laconic.bytelm.base import AbstractByteLM
from laconic.bytelm.registry import load_byte_lm
from laconic.errors import CorruptFileError


def guess(blob: bytes, model: AbstractByteLM | None) -> tuple[AbstractByteLM, int]:
    return guess_model(io.BytesIO(blob), len(blob), model)


def test_the_precision_is_found_by_trying(mixed_file: bytes, unigram: AbstractByteLM) -> None:
    assert guess(mixed_file, unigram) == (unigram, 14)
    sink = io.BytesIO()
    compress_stream(io.BytesIO(b"etaoin" * 20), sink, model=unigram, precision=16, layout=Layout(block_bytes=20, join=False))
    assert guess(bytes(16) + sink.getvalue()[16:], unigram) == (unigram, 16)


def test_a_model_that_comes_with_laconic_is_found_by_trying() -> None:
    model, text = load_byte_lm("default"), b"The quick brown fox jumps over the lazy dog. " * 2
    sink = io.BytesIO()
    compress_stream(io.BytesIO(text), sink, model=model, precision=20)
    found, precision = guess(bytes(16) + sink.getvalue()[16:], None)
    assert found.fingerprint == model.fingerprint and precision == 20


def test_quick_models_are_tried_first_and_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []

    def decode(trials: object, model: AbstractByteLM, precision: int) -> list[CorruptFileError]:
        tried.append(model.fingerprint)
        return [CorruptFileError("not this one")]

    monkeypatch.setattr(guessing, "decode_blocks", decode)
    sink = io.BytesIO()
    compress_stream(io.BytesIO(b"The quick brown fox jumps over the lazy dog."), sink, model=load_byte_lm("light"))
    found, _ = guess(bytes(16) + sink.getvalue()[16:], None)
    order = [load_byte_lm(name).fingerprint for name in ("light", "uniform", "default")]
    assert list(dict.fromkeys(tried)) == list(dict.fromkeys(order)) and found.fingerprint == order[0]
    assert len(tried) == len(set(tried)) * 13, "each model at each precision once"


def test_a_slow_model_is_not_even_loaded_where_there_is_nothing_to_try(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []
    monkeypatch.setattr(guessing, "load_byte_lm", lambda name: loaded.append(name) or load_byte_lm(name))
    sink = io.BytesIO()
    compress_stream(io.BytesIO(bytes(range(256))), sink, model=load_byte_lm("uniform"))
    guess(bytes(16) + sink.getvalue()[16:], None)
    assert loaded == ["light"]


def test_a_file_without_blocks_is_refused() -> None:
    with pytest.raises(CorruptFileError, match="not a single"):
        guess(b"nothing to be seen here", None)
