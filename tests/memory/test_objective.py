"""The loss is equation 5, word by word."""

import math

import pytest
import torch
from tests.training.models import tiny_model

from laconic.memory.keys import KeyTap
from laconic.memory.objective import Trime, TrimeConfig
from laconic.training.language_modeling import LanguageModeling, predict
from laconic.training.objective import Batch

VOCAB = 20
PAD = VOCAB


def a_batch(step: int = 0) -> Batch:
    """Two documents in three rows, the last row padded."""
    generator = torch.Generator().manual_seed(3)
    tokens_BT = torch.randint(0, 6, (3, 8), generator=generator)
    tokens_BT[2, 5:] = PAD
    documents_BT = torch.tensor([[0] * 8, [0] * 3 + [1] * 5, [1] * 8])
    return Batch(tokens_BT=tokens_BT, pad_id=PAD, count=21, bytes=21, step=step, documents_BT=documents_BT)


def by_the_book(batch: Batch, reach: str, temperature: float = 1.0, own: bool = False) -> float:
    """The mean over tokens of minus log P(w | c), from a table of what each word weighs."""
    model = tiny_model().double()
    tap = KeyTap(model)
    logits_BTV = predict(model, batch.tokens_BT, vocab_size=VOCAB, start_id=PAD)
    keys_BTD = tap.take(3).detach()
    assert batch.documents_BT is not None
    total, length = 0.0, batch.tokens_BT.shape[1]
    for query in range(24):
        row, place = divmod(query, length)
        if batch.tokens_BT[row, place] == PAD:
            continue
        weight_V = logits_BTV[row, place].detach().double().exp()
        for slot in range(24):
            other, there = divmod(slot, length)
            same = batch.documents_BT[row, place] == batch.documents_BT[other, there]
            seen = {
                "local": row == other and there < place and same,
                "long": slot < query and same,
                "external": row != other or (own and there < place),
            }[reach]
            if seen and batch.tokens_BT[other, there] != PAD:
                score = keys_BTD[row, place] @ keys_BTD[other, there] / math.sqrt(keys_BTD.shape[-1]) / temperature
                weight_V[batch.tokens_BT[other, there]] += score.exp()
        total -= float((weight_V[batch.tokens_BT[row, place]] / weight_V.sum()).log())
    return total / 21


@pytest.mark.parametrize(
    "config",
    [
        TrimeConfig(),
        TrimeConfig(temperature=0.3),
        TrimeConfig(reach="long"),
        TrimeConfig(reach="external", without_local=1.0),
        TrimeConfig(reach="external", without_local=0.0),
    ],
)
def test_the_loss_is_the_equation(config: TrimeConfig) -> None:
    model = tiny_model()
    objective = Trime(KeyTap(model), vocab_size=VOCAB, config=config)
    output = objective.loss(model, a_batch())
    expected = by_the_book(a_batch(), config.reach, config.temperature, own=not config.without_local)
    assert output.loss.item() == pytest.approx(expected, rel=1e-5)
    assert output.statistics["nll"].item() == output.loss.item()
    assert 0 < output.statistics["gate"].item() < 1
    output.loss.backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in model.parameters() if parameter.grad is not None)


def test_it_begins_with_the_vocabulary_alone() -> None:
    model = tiny_model()
    objective = Trime(KeyTap(model), vocab_size=VOCAB, config=TrimeConfig(warmup=3))
    plain = LanguageModeling(vocab_size=VOCAB).loss(model, a_batch()).loss.item()
    assert objective.loss(model, a_batch(step=3)).loss.item() == pytest.approx(plain, rel=1e-6)
    later = objective.loss(model, a_batch(step=4))
    assert later.loss.item() != pytest.approx(plain, rel=1e-3)
    assert later.statistics["vocabulary_nll"].item() == pytest.approx(plain, rel=1e-6)
    assert "gate" in objective.loss(model, a_batch()).statistics


def test_without_documents_each_row_is_one() -> None:
    model, batch = tiny_model(), a_batch()
    rows = torch.arange(3)[:, None].expand(3, 8)
    objective = Trime(KeyTap(model), vocab_size=VOCAB, config=TrimeConfig(reach="long"))
    alone = Batch(tokens_BT=batch.tokens_BT, pad_id=PAD, count=21, bytes=21)
    told = Batch(tokens_BT=batch.tokens_BT, pad_id=PAD, count=21, bytes=21, documents_BT=rows)
    assert objective.loss(model, alone).loss == objective.loss(model, told).loss


def test_nothing_but_padding_is_no_loss() -> None:
    model = tiny_model()
    nothing = Batch(tokens_BT=torch.full((2, 4), PAD), pad_id=PAD, count=0, bytes=0)
    for reach in ("local", "external"):
        output = Trime(KeyTap(model), vocab_size=VOCAB, config=TrimeConfig(reach=reach)).loss(model, nothing)
        assert output.loss.item() == 0.0
        output.loss.backward()


def test_the_own_segment_is_left_out_as_often_as_asked() -> None:
    model, torch_seed = tiny_model().eval(), torch.manual_seed(5)
    objective = Trime(KeyTap(model), vocab_size=VOCAB, config=TrimeConfig(reach="external", without_local=0.75))
    losses = [objective.loss(model, a_batch()).loss.item() for _ in range(200)]
    assert torch_seed is not None and len(set(losses)) == 2
    assert 120 < losses.count(min(set(losses), key=lambda loss: -losses.count(loss))) < 180


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"reach": "far"}, "reach is 'far'"),
        ({"temperature": 0.0}, "temperature is 0.0"),
        ({"warmup": -1}, "warmup is -1"),
        ({"without_local": 1.5}, "without_local is 1.5"),
    ],
)
def test_settings_are_checked(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TrimeConfig(**change)
