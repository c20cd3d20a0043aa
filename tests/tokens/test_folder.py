import errno
import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from laconic.errors import CorruptFileError, FormatVersionError, LaconicError, OutputError, UsageError
from laconic.tokens.arithmetic import ArithmeticConfig, ArithmeticTokenizer
from laconic.tokens.bpe import BPEConfig, train_bpe
from laconic.tokens.byte import ByteTokenizer
from laconic.tokens.codebook_file import CODEBOOK_FILE
from laconic.tokens.equal_info import EqualInfoConfig, EqualInfoTokenizer
from laconic.tokens.folder import SETTINGS_FILE, VERSION, load_folder, save_folder
from laconic.tokens.gzip import GZipConfig, GZipTokenizer
from laconic.tokens.sentencepiece import SentencePieceConfig, train_sentencepiece
from laconic.tokens.static_ac import train_static_ac

KINDS = ("bytes", "sentencepiece", "bpe", "ac", "static-ac", "gzip", "equal-info", "compiled")


@pytest.fixture(params=KINDS)
def tokenizer(request, documents, unigram):
    """Each kind, with settings that are not the default."""
    match request.param:
        case "bytes":
            return ByteTokenizer()
        case "sentencepiece":
            return train_sentencepiece(documents * 5, SentencePieceConfig(vocab_size=512))
        case "bpe":
            return train_bpe(documents, BPEConfig(vocab_size=300))
        case "ac":
            return ArithmeticTokenizer(unigram, ArithmeticConfig(token_bits=8, precision=20))
        case "static-ac":
            return train_static_ac(documents, ArithmeticConfig(token_bits=8, precision=12))
        case "gzip":
            return GZipTokenizer(GZipConfig(token_bits=8, header=False))
        case "compiled":
            return EqualInfoTokenizer(unigram, EqualInfoConfig(token_bits=8, precision=14))
        case _:
            return EqualInfoTokenizer(unigram, EqualInfoConfig(bits=24, token_bits=8, reading="delay", reset=3, precision=20))


def test_a_loaded_tokenizer_gives_the_same_ids(tokenizer, documents, tmp_path):
    written = save_folder(tokenizer, tmp_path / "new" / "folder")
    again = load_folder(tmp_path / "new" / "folder")
    assert sorted(path.name for path in written) == sorted(path.name for path in (tmp_path / "new" / "folder").iterdir())
    assert (again.name, again.settings()) == (tokenizer.name, tokenizer.settings())
    for document in documents:
        np.testing.assert_array_equal(again.encode_bytes(document), tokenizer.encode_bytes(document))


def test_saving_over_another_tokenizer_leaves_no_mixture(documents, unigram, tmp_path):
    save_folder(ArithmeticTokenizer(unigram, ArithmeticConfig()), tmp_path)
    save_folder(GZipTokenizer(GZipConfig()), tmp_path)
    assert load_folder(tmp_path).name == "gzip[65536]"


