"""A banded vocabulary is a distribution, its two ways of being read agree, and it survives the way to the disk."""

from pathlib import Path

import pytest
import torch
from torch.nn import functional
from transformers import AutoModelForCausalLM

from laconic.errors import UsageError
from laconic.model.adaptive import AdaptiveEmbedding, AdaptiveLlamaConfig, AdaptiveLlamaForCausalLM
from laconic.model.folder import load_model, save_model
from laconic.model.mass import logits_mass
from laconic.model.sizes import build_model, count_parameters

WORDS, START = 20, 20


def banded(cutoffs: tuple[int, ...] = (5, 11), factor: int = 2) -> AdaptiveLlamaForCausalLM:
    model = build_model("tiny", vocab_size=WORDS + 1, context=16, seed=0, cutoffs=cutoffs, factor=factor)
    assert isinstance(model, AdaptiveLlamaForCausalLM)
    # Untrained vectors are short, and say little.
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3, generator=torch.Generator().manual_seed(parameter.numel()))
    return model


def test_each_word_is_a_row_of_its_band_projected() -> None:
    embedding = banded().model.embed_tokens
    vectors = embedding(torch.arange(WORDS + 1)[None])[0]
    assert [table.weight.shape for table in embedding.tables] == [(5, 64), (6, 32), (10, 16)]
    for word, band, row in ((0, 0, 0), (4, 0, 4), (5, 1, 0), (10, 1, 5), (11, 2, 0), (START, 2, 9)):
        expected = embedding.projections[band](embedding.tables[band].weight[row])
        torch.testing.assert_close(vectors[word], expected)


def test_what_a_word_weighs_is_its_cluster_s_share() -> None:
    model, hidden = banded(), torch.randn(3, 64, generator=torch.Generator().manual_seed(1))
    weight_NV = model.lm_head.logits(hidden, model.model.embed_tokens).exp()
    tables, projections = model.model.embed_tokens.tables, model.model.embed_tokens.projections
    head_NV = torch.cat([hidden @ projections[0].weight @ tables[0].weight.T, model.lm_head.clusters(hidden)], -1).exp()
    torch.testing.assert_close(weight_NV[:, :5], head_NV[:, :5])
    share_NV = functional.softmax(hidden @ projections[1].weight @ tables[1].weight.T, -1)
    torch.testing.assert_close(weight_NV[:, 5:11], head_NV[:, 5, None] * share_NV)
    torch.testing.assert_close(weight_NV.sum(-1), head_NV.sum(-1))
    assert weight_NV[:, START].eq(0).all()


@pytest.mark.parametrize("cutoffs", [(5, 11), (5,), (1, 2, 3, 19)])
def test_partition_and_gold_are_those_of_the_logits(cutoffs: tuple[int, ...]) -> None:
    model = banded(cutoffs)
    hidden_ND = torch.randn(WORDS, 64, generator=torch.Generator().manual_seed(2)).requires_grad_()
    target_N, weights_2N = torch.arange(WORDS).flip(0), torch.randn(2, WORDS, generator=torch.Generator().manual_seed(3))
    learned = [hidden_ND, *model.model.embed_tokens.parameters(), *model.lm_head.parameters()]
    found = model.mass(hidden_ND, target_N)
    plain = logits_mass(model.lm_head.logits(hidden_ND, model.model.embed_tokens)[:, :WORDS], target_N)
    for ours, expected in zip(found, plain, strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-5)
    ours, theirs = (torch.autograd.grad((torch.stack(pair) * weights_2N).sum(), learned) for pair in (found, plain))
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_a_batch_without_rare_words_has_gradients() -> None:
    model = banded()
    partition_N, gold_N = model.mass(torch.randn(3, 64), torch.zeros(3, dtype=torch.int64))
    (partition_N - gold_N).sum().backward()
    tables = model.model.embed_tokens.tables
    assert tables[0].weight.grad.abs().sum() > 0 == tables[2].weight.grad.abs().sum()


def test_it_comes_back_from_a_folder_and_from_plain_transformers(tmp_path: Path) -> None:
    model, ids = banded(), torch.tensor([[START, 3, 7, 19, 0]])
    save_model(model, tmp_path / "model")
    expected = model(input_ids=ids).logits
    assert torch.equal(load_model(tmp_path / "model")(input_ids=ids).logits, expected)
    assert torch.equal(AutoModelForCausalLM.from_pretrained(tmp_path / "model")(input_ids=ids).logits, expected)
    assert torch.isfinite(model(input_ids=ids, labels=torch.tensor([[1, 3, 7, 19, 0]])).loss)


def test_it_generates_words_only() -> None:
    written = banded().generate(torch.tensor([[START, 3]]), max_new_tokens=8, do_sample=True)
    assert written.shape == (1, 10)
    assert (written[0, 1:] < WORDS).all()


def test_parameters_of_the_bands_are_embeddings() -> None:
    count = count_parameters(banded())
    assert count.embeddings == 5 * 64 + 6 * 32 + 10 * 16 + 64 * (64 + 32 + 16) + 2 * 64
    assert count.body == count_parameters(build_model("tiny", vocab_size=21, context=16, seed=0)).body


def test_all_bands_begin_equally_long() -> None:
    config = AdaptiveLlamaConfig(
        vocab_size=3001, hidden_size=64, num_attention_heads=2, num_hidden_layers=1, cutoffs=[1000, 2000]
    )
    embedding: AdaptiveEmbedding = AdaptiveLlamaForCausalLM(config).model.embed_tokens
    lengths = [embedding(torch.arange(begin, end)[None]).detach().norm(dim=-1).mean() for begin, end in embedding.bands]
    assert max(lengths) < 1.2 * min(lengths)


@pytest.mark.parametrize(("cutoffs", "factor"), [((5, 5), 2), ((20,), 2), ((0,), 2), ((2, 3, 4), 5)])
def test_bands_that_cannot_be_are_refused(cutoffs: tuple[int, ...], factor: int) -> None:
    with pytest.raises(UsageError, match=r"cutoffs|factor"):
        banded(cutoffs, factor)
