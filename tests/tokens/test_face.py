import pickle

import pytest

from laconic.tokens.bpe import BPEConfig, train_bpe
from laconic.tokens.byte import ByteTokenizer
from laconic.tokens.equal_info import EqualInfoConfig, EqualInfoTokenizer
from laconic.tokens.face import Tokenizer
from laconic.tokens.gzip import GZipConfig, GZipTokenizer

TEXTS = ["the cat", "", "on the mat – sat"]


@pytest.fixture(params=["bytes", "bpe", "gzip", "equal-info"])
def tokenizer(request, documents, unigram) -> Tokenizer:
    match request.param:
        case "bytes":
            return Tokenizer(ByteTokenizer())
        case "bpe":
            return Tokenizer(train_bpe(documents, BPEConfig(vocab_size=300)))
        case "gzip":
            return Tokenizer(GZipTokenizer(GZipConfig()))
        case _:
            return Tokenizer(EqualInfoTokenizer(unigram, EqualInfoConfig()))


def test_calling_encodes(tokenizer):
    assert tokenizer("the cat") == {
        "input_ids": tokenizer.encode("the cat"),
        "attention_mask": [1] * len(tokenizer.encode("the cat")),
    }
    assert tokenizer(TEXTS)["input_ids"] == [tokenizer.encode(text) for text in TEXTS]
    assert tokenizer([b"\xff\x00"])["input_ids"] == [tokenizer.encode_bytes(b"\xff\x00").tolist()]


def test_padding_and_truncation(tokenizer):
    batch = tokenizer(TEXTS, padding=True, return_tensors="np")
    lengths = [len(tokenizer.encode(text)) for text in TEXTS]
    assert batch["input_ids"].shape == (3, max(lengths))
    assert batch["attention_mask"].sum(axis=1).tolist() == lengths
    assert (batch["input_ids"][batch["attention_mask"] == 0] == tokenizer.pad_token_id).all()
    short = tokenizer(TEXTS, padding="max_length", truncation=True, max_length=2)
    assert [len(row) for row in short["input_ids"]] == [2, 2, 2]
    assert tokenizer("the cat", return_tensors="np")["input_ids"].shape == (1, lengths[0])
    with pytest.raises(ValueError, match="max_length"):
        tokenizer("the cat", truncation=True)


def test_padded_rows_decode(tokenizer):
    batch = tokenizer(["the cat", "on the mat – sat"], padding=True, return_tensors="pt")
    assert tokenizer.batch_decode(batch["input_ids"]) == ["the cat", "on the mat – sat"]
    assert tokenizer.decode(batch["input_ids"][0]) == "the cat"


def test_sizes_count_the_padding_id(tokenizer):
    assert len(tokenizer) == tokenizer.vocab_size + 1 == tokenizer.pad_token_id + 1
    assert tokenizer.pad_token_id in tokenizer.all_special_ids
    assert (tokenizer.eos_token is None) == (tokenizer.eos_token_id is None)


def test_ids_are_shown_as_text_where_they_have_some(documents):
    tokenizer = Tokenizer(train_bpe(documents, BPEConfig(vocab_size=300)))
    ids = tokenizer.encode("the cat – ")
    assert "".join(tokenizer.convert_ids_to_tokens(ids)).startswith("the cat ")
    assert tokenizer.convert_ids_to_tokens(tokenizer.pad_token_id) == "<pad>"
    assert tokenizer.convert_ids_to_tokens(tokenizer.eos_token_id) == "<eos>"
    assert Tokenizer(ByteTokenizer()).convert_ids_to_tokens([65, 0xE2, 256]) == ["A", "<E2>", "<eos>"]
    assert Tokenizer(GZipTokenizer(GZipConfig())).convert_ids_to_tokens([65]) == ["<65>"]


def test_saved_and_pickled_tokenizers_give_the_same_ids(tokenizer, tmp_path):
    tokenizer.save_pretrained(tmp_path, legacy_format=False)
    for again in (Tokenizer.from_pretrained(tmp_path), pickle.loads(pickle.dumps(tokenizer))):
        assert [again.encode(text) for text in TEXTS] == [tokenizer.encode(text) for text in TEXTS]
        assert again.name == tokenizer.name


def test_collators_of_transformers_take_it(tokenizer):
    transformers = pytest.importorskip("transformers")
    features = [tokenizer(text) for text in TEXTS]
    batch = transformers.DataCollatorWithPadding(tokenizer, pad_to_multiple_of=8)(features)
    assert batch["input_ids"].shape[1] % 8 == 0
    batch = transformers.DataCollatorForLanguageModeling(tokenizer, mlm=False)(features)
    assert (batch["labels"] == batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)).all()
    labelled = [feature | {"labels": feature["input_ids"]} for feature in features]
    batch = transformers.DataCollatorForSeq2Seq(tokenizer)(labelled)
    assert (batch["labels"][batch["attention_mask"] == 0] == -100).all()


@pytest.mark.parametrize("processes", [None, 2])
def test_datasets_are_mapped(tokenizer, processes):
    datasets = pytest.importorskip("datasets")
    rows = datasets.Dataset.from_dict({"text": TEXTS * 4})
    mapped = rows.map(lambda batch: tokenizer(batch["text"]), batched=True, num_proc=processes, load_from_cache_file=False)
    assert mapped["input_ids"][:3] == [tokenizer.encode(text) for text in TEXTS]
