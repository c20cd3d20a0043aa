from pathlib import Path

import numpy as np
import pytest
import torch
from tests.tiny_decoder import text_tokenizer, tiny_decoder, tiny_text
from tests.tiny_encoder import tiny_encoder, tiny_tokenizer
from torch.nn import functional
from transformers import GPT2Config, GPT2Model

from laconic.errors import LaconicError, UsageError
from laconic.model.folder import save_model
from laconic.recipes.language_data import Texts, language_data, load_language_model, load_language_tokenizer
from laconic.tokens.byte import ByteTokenizer
from laconic.tokens.face import Tokenizer


def test_a_text_is_charged_whole_and_by_its_own_bytes(tmp_path: Path) -> None:
    valid = tmp_path / "valid.txt"
    valid.write_text("the good film \n was very bad ✓\n")
    data = language_data(Texts(train=str(tiny_text(tmp_path / "train.txt")), valid=str(valid)), text_tokenizer(), max_length=5)
    model = load_language_model(tiny_decoder(tmp_path / "model"))
    rows = [example.columns["input_ids"] for example in data.valid]
    assert rows == [[2, 8, 4, 6, 10], [2, 11, 5, 1, 3]]  # [CLS] begins each, [SEP] ends the document.
    nats = 0.0
    for row in rows:
        with torch.no_grad():
            logits_TV = model(torch.tensor([row])).logits[0]
        nats += float(functional.cross_entropy(logits_TV[:-1], torch.tensor(row[1:]), reduction="sum"))
    size = len(valid.read_bytes())
    assert size == len(valid.read_text()) + 2
    scores = data.judge(model)
    assert list(scores) == ["bits_per_byte", "perplexity"] and data.lower_is_better
    assert scores["bits_per_byte"] == pytest.approx(nats / np.log(2) / size, rel=1e-5)
    assert scores["perplexity"] == pytest.approx(np.exp(nats / 8), rel=1e-5)
    assert data.beats(1.0, 2.0) and not data.beats(2.0, 1.0)


def test_one_file_is_divided_and_limits_are_kept(tmp_path: Path) -> None:
    path = tiny_text(tmp_path / "text.txt")
    data = language_data(Texts(train=str(path), valid_bytes=100), text_tokenizer(), max_length=8, limit=5)
    assert len(data.train) == 5 and all(len(example.columns["input_ids"]) == 8 for example in data.train)
    assert sum(example.bytes for example in data.valid) == 100
    whole = language_data(Texts(train=str(path)), text_tokenizer(), max_length=8)
    sizes = [sum(example.bytes for example in part) for part in (whole.train, whole.valid)]
    assert sizes[0] + 2 * sizes[1] == pytest.approx(path.stat().st_size, rel=0.02)
    # The text has 1.3 bits of chance in each line of six words, which single words do not know.
    assert 0.3 < whole.trivial < 1.0


def test_long_documents_are_read_in_pieces_that_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, tokenizer = tiny_text(tmp_path / "text.txt"), text_tokenizer()
    whole = language_data(Texts(train=str(path)), tokenizer, max_length=16)
    monkeypatch.setattr("laconic.recipes.language_data._PIECE_BYTES", 64)
    pieces = language_data(Texts(train=str(path)), tokenizer, max_length=16)
    assert list(pieces.train) == list(whole.train) and list(pieces.valid) == list(whole.valid)


def test_a_run_of_laconic_train_is_a_model_with_its_tokenizer(tmp_path: Path) -> None:
    run = tmp_path / "run"
    tiny_decoder(run / "model")
    Tokenizer(ByteTokenizer()).save_pretrained(run / "tokenizer")
    tokenizer = load_language_tokenizer(run)
    assert type(load_language_model(run)).__name__ == "GPT2LMHeadModel" and isinstance(tokenizer, Tokenizer)
    data = language_data(Texts(train=str(tiny_text(tmp_path / "text.txt"))), tokenizer, max_length=9)
    ids = list(data.train[0].columns["input_ids"])
    assert ids[:5] == [tokenizer.pad_id, *b"the "] and len(ids) == 9 and data.valid[-1].columns["input_ids"][-1] == 256


def test_models_that_do_not_tell_the_next_token_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a BertModel, but a text takes one that tells the next token, of GPT2LMHeadModel"):
        load_language_model(tiny_encoder(tmp_path / "encoder"))
    save_model(GPT2Model(GPT2Config(vocab_size=8, n_embd=8, n_layer=1, n_head=2)), tmp_path / "headless")
    with pytest.raises(UsageError, match="is a GPT2Model"):
        load_language_model(tmp_path / "headless")
    with pytest.raises(UsageError, match="holds no tokenizer"):
        load_language_tokenizer(tmp_path / "headless")


def test_texts_that_cannot_be_are_refused(tmp_path: Path) -> None:
    empty = tmp_path / "empty.txt"
    empty.write_bytes(b"")
    text = str(tiny_text(tmp_path / "text.txt"))
    with pytest.raises(UsageError, match=r"empty\.txt holds no text to judge on"):
        language_data(Texts(train=text, valid=str(empty)), text_tokenizer(), max_length=8)
    with pytest.raises(UsageError, match=r"empty\.txt holds no text to learn from"):
        language_data(Texts(train=str(empty), valid=text), text_tokenizer(), max_length=8)
    with pytest.raises(UsageError, match="neither a beginning nor an end of text"):
        language_data(Texts(train=text), tiny_tokenizer(), max_length=8)
    with pytest.raises(UsageError, match="max_length is 1"):
        language_data(Texts(train=text), text_tokenizer(), max_length=1)
    with pytest.raises(LaconicError, match="neither a file nor a data set"):
        language_data(Texts(train="nowhere"), text_tokenizer(), max_length=8)