def test_every_file_is_checked(tokenizer, tmp_path):
    for path in save_folder(tokenizer, tmp_path):
        if path.name == SETTINGS_FILE:
            continue
        content = path.read_bytes()
        for wrong in (content[:-1], content[: len(content) // 2] + b"\1" + content[len(content) // 2 + 1 :]):
            path.write_bytes(wrong)
            with pytest.raises(CorruptFileError, match="altered"):
                load_folder(tmp_path)
        path.unlink()
        with pytest.raises(CorruptFileError, match="missing"):
            load_folder(tmp_path)
        path.write_bytes(content)


def _rewrite(folder, **changes):
    document = json.loads((folder / SETTINGS_FILE).read_text())
    settings = document["settings"] | changes.pop("settings", {})
    (folder / SETTINGS_FILE).write_text(json.dumps(document | {"settings": settings} | changes))


@pytest.mark.parametrize("settings", ["", "[]", "{}", "null", '{"format": "other"}', "[" * 100_000, "\xff"])
def test_settings_that_are_none_are_refused(settings, tmp_path):
    (tmp_path / SETTINGS_FILE).write_bytes(settings.encode("latin-1"))
    with pytest.raises(CorruptFileError, match="is not the settings of a tokenizer"):
        load_folder(tmp_path)


@pytest.mark.parametrize(
    "changes",
    [
        {"settings": {"kind": "huffman"}},
        {"settings": {"kind": 3}},
        {"settings": {"bits": 2}},
        {"settings": {"bits": "16"}},
        {"settings": {"bits": 16.0}},
        {"settings": {"precision": None}},
        {"settings": {"token_bits": True}},
        {"settings": {"reading": "vague"}},
        {"settings": {"reading": []}},
        {"settings": {"reset": {}}},
        {"settings": {"reset": -1}},
        {"settings": {"byte_model": "no hexadecimal"}},
        {"settings": {"byte_model": 7}},
        {"settings": {"byte_model": "0" * 16}},
        {"settings": {"kind": "bpe"}},
        {"files": {"../../etc/passwd": "0"}},
        {"files": {"bpe.json": "0"}},
        {"files": []},
        {"files": {}},
        {"version": "1"},
    ],
)
def test_altered_settings_are_refused_in_a_sentence(changes, unigram, tmp_path):
    save_folder(EqualInfoTokenizer(unigram, EqualInfoConfig()), tmp_path)
    _rewrite(tmp_path, **changes)
    with pytest.raises(LaconicError) as caught:
        load_folder(tmp_path)
    assert "\n" not in str(caught.value)


def test_newer_folders_are_refused(tmp_path):
    save_folder(ByteTokenizer(), tmp_path)
    _rewrite(tmp_path, version=VERSION + 1)
    with pytest.raises(FormatVersionError, match="upgrade laconic"):
        load_folder(tmp_path)


def test_a_folder_without_a_tokenizer_is_a_mistake_of_the_caller(tmp_path):
    with pytest.raises(UsageError, match=SETTINGS_FILE):
        load_folder(tmp_path)


def test_a_folder_that_cannot_be_written_is_said_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        save_folder(ByteTokenizer(), tmp_path / "file" / "folder")


@pytest.mark.parametrize("version", [0, -1, "1", 1.0, True, None])
def test_versions_that_never_were_are_refused(version, tmp_path):
    save_folder(ByteTokenizer(), tmp_path)
    _rewrite(tmp_path, version=version)
    with pytest.raises(CorruptFileError, match="count from 1"):
        load_folder(tmp_path)


@pytest.mark.parametrize("name", [SETTINGS_FILE, "bpe.json"])
def test_files_that_cannot_be_read_are_said_so(name, documents, tmp_path, monkeypatch):
    save_folder(train_bpe(documents, BPEConfig(vocab_size=300)), tmp_path)
    opened = Path.open

    def refuse(path, *args, **kwargs):
        if path.name == name:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return opened(path, *args, **kwargs)

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(LaconicError, match=f"cannot read .*{name}: Permission denied"):
        load_folder(tmp_path)


def test_short_windows_are_compiled_once_and_kept(unigram, tmp_path):
    names = [path.name for path in save_folder(EqualInfoTokenizer(unigram, EqualInfoConfig()), tmp_path / "16")]
    assert CODEBOOK_FILE in names
    assert load_folder(tmp_path / "16").codebook is not None
    longer = EqualInfoTokenizer(unigram, EqualInfoConfig(bits=17))
    assert CODEBOOK_FILE not in [path.name for path in save_folder(longer, tmp_path / "17")]
    assert load_folder(tmp_path / "17").codebook is None
    longer.compile()
    assert CODEBOOK_FILE in [path.name for path in save_folder(longer, tmp_path / "17")]
    assert load_folder(tmp_path / "17").codebook.strings == longer.codebook.strings


def test_folders_without_a_codebook_are_read(unigram, tmp_path):
    tokenizer = EqualInfoTokenizer(unigram, EqualInfoConfig())
    save_folder(tokenizer, tmp_path)
    files = json.loads((tmp_path / SETTINGS_FILE).read_text())["files"]
    (tmp_path / CODEBOOK_FILE).unlink()
    _rewrite(tmp_path, version=1, files={name: sum for name, sum in files.items() if name != CODEBOOK_FILE})
    again = load_folder(tmp_path)
    assert again.codebook is None and again.encode("the cat") == tokenizer.encode("the cat")


def test_the_codebook_of_other_windows_is_refused(unigram, tmp_path):
    save_folder(EqualInfoTokenizer(unigram, EqualInfoConfig()), tmp_path)
    for changes in ({"precision": 12}, {"bits": 17}, {"reading": "delay"}):
        save_folder(EqualInfoTokenizer(unigram, EqualInfoConfig()), tmp_path)
        _rewrite(tmp_path, settings=changes)
        with pytest.raises(CorruptFileError, match="made from other windows"):
            load_folder(tmp_path)


def test_a_compiled_folder_needs_no_byte_model(unigram, tmp_path, monkeypatch):
    tokenizer = EqualInfoTokenizer(unigram, EqualInfoConfig())
    save_folder(tokenizer, tmp_path)
    monkeypatch.setattr("laconic.tokens.byte_model.load_byte_model", None)
    again = load_folder(tmp_path)
    assert again.settings() == tokenizer.settings()
    assert again.decode(again.encode("the cat sat")) == "the cat sat"
    assert pickle.loads(pickle.dumps(again)).encode("the cat") == tokenizer.encode("the cat")
    monkeypatch.undo()
    save_folder(again, tmp_path / "copy")
    assert load_folder(tmp_path / "copy").encode("the cat") == tokenizer.encode("the cat")
