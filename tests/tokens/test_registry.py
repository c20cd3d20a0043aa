import subprocess
import sys

import numpy as np
import pytest

import laconic
from laconic.errors import UsageError
from laconic.tokens.registry import KINDS, TRAINED, build_tokenizer, load_tokenizer, save_tokenizer

_SMALL = {"sentencepiece": {"vocab_size": 512}, "bpe": {"vocab_size": 300}}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_built_saved_and_loaded(kind, documents, laws, tmp_path):
    tokenizer = build_tokenizer(kind, documents * 5, **_SMALL.get(kind, {}))
    assert tokenizer.settings()["kind"] == kind
    if kind != "words":  # It tidies the text.
        laws(tokenizer, [np.array([*b"the cat \xff sat", 256], np.uint16)])
    save_tokenizer(tokenizer, tmp_path)
    assert load_tokenizer(tmp_path).encode("on the mat") == tokenizer.encode("on the mat")


def test_default_is_windows_of_16_bits():
    tokenizer = laconic.load_tokenizer("default")
    assert (tokenizer.name, tokenizer.vocab_size) == ("equal-info[16,65536]", 65536)
    assert tokenizer.decode(tokenizer.encode("The cat sat.")) == "The cat sat."


@pytest.mark.parametrize(
    "name",
    ["bytes", "gzip[256]", "gzip[65536,no-header]", "ac[256]", "equal-info[24,65536]", "equal-info[16,256,paper,reset=never]",
     "equal-info[32,256,reset=2]"],
)  # fmt: skip
def test_names_are_read_back(name):
    assert load_tokenizer(name).name == name


@pytest.mark.parametrize(
    "name",
    ["huffman", "no/such/folder", "sentencepiece[4096]", "gzip[100]", "gzip[256,1,2]", "bytes[3]", "equal-info[16", "ac[1]",
     "equal-info[8]",      "equal-info[x]", "equal-info[16,256,vague]", "equal-info[16,256,reset=0]", "", "a" * 300, "a\0b"],
)  # fmt: skip
def test_other_names_are_refused_in_a_sentence(name):
    with pytest.raises(UsageError) as caught:
        load_tokenizer(name)
    assert "\n" not in str(caught.value)


def test_no_name_is_not_the_working_folder(tmp_path, monkeypatch):
    save_tokenizer(build_tokenizer("bytes"), tmp_path)
    monkeypatch.chdir(tmp_path)
    assert load_tokenizer(".").name == "bytes"
    with pytest.raises(UsageError, match="there is no tokenizer ''"):
        load_tokenizer("")


@pytest.mark.parametrize("kind", TRAINED)
def test_learning_needs_text(kind):
    with pytest.raises(UsageError, match="no documents"):
        build_tokenizer(kind)


def test_unknown_kinds_and_settings_are_refused():
    with pytest.raises(UsageError, match="huffman"):
        build_tokenizer("huffman")
    with pytest.raises(UsageError, match="'vocab_size'"):
        build_tokenizer("gzip", vocab_size=3)
    with pytest.raises(ValueError, match="bits"):
        build_tokenizer("equal-info", bits=8)


def test_a_byte_model_may_be_given_itself(unigram):
    assert build_tokenizer("ac", model=unigram).settings()["byte_model"] == f"{unigram.fingerprint:016x}"


def test_loading_imports_no_framework():
    code = (
        "import sys, laconic; laconic.load_tokenizer('default').encode('a');"
        "print(sorted({'torch', 'transformers', 'sentencepiece', 'tokenizers', 'datasets'} & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
