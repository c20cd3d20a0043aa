import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from laconic.errors import CorruptFileError
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
