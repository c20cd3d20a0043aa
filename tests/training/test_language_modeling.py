"""The plain objective is the plain sum, over the right tokens, in float32."""

import math

import pytest
import torch
from tests.training.models import FAMILIES, tiny_family, tiny_model

from laconic.model.mass import logits_mass
from laconic.training.language_modeling import LanguageModeling, predict, shift_right, sum_losses, vocabulary_mass
from laconic.training.objective import Batch


def batch_of(rows: list[list[int]]) -> Batch:
    tokens_BT = torch.tensor(rows)
    return Batch(tokens_BT=tokens_BT, pad_id=20, count=int((tokens_BT != 20).sum()), bytes=0)


def test_input_is_the_segment_behind_the_start_symbol() -> None:
    assert shift_right(torch.tensor([[1, 2, 3], [4, 5, 20]]), 20).tolist() == [[20, 1, 2], [20, 4, 5]]


def test_loss_is_the_mean_over_tokens_that_carry_text() -> None:
    batch, model = batch_of([[1, 2, 3, 4], [5, 6, 20, 20]]), tiny_model()
    logits_BTV = model(input_ids=torch.tensor([[20, 1, 2, 3], [20, 5, 6, 20]])).logits[..., :20].double()
    log_p = torch.log_softmax(logits_BTV, -1)
    picked = [log_p[0, t, batch.tokens_BT[0, t]] for t in range(4)] + [log_p[1, t, batch.tokens_BT[1, t]] for t in range(2)]
    output = LanguageModeling(vocab_size=20).loss(model, batch)
    assert float(output.loss.detach()) == pytest.approx(-float(torch.stack(picked).sum().detach()) / 6, rel=1e-6)
    assert float(output.loss.detach()) == pytest.approx(math.log(20), rel=0.05)


def test_no_prediction_sees_its_own_token() -> None:
    model, tokens_BT = tiny_model(), torch.tensor([[1, 2, 3, 4, 5]])
    before = predict(model, tokens_BT, vocab_size=20, start_id=20)
    for position in range(5):
        changed = tokens_BT.clone()
        changed[0, position] = 9
        after = predict(model, changed, vocab_size=20, start_id=20)
        assert torch.equal(before[:, : position + 1], after[:, : position + 1])
        assert position == 4 or not torch.equal(before[:, position + 1], after[:, position + 1])


def test_z_loss_is_the_squared_normaliser() -> None:
    batch, model = batch_of([[1, 2, 3, 20]]), tiny_model()
    normaliser = torch.logsumexp(predict(model, batch.tokens_BT, vocab_size=20, start_id=20), -1)[0, :3]
    output = LanguageModeling(vocab_size=20, z_loss=0.5).loss(model, batch)
    plain = LanguageModeling(vocab_size=20).loss(model, batch)
    assert float((output.loss - plain.loss).detach()) == pytest.approx(
        float(0.5 * normaliser.square().mean().detach()), rel=1e-5
    )
    assert float(output.statistics["nll"]) == pytest.approx(float(plain.loss.detach()), rel=1e-6)


def test_sums_of_losses_leave_padding_out() -> None:
    logits_BTV, tokens_BT = (
        torch.randn(2, 3, 7, generator=torch.Generator().manual_seed(0)),
        torch.tensor([[1, 6, 0], [2, 9, 9]]),
    )
    mass = logits_mass(logits_BTV.flatten(0, 1), tokens_BT.flatten().masked_fill(tokens_BT.flatten() == 9, 0))
    nll, squares = sum_losses(mass, tokens_BT, 9)
    kept_NV, targets_N = logits_BTV[tokens_BT != 9].double(), tokens_BT[tokens_BT != 9]
    assert float(nll) == pytest.approx(float(torch.nn.functional.cross_entropy(kept_NV, targets_N, reduction="sum")), rel=1e-6)
    assert float(squares) == pytest.approx(float(kept_NV.exp().sum(-1).log().square().sum()), rel=1e-6)


def test_a_batch_of_padding_costs_nothing_and_has_a_gradient() -> None:
    model = tiny_model()
    output = LanguageModeling(vocab_size=20, z_loss=0.1).loss(model, batch_of([[20, 20]]))
    output.loss.backward()
    assert float(output.loss.detach()) == 0.0
    assert all(float(parameter.grad.abs().sum()) == 0.0 for parameter in model.parameters())


def test_half_precision_logits_are_summed_in_float32() -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = LanguageModeling(vocab_size=20).loss(tiny_model(), batch_of([[1, 2, 3]]))
    assert output.loss.dtype == torch.float32


def test_wrong_settings_are_named() -> None:
    with pytest.raises(ValueError, match="vocab_size is 0"):
        LanguageModeling(vocab_size=0)
    with pytest.raises(ValueError, match="z_loss is -1"):
        LanguageModeling(vocab_size=2, z_loss=-1.0)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_vocabulary_weighs_what_the_logits_say(family: str) -> None:
    model, tokens_BT = tiny_family(family), batch_of([[1, 2, 3, 4], [5, 6, 20, 20]]).tokens_BT
    logits_BTV = predict(model, tokens_BT, vocab_size=20, start_id=20)
    found = vocabulary_mass(model, tokens_BT, vocab_size=20, start_id=20)
    carries_N = (tokens_BT != 20).flatten()
    expected = logits_mass(logits_BTV.flatten(0, 1)[carries_N], tokens_BT.flatten()[carries_N])
    asked = vocabulary_mass(model, tokens_BT, vocab_size=20, start_id=20, asked_BT=tokens_BT != 20)
    for ours, chosen, theirs in zip(found, asked, expected, strict=True):
        torch.testing.assert_close(ours[carries_N], theirs, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(chosen, theirs, rtol=1e-5, atol=1e-6)
