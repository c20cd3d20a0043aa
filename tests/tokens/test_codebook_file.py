"""Codebooks in files: they come back as they were, or not at all."""

import json
from dataclasses import replace

import numpy as np
import pytest
import safetensors.numpy

from laconic.codec.reference_codebook import book_of, codes_of
from laconic.errors import CorruptFileError, FormatVersionError, LaconicError, OutputError
from laconic.records.tensors import checksum_of
from laconic.tokens import codebook_file
from laconic.tokens.codebook_file import read_codebook, write_codebook

MADE_FROM = {"byte_model": "0123456789abcdef", "bits": 16}


@pytest.fixture(scope="module")
def book():
    return book_of({(symbol,): 3 * symbol for symbol in range(257)} | {(97, 98, 256): 1}, 16)


@pytest.fixture
def path(book, tmp_path):
    write_codebook(book, MADE_FROM, tmp_path / "codebook.safetensors")
    return tmp_path / "codebook.safetensors"


def test_a_book_comes_back(book, path, tmp_path):
    again, made_from = read_codebook(path)
    assert (codes_of(again), again.bits, made_from) == (codes_of(book), 16, MADE_FROM)
    write_codebook(again, dict(reversed(MADE_FROM.items())), tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("keep", [0, 7, 8, 100, 500, -1, -1000])
def test_files_cut_short_are_refused(path, keep):
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(CorruptFileError, match="build the tokenizer again"):
        read_codebook(path)


def test_a_changed_byte_is_noticed_wherever_it_is(path):
    content = path.read_bytes()
    header = 8 + int.from_bytes(content[:8], "little")
    places = [0, 9, *range(20, header, 37), *np.linspace(header, len(content) - 1, 30).astype(int).tolist()]
    for place in places:
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises((CorruptFileError, FormatVersionError)) as caught:
            read_codebook(path)
        assert "\n" not in str(caught.value)


def _rewrite(book, path, tensors=None, **changes):
    tensors = {name: getattr(book, name) for name in ("symbols_N", "children_N", "owners_K")} | (tensors or {})
    header = {"format": "laconic-codebook", "version": 1, "bits": 16, "made_from": MADE_FROM} | changes
    header["checksum"] = checksum_of(header, tensors)
    header |= {name: value for name, value in changes.items() if name == "checksum"}
    path.write_bytes(safetensors.numpy.save(tensors, metadata={"laconic": json.dumps(header)}))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": "laconic-bytelm"}, "is not a codebook"),
        ({"version": "1"}, "is not a codebook"),
        ({"bits": "16"}, "lacks part"),
        ({"bits": True}, "lacks part"),
        ({"made_from": []}, "lacks part"),
        ({"checksum": 7}, "lacks part"),
        ({"bits": 17}, "no usable codebook"),
        ({"tensors": {"owners_K": np.zeros(1 << 16, np.uint32)}}, "no usable codebook"),
        ({"tensors": {"owners_K": np.zeros(1 << 16, np.int64)}}, "altered"),
        ({"tensors": {"owners_K": np.zeros((1 << 8, 1 << 8), np.uint32)}}, "altered"),
        ({"tensors": {"more": np.zeros(3)}}, "altered"),
    ],
)
def test_well_formed_files_with_other_content_are_refused(book, path, changes, words):
    _rewrite(book, path, **changes)
    with pytest.raises(CorruptFileError, match=words):
        read_codebook(path)


def test_newer_files_are_refused(book, path):
    _rewrite(book, path, version=2)
    with pytest.raises(FormatVersionError, match="upgrade"):
        read_codebook(path)


def test_other_files_are_refused(unigram, tmp_path, monkeypatch):
    from laconic.bytelm.registry import save_byte_lm

    save_byte_lm(unigram, tmp_path / "model.safetensors")
    with pytest.raises(CorruptFileError, match="is not a codebook"):
        read_codebook(tmp_path / "model.safetensors")
    with pytest.raises(LaconicError, match="cannot read the codebook"):
        read_codebook(tmp_path / "nothing.safetensors")
    monkeypatch.setattr(codebook_file, "_FORMAT", replace(codebook_file._FORMAT, most_bytes=10))
    with pytest.raises(CorruptFileError, match="larger than any codebook"):
        read_codebook(tmp_path / "model.safetensors")


def test_a_path_that_cannot_be_written_is_said_so(book, tmp_path):
    with pytest.raises(OutputError, match="cannot write"):
        write_codebook(book, {}, tmp_path / "no" / "folder" / "codebook.safetensors")
