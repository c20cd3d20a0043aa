"""Our coder and our tokenizers beside the libraries that people know."""

import zlib

import numpy as np
import pytest

from laconic.codec.arithmetic import Encoder
from laconic.codec.bits import tokens_to_bytes
from laconic.tokens.registry import build_tokenizer

WORDS = [
    f"{a}{b}{c}" for a in ("st", "br", "qu", "th", "m") for b in ("ai", "o", "ee", "u") for c in ("nd", "ck", "lt", "s", "r")
]
TEXT = ("It was the best of times, it was the worst of times, it was the age of wisdom. " * 40 + " ".join(WORDS * 5)).encode()


def test_codes_are_as_short_as_those_of_constriction():
    constriction = pytest.importorskip("constriction")
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.full(64, 0.3))
    symbols = rng.choice(64, size=20_000, p=shares).astype(np.int32)
    model = constriction.stream.model.Categorical(shares.astype(np.float32), perfect=False)
    peer = constriction.stream.queue.RangeEncoder()
    peer.encode(symbols, model)

    counts = 1 + np.floor(shares * ((1 << 24) - 64)).astype(np.int64)
    counts[0] += (1 << 24) - counts.sum()
    edges = np.concatenate([[0], np.cumsum(counts)]).astype(np.uint32)
    coder = Encoder(1, 24)
    coder.push(edges[symbols][None], edges[symbols + 1][None], np.array([symbols.size]))
    [(_, bits)] = coder.finish()
    assert abs(bits - peer.num_bits()) <= 64


def test_gzip_tokens_are_zlibs_bytes():
    tokenizer = build_tokenizer("gzip", token_bits=8)
    assert tokens_to_bytes(tokenizer.encode_bytes(TEXT), 8) == zlib.compress(TEXT)


def test_sentencepiece_ids_are_those_of_the_library_on_plain_text(tmp_path):
    library = pytest.importorskip("sentencepiece")
    tokenizer = build_tokenizer("sentencepiece", [TEXT], vocab_size=512)
    tokenizer.save_pretrained(tmp_path)
    [model] = [path for path in tmp_path.iterdir() if path.suffix == ".model"]
    peer = library.SentencePieceProcessor(model_file=str(model))
    assert tokenizer.encode("it was the age of times") == peer.encode("it was the age of times")


def test_bpe_ids_are_those_of_the_library_on_plain_text(tmp_path):
    library = pytest.importorskip("tokenizers")
    tokenizer = build_tokenizer("bpe", [TEXT], vocab_size=512)
    tokenizer.save_pretrained(tmp_path)
    found = [path for path in tmp_path.iterdir() if "laconic" not in path.name and path.suffix == ".json"]
    peer = library.Tokenizer.from_file(str(found[0]))
    assert tokenizer.encode("it was the age of times") == peer.encode("it was the age of times").ids
