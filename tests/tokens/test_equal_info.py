import pickle

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from laconic.errors import CorruptFileError, LaconicError
from laconic.tokens import equal_info
from laconic.tokens.equal_info import EqualInfoConfig, EqualInfoTokenizer

_CONFIGS = st.builds(
    EqualInfoConfig,
    bits=st.sampled_from([16, 17, 20, 24, 32, 64, 100, 128]),
    token_bits=st.sampled_from([8, 16]),
    reading=st.sampled_from(["exact", "delay"]),
    reset=st.sampled_from(["every", 1, 2, 5, "never"]),
    precision=st.sampled_from([12, 16]),
)


@given(st.data(), _CONFIGS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
def test_laws(laws, batches, byte_model, data, config):
    laws(EqualInfoTokenizer(byte_model, config), data.draw(batches))


def test_precision_may_reach_24_where_windows_are_wide_enough(laws, byte_model):
    symbols = np.random.default_rng(1).integers(0, 257, 300).astype(np.uint16)
    laws(EqualInfoTokenizer(byte_model, EqualInfoConfig(bits=24, precision=24)), [symbols])


def test_the_reading_of_the_paper_says_that_it_loses_text(unigram):
    text = bytes(np.random.default_rng(4).choice(np.frombuffer(b"the cat on a mat", np.uint8), 2000))
    assert EqualInfoTokenizer(unigram, EqualInfoConfig()).lossless
    assert EqualInfoTokenizer(unigram, EqualInfoConfig(reading="delay")).lossless
    paper = EqualInfoTokenizer(unigram, EqualInfoConfig(reading="paper"))
    assert not paper.lossless
    assert paper.decode_bytes(paper.encode_bytes(text)) != text


def test_one_token_is_one_window_only_where_sizes_agree(unigram):
    def alone(**settings):
        return EqualInfoTokenizer(unigram, EqualInfoConfig(**settings)).ids_stand_alone

    assert alone() and alone(reading="delay")
    assert not alone(bits=32) and not alone(token_bits=8) and not alone(reset=2)


def test_spans_follow_windows_across_tokens(unigram):
    text = b"the cat sat on the mat and the hat"
    for bits, token_bits, run in ((16, 16, 1), (16, 8, 2), (24, 16, 3), (20, 16, 5), (64, 16, 4)):
        tokenizer = EqualInfoTokenizer(unigram, EqualInfoConfig(bits=bits, token_bits=token_bits, precision=12))
        ids = tokenizer.encode_bytes(text)
        spans = tokenizer.spans(ids)
        assert (spans[:-1, 0] == run).all() and 0 < spans[-1, 0] <= run
        assert spans.sum(axis=0).tolist() == [ids.size, len(text)]
        head = tokenizer.decode_bytes(ids[: spans[0, 0]])
        assert head == text[: spans[0, 1]]


def test_missing_tokens_are_noticed(unigram):
    tokenizer = EqualInfoTokenizer(unigram, EqualInfoConfig(bits=64))
    ids = tokenizer.encode_bytes(b"the cat sat on the mat and the hat")
    with pytest.raises(CorruptFileError, match="missing"):
        tokenizer.decode_bytes(ids[:-1])
    with pytest.raises(CorruptFileError, match="65537"):
        tokenizer.decode_bytes([1, 2, 3, 65537])


def test_names_say_what_is_not_the_default(unigram):
    def name(**settings):
        return EqualInfoTokenizer(unigram, EqualInfoConfig(**settings)).name

    assert name() == "equal-info[16,65536]"
    assert name(bits=24, token_bits=8) == "equal-info[24,256]"
    assert name(reading="paper", reset="never") == "equal-info[16,65536,paper,reset=never]"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("bits", 8),
        ("precision", 20),
        ("token_bits", 12),
        ("reading", "vague"),
        ("reset", 0),
        ("reset", "often"),
        ("reset", True),
        ("reset", 2.0),
        ("reset", 1 << 31),
    ],
)
def test_configs_are_checked(field, value):
    with pytest.raises((ValueError, TypeError), match=field):
        EqualInfoConfig(**{field: value})


