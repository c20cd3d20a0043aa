import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from laconic.codec.bits import tokens_to_bytes
from laconic.errors import CorruptFileError, UsageError
from laconic.tokens import gzip
from laconic.tokens.gzip import GZipConfig, GZipTokenizer

_ALL = [GZipTokenizer(GZipConfig(token_bits=bits, header=header)) for bits in (8, 16) for header in (True, False)]


@given(st.data(), st.sampled_from(_ALL))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_laws(laws, batches, data, tokenizer):
    laws(tokenizer, data.draw(batches))


def test_ids_are_what_zlib_writes():
    text = b"the cat sat on the mat " * 10
    squeezed = zlib.compress(text)
    assert _ALL[0].encode_bytes(text).tolist() == list(squeezed)
    assert tokens_to_bytes(_ALL[2].encode_bytes(text), 16)[: len(squeezed)] == squeezed
    # Two bytes in front and four behind are what the header costs.
    assert _ALL[1].encode_bytes(text).tolist() == list(squeezed[2:-4])


def test_names_say_what_was_chosen():
    assert [tokenizer.name for tokenizer in _ALL] == [
        "gzip[256]",
        "gzip[256,no-header]",
        "gzip[65536]",
        "gzip[65536,no-header]",
    ]


@pytest.mark.parametrize("tokenizer", _ALL)
def test_cut_or_longer_ids_are_refused(tokenizer):
    ids = tokenizer.encode_bytes(b"the cat sat on the mat " * 10)
    for wrong in (ids[:-1], ids[:3], np.concatenate([ids, ids]), np.append(ids, [0, 0, 0]).astype(np.int32), ids[:0]):
        with pytest.raises(CorruptFileError, match="one whole document"):
            tokenizer.decode_batch([wrong])


@pytest.mark.parametrize("tokenizer", _ALL)
def test_nothing_expands_beyond_the_longest_document(tokenizer, monkeypatch):
    long = tokenizer.encode_bytes(b"a" * 100_001)
    monkeypatch.setattr(gzip, "MAX_BYTES", 100_000)
    longest = b"a" * 100_000
    assert tokenizer.decode_bytes(tokenizer.encode_bytes(longest)) == longest
    with pytest.raises(CorruptFileError, match="more than 100000 bytes"):
        tokenizer.decode_bytes(long)
    with pytest.raises(UsageError, match="100001 bytes"):
        tokenizer.encode_bytes(longest + b"a")


@pytest.mark.parametrize("tokenizer", _ALL)
def test_the_empty_document_has_ids(tokenizer):
    ids = tokenizer.encode_bytes(b"")
    assert ids.size and tokenizer.decode_bytes(ids) == b""


def test_an_escape_without_meaning_is_refused():
    for spelt in (b"a\xff", b"\xff\x02", b"\xff\xff"):
        with pytest.raises(CorruptFileError, match="escape"):
            _ALL[0].decode_bytes(list(zlib.compress(spelt)))


def test_configs_are_checked():
    with pytest.raises(ValueError, match="token_bits"):
        GZipConfig(token_bits=12)
