"""The loss of byte models: pieces begin anew, a prior is added in logits, padding does not count."""

import math

import numpy as np
import pytest
import torch

from laconic.bytelm.base import CountFormat
from laconic.bytelm.registry import load_byte_lm
from laconic.evaluation.byte_models import byte_model_bits
from laconic.model.byte_parent import build_byte_parent
from laconic.shapes import SYMBOLS
from laconic.training.byte_modeling import ByteModeling, split_rows, symbol_logits
from laconic.training.language_modeling import LanguageModeling
from laconic.training.objective import Batch

TEXT = np.frombuffer(b"It was the best of times, it was the worst of times, it was the age of wisdom, ", np.uint8)


def _batch(rows: int, length: int) -> Batch:
    tokens_BT = torch.from_numpy(np.resize(TEXT, (rows, length)).astype(np.int64))
    return Batch(tokens_BT=tokens_BT, pad_id=SYMBOLS, count=tokens_BT.numel(), bytes=tokens_BT.numel())


def test_alone_it_is_plain_language_modeling() -> None:
    model, batch = build_byte_parent("tiny", band=16, seed=0), _batch(3, 64)
    ours = ByteModeling(prior=None, z_loss=0.1).loss(model, batch)
    plain = LanguageModeling(vocab_size=SYMBOLS, z_loss=0.1).loss(model, batch)
    assert torch.isclose(ours.loss, plain.loss) and torch.isclose(ours.statistics["nll"], plain.statistics["nll"])


def test_short_pieces_are_rows_of_their_own() -> None:
    model, batch = build_byte_parent("tiny", band=16, seed=0), _batch(2, 64)
    halves = ByteModeling(prior=None, short=1.0, piece=32).loss(model, batch)
    pieces = Batch(tokens_BT=batch.tokens_BT.reshape(4, 32), pad_id=SYMBOLS, count=128, bytes=128)
    assert torch.isclose(halves.loss, ByteModeling(prior=None).loss(model, pieces).loss)
    mixed = ByteModeling(prior=None, short=0.5, piece=32).loss(model, batch)
    assert not torch.isclose(halves.loss, mixed.loss)


def test_padding_is_free() -> None:
    model = build_byte_parent("tiny", band=16, seed=0)
    whole = _batch(1, 32)
    padded_BT = torch.nn.functional.pad(whole.tokens_BT, (0, 32), value=SYMBOLS)
    padded = Batch(tokens_BT=padded_BT, pad_id=SYMBOLS, count=32, bytes=32)
    for prior in (None, load_byte_lm("light")):
        objective = ByteModeling(prior=prior)
        assert torch.isclose(objective.loss(model, whole).loss, objective.loss(model, padded).loss)


def test_a_silent_network_leaves_the_prior_as_it_is() -> None:
    prior = load_byte_lm("light")
    model, batch = build_byte_parent("tiny", band=16, seed=0, quiet=True), _batch(1, 64)
    nll = ByteModeling(prior=prior).loss(model, batch).statistics["nll"]
    bits = byte_model_bits(prior, [TEXT[:64].astype(np.uint16)], CountFormat(precision=22))
    assert float(nll) / math.log(2) == pytest.approx(bits, abs=0.005)


def test_logits_add_up() -> None:
    prior, batch = load_byte_lm("light"), _batch(1, 16)
    model = build_byte_parent("tiny", band=16, seed=0)
    alone, both = (symbol_logits(model, batch.tokens_BT, one, SYMBOLS) for one in (None, prior))
    added = (both - alone)[0].exp()
    assert torch.allclose(added.sum(-1), torch.ones(16), atol=0.02)


def test_the_share_of_pieces_is_a_share() -> None:
    with pytest.raises(ValueError, match=r"short is 1\.5"):
        ByteModeling(prior=None, short=1.5)


def test_rows_are_split_and_none_is_lost() -> None:
    tokens_BT = torch.arange(6 * 8).reshape(6, 8)
    for short, shapes in ((0.0, [(6, 8)]), (0.5, [(3, 8), (6, 4)]), (1.0, [(12, 4)])):
        parts = split_rows(tokens_BT, short, 4)
        assert [tuple(part.shape) for part in parts] == shapes
        assert torch.equal(torch.cat([part.flatten() for part in parts]).sort().values, tokens_BT.flatten())
