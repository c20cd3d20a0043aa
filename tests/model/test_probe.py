"""Questions are the same for a seed, padding stands where it is said to, and asking changes no model."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import (
    BertConfig,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    BertModel,
    GPT2Config,
    GPT2LMHeadModel,
    PreTrainedModel,
    RobertaConfig,
    RobertaModel,
    T5Config,
    T5EncoderModel,
)

from laconic.errors import UsageError
from laconic.model.probe import answers, at_rest, input_names, random_inputs, without_cache

NAMES = ("input_ids", "attention_mask", "token_type_ids")
TINY = {"vocab_size": 20, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}


def bert(kind: type[PreTrainedModel] = BertModel) -> PreTrainedModel:
    return kind(BertConfig(**TINY, num_labels=2))


@given(batch=st.integers(1, 6), length=st.integers(1, 9), seed=st.integers(0, 9), pad_id=st.none() | st.integers(0, 19))
def test_inputs_are_what_was_asked_for(batch: int, length: int, seed: int, pad_id: int | None) -> None:
    inputs = random_inputs(NAMES, 20, batch=batch, length=length, seed=seed, pad_id=pad_id)
    again = random_inputs(NAMES, 20, batch=batch, length=length, seed=seed, pad_id=pad_id)
    assert all(torch.equal(inputs[name], again[name]) for name in NAMES)
    ids, mask, segments = (inputs[name] for name in NAMES)
    assert ids.shape == mask.shape == segments.shape == (batch, length)
    assert ids.min() >= 0
    assert ids.max() < 20
    assert mask[0].all()
    assert mask[:, 0].all()
    assert (mask.diff(dim=1) <= 0).all()
    if pad_id is None:
        assert mask.all()
    else:
        assert (ids[mask == 0] == pad_id).all()
        assert batch < 2 or length < 2 or not mask[-1].all()


def test_segments_are_asked_of_families_that_know_them() -> None:
    assert input_names(bert()) == NAMES
    roberta = RobertaModel(RobertaConfig(**TINY, type_vocab_size=1))
    gpt2 = GPT2LMHeadModel(GPT2Config(vocab_size=20, n_embd=8, n_layer=1, n_head=2))
    assert input_names(roberta) == input_names(gpt2) == NAMES[:2]


def test_answers_are_those_of_the_head() -> None:
    inputs = random_inputs(NAMES, 20, batch=2, length=5, seed=0)
    shapes = [
        {name: tuple(value.shape) for name, value in answers(bert(kind), inputs).items()}
        for kind in (BertForSequenceClassification, BertForQuestionAnswering, BertModel)
    ]
    assert shapes == [{"logits": (2, 2)}, {"start_logits": (2, 5), "end_logits": (2, 5)}, {"last_hidden_state": (2, 5, 8)}]
    gpt2 = GPT2LMHeadModel(GPT2Config(vocab_size=20, n_embd=8, n_layer=1, n_head=2))
    assert list(answers(gpt2, random_inputs(NAMES[:2], 20, batch=1, length=3, seed=0))) == ["logits"]


def test_a_model_that_answers_something_else_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    model = T5EncoderModel(T5Config(vocab_size=20, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2))
    inputs = random_inputs(NAMES[:2], 20, batch=1, length=3, seed=0)
    monkeypatch.setattr(model, "forward", lambda **_: {"loss": torch.zeros(())})
    with pytest.raises(UsageError, match="answers loss"):
        answers(model, inputs)


def test_a_model_at_rest_is_as_it_was_afterwards() -> None:
    model = bert()
    model.train()
    model.encoder.train(False)
    before = [module.training for module in model.modules()]
    with pytest.raises(ZeroDivisionError), at_rest(model):
        assert not any(module.training for module in model.modules())
        assert not torch.is_grad_enabled()
        _ = 1 / 0
    assert [module.training for module in model.modules()] == before
    assert torch.is_grad_enabled()


@pytest.mark.parametrize(("batch", "length", "named"), [(0, 3, "batch"), (3, 0, "length")])
def test_no_inputs_at_all_are_refused(batch: int, length: int, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        random_inputs(NAMES, 20, batch=batch, length=length, seed=0)


def test_only_models_that_go_on_with_a_text_are_told_to_keep_no_cache() -> None:
    decoder = GPT2LMHeadModel(GPT2Config(vocab_size=20, n_embd=8, n_layer=1, n_head=2))
    assert without_cache(bert()) == {}
    assert decoder(torch.tensor([[1, 2]]), **without_cache(decoder)).past_key_values is None
