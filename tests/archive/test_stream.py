"""The face of the room: bytes to bytes, and streams."""

import io
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import laconic
from laconic.archive.stream import compress, compress_stream, decompress, decompress_stream
from laconic.bytelm.base import AbstractByteLM
from laconic.bytelm.registry import save_byte_lm
from laconic.errors import CorruptFileError, LaconicError, ModelMismatchError, UsageError


@pytest.mark.parametrize("model", ["default", "light", "uniform"])
@settings(max_examples=25)
@given(data=st.binary(max_size=60) | st.text(max_size=40).map(str.encode), precision=st.sampled_from([12, 16, 20, 24]))
def test_round_trip_with_every_model_that_comes_along(model: str, data: bytes, precision: int) -> None:
    blob = compress(data, model, precision=precision)
    assert decompress(blob) == data
    assert len(blob) <= len(data) * 1.001 + 64


HOSTILE = {
    "empty": b"",
    "one byte": b"x",
    "every byte": bytes(range(256)) * 3,
    "invalid UTF-8": b"\xff\xfe broken \xc3\x28 utf-8 \x80" * 20,
    "noise": random.Random(1).randbytes(1 << 20),
    "one repeated byte": b"z" * (1 << 20),
}


@pytest.mark.parametrize(("model", "limit"), [("light", 1 << 20), ("default", 1 << 12)])
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_data(name: str, model: str, limit: int) -> None:
    data = HOSTILE[name][:limit]
    blob = laconic.compress(data, model)
    assert laconic.decompress(blob) == data
    assert len(blob) <= len(data) * 1.001 + 64


def test_models_from_files_and_in_hand(tmp_path: Path, unigram: AbstractByteLM) -> None:
    path = tmp_path / "letters.safetensors"
    save_byte_lm(unigram, path)
    blob = compress(b"a tin of ants", path)
    assert blob == compress(b"a tin of ants", unigram) == compress(b"a tin of ants", str(path))
    assert decompress(blob, path) == b"a tin of ants"
    with pytest.raises(ModelMismatchError):
        decompress(blob)
    with pytest.raises(UsageError):
        compress(b"", "no such model")


def test_streams_strict_and_salvaging(mixed_file: bytes, mixed_text: bytes, unigram: AbstractByteLM) -> None:
    damaged = mixed_file[:40] + b"!!!" + mixed_file[43:]
    with pytest.raises(CorruptFileError):
        decompress_stream(io.BytesIO(damaged), io.BytesIO(), model=unigram)
    sink = io.BytesIO()
    assert decompress_stream(io.BytesIO(damaged), sink, model=unigram, salvage=True).losses
    assert 0 < len(sink.getvalue()) < len(mixed_text)


def test_every_truncation_and_any_garbage_is_an_error_of_ours(uniform: AbstractByteLM) -> None:
    sink = io.BytesIO()
    compress_stream(io.BytesIO(b"short"), sink, model=uniform)
    for blob in [sink.getvalue()[:length] for length in range(len(sink.getvalue()))] + [b"garbage", bytes(100)]:
        with pytest.raises(LaconicError):
            decompress(blob)