@pytest.mark.parametrize("sizes", [(16, 16), (16, 8), (17, 8), (18, 16)])
def test_compiled_windows_keep_the_laws_and_the_ids(laws, unigram, sizes):
    config = EqualInfoConfig(bits=sizes[0], token_bits=sizes[1])
    slow, quick = EqualInfoTokenizer(unigram, config), EqualInfoTokenizer(unigram, config)
    assert slow.codebook is None and quick.compile() is quick.codebook is quick.compile()
    rng = np.random.default_rng(8)
    documents = [rng.integers(0, 257, 200), rng.choice([*b"the cat sat", 256], 900), np.array([256]), np.array([])]
    documents = [document.astype(np.uint16) for document in documents]
    laws(quick, documents)
    for symbols, ids, again in zip(documents, slow.encode_batch(documents), quick.encode_batch(documents), strict=True):
        np.testing.assert_array_equal(ids, again)
        np.testing.assert_array_equal(slow.spans(ids), quick.spans(ids))
        assert slow.decode_batch([ids])[0].tolist() == quick.decode_batch([ids])[0].tolist() == symbols.tolist()
    assert slow.codebook is None


def test_compiled_tokens_that_are_missing_or_foreign_are_noticed(unigram):
    for bits, token_bits in ((16, 8), (17, 8), (18, 16)):
        tokenizer = EqualInfoTokenizer(unigram, EqualInfoConfig(bits=bits, token_bits=token_bits))
        tokenizer.compile()
        ids = tokenizer.encode_bytes(b"the cat sat on the mat and the hat")
        with pytest.raises(CorruptFileError, match="missing"):
            tokenizer.decode_bytes(ids[:-1])
        with pytest.raises(CorruptFileError, match="is not among"):
            tokenizer.decode_batch([np.array([1, 2, 1 << token_bits], np.int32)])


def test_windows_are_compiled_when_that_pays(unigram):
    tokenizer = EqualInfoTokenizer(unigram, EqualInfoConfig())
    text = b"the cat sat on the mat " * 1000
    first = tokenizer.encode_bytes(text)
    assert tokenizer.codebook is None
    for _ in range(2):
        np.testing.assert_array_equal(tokenizer.encode_bytes(text), first)
    assert tokenizer.codebook is not None and tokenizer.decode_bytes(first) == text


def test_other_windows_are_not_compiled_unasked(unigram):
    text = b"the cat sat on the mat " * 3000
    for chosen in ({"reading": "delay"}, {"reset": 2}, {"bits": 32}):
        tokenizer = EqualInfoTokenizer(unigram, EqualInfoConfig(**chosen))
        tokenizer._worked_on = 1 << 40
        assert tokenizer.decode_bytes(tokenizer.encode_bytes(text[:5000])) == text[:5000]
        assert tokenizer.codebook is None
        with pytest.raises(ValueError, match="cannot be compiled"):
            tokenizer.compile()


def test_a_model_whose_windows_are_too_many_is_used_uncompiled(unigram, monkeypatch):
    def refuse(*_, **__):
        raise LaconicError("too many")

    monkeypatch.setattr(equal_info, "compile_windows", refuse)
    tokenizer = EqualInfoTokenizer(unigram, EqualInfoConfig())
    text = b"the cat sat on the mat " * 3000
    assert tokenizer.decode_bytes(tokenizer.encode_bytes(text)) == text
    assert tokenizer.codebook is None and pickle.loads(pickle.dumps(tokenizer)).codebook is None


def test_pickles_are_alike_before_and_after_use(unigram):
    """What `datasets.map` names its cache after; and no process compiles again."""
    tokenizer = EqualInfoTokenizer(unigram, EqualInfoConfig())
    before = pickle.dumps(tokenizer)
    ids = tokenizer.encode_bytes(b"the cat" * 10_000)
    assert pickle.dumps(tokenizer) == before
    again = pickle.loads(before)
    assert again.codebook is not None
    np.testing.assert_array_equal(again.encode_bytes(b"the cat" * 10_000), ids)
    assert pickle.loads(pickle.dumps(EqualInfoTokenizer(unigram, EqualInfoConfig(bits=17)))).codebook is None
