import numpy as np

from laconic.tokens.base import symbols_of
from laconic.tokens.byte import ByteTokenizer
from laconic.tokens.equal_info import EqualInfoConfig, EqualInfoTokenizer
from laconic.tokens.gzip import GZipConfig, GZipTokenizer
from laconic.tokens.view import show_symbols, token_bits_of, view_runs


def test_symbols_are_shown_for_people():
    assert show_symbols(np.array([65, 256, 0xE2, 0x96, 256], np.uint16)) == "A<eos><E2><96><eos>"
    assert show_symbols(symbols_of("日本".encode())) == "日本"
    assert show_symbols(np.zeros(0, np.uint16)) == ""


def test_runs_have_ids_and_text(unigram):
    text = symbols_of(b"the cat sat on the mat")
    assert [(run.ids, run.text) for run in view_runs(ByteTokenizer(), text[:2])] == [((116,), "t"), ((104,), "h")]
    [run] = view_runs(GZipTokenizer(GZipConfig()), text)
    assert run.text == "the cat sat on the mat" and run.size == 22 and len(run.ids) > 1
    runs = view_runs(EqualInfoTokenizer(unigram, EqualInfoConfig(token_bits=8)), text)
    assert "".join(run.text for run in runs) == "the cat sat on the mat" and {len(run.ids) for run in runs} == {2}


def test_windows_that_decode_to_other_text_are_shown_whole(unigram):
    text = np.random.default_rng(4).choice(np.array([*b"the cat on a mat"], np.uint16), 2000)
    [run] = view_runs(EqualInfoTokenizer(unigram, EqualInfoConfig(reading="paper")), text)
    assert run.size == 2000


def test_bits_are_those_of_the_ids(unigram):
    tokenizer = EqualInfoTokenizer(unigram, EqualInfoConfig(token_bits=8))
    assert (token_bits_of(tokenizer), token_bits_of(ByteTokenizer())) == (8, 9)
    run = view_runs(tokenizer, symbols_of(b"the cat"))[0]
    assert [int(digits, 2) for digits in run.bits(8).split()] == list(run.ids)
    assert len(run.bits(8)) == 17
