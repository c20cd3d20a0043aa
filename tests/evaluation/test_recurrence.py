"""A text measured with recurrence is charged for every token, with all it may see."""

import math

import numpy as np
import pytest
import torch
from tests.training.models import tiny_model

from laconic.evaluation.recurrence import recurrent_bits
from laconic.memory.recurrence import Recurrence

TOKENS = np.random.default_rng(0).integers(0, 6, 37).astype(np.int32)


def test_it_is_what_reading_piece_after_piece_costs() -> None:
    model, done = tiny_model().eval(), list[int]()
    bits = recurrent_bits(model, TOKENS, 74, vocab_size=20, context=8, progress=done.append)
    past, nats = Recurrence(model), 0.0
    for part in torch.from_numpy(TOKENS.astype(np.int64)).split(8):
        partition_N, gold_N = past.read(model, part[None], vocab_size=20, start_id=20)
        nats += (partition_N - gold_N).sum().item()
    assert bits.bits_per_byte == pytest.approx(nats / math.log(2) / 74, rel=1e-6)
    assert bits.tokens == 37 and done == [16, 32, 48, 64, 74]


def test_no_text_is_refused() -> None:
    with pytest.raises(ValueError, match="must not be empty"):
        recurrent_bits(tiny_model(), TOKENS[:0], 0, vocab_size=20, context=8)
