"""Every token is charged exactly once, in bits of the text, whatever the batch and the overlap."""

import math

import numpy as np
import pytest
import torch
from tests.training.models import Examples, PairTokenizer, tiny_model

from laconic.evaluation.bits import bit_compression, bits_per_byte, summarise, tokens_bits


def plain_nats(model: torch.nn.Module, tokens: np.ndarray, context: int) -> float:
    """One segment after another, one token at a time: the oracle."""
    total = 0.0
    for start in range(0, len(tokens), context):
        segment = tokens[start : start + context].tolist()
        for position, token in enumerate(segment):
            logits = model(input_ids=torch.tensor([[20, *segment[:position]]])).logits[0, -1, :20]
            total -= float(torch.log_softmax(logits.detach().double(), -1)[token])
    return total


def test_it_is_the_sum_over_all_tokens_by_the_bytes_of_the_text() -> None:
    model, texts = tiny_model().eval(), Examples(2, 21).examples
    tokens = np.concatenate(PairTokenizer().encode_batch(texts))
    size = sum(int((text < 256).sum()) for text in texts)
    found = bits_per_byte(model, PairTokenizer(), texts, context=16, batch=3)
    assert found.bits_per_byte == pytest.approx(plain_nats(model, tokens, 16) / math.log(2) / size, rel=1e-5)
    assert (found.tokens, found.bytes, found.bytes_per_token) == (len(tokens), size, size / len(tokens))
    assert found.to_dict()["perplexity"] == pytest.approx(math.exp(plain_nats(model, tokens, 16) / len(tokens)), rel=1e-5)


@pytest.mark.parametrize("length", [1, 15, 16, 17, 40])
@pytest.mark.parametrize("stride", [1, 5, 16])
def test_with_a_stride_each_token_sees_the_text_right_before_it(length: int, stride: int) -> None:
    model = tiny_model().eval()
    tokens = np.random.default_rng(1).integers(0, 20, length).astype(np.int32)
    expected, charged = 0.0, 0
    while charged < length:
        stop = min(length, charged + (stride if charged else 16))
        start = max(0, stop - 16) if stride < 16 else charged
        segment = tokens[start:stop]
        logits = model(input_ids=torch.tensor([[20, *segment[:-1].tolist()]])).logits[0, :, :20].double()
        nll = -torch.log_softmax(logits, -1)[torch.arange(len(segment)), torch.from_numpy(segment.astype(np.int64))]
        expected += float(nll[charged - start :].detach().sum())
        charged = stop
    found = tokens_bits(model, tokens, 7, vocab_size=20, context=16, stride=stride, batch=4)
    assert found.bits_per_byte == pytest.approx(expected / math.log(2) / 7, rel=1e-5)
    assert found.tokens == length


def test_batches_change_nothing_and_progress_ends_at_the_last_byte() -> None:
    model, seen = tiny_model().eval(), []
    tokens = np.random.default_rng(2).integers(0, 20, 100).astype(np.int32)
    found = [
        tokens_bits(model, tokens, 50, vocab_size=20, context=16, batch=batch, progress=seen.append) for batch in (1, 4, 99)
    ]
    assert found[0].bits_per_byte == pytest.approx(found[1].bits_per_byte) == pytest.approx(found[2].bits_per_byte)
    assert seen[-1] == 50


def test_an_untrained_model_charges_about_the_uniform_price() -> None:
    tokens = np.random.default_rng(3).integers(0, 20, 320).astype(np.int32)
    found = tokens_bits(tiny_model().eval(), tokens, 160, vocab_size=20, context=16)
    assert found.bits_per_byte == pytest.approx(2 * math.log2(20), rel=0.03)


@pytest.mark.parametrize(
    ("bytes_per_token", "vocab_size", "printed"),
    [(4.28, 32_000, 2.28), (5.49, 256, 5.49), (10.98, 65_536, 5.49), (5.31, 65_536, 2.66), (1.73, 256, 1.73)],
)
def test_bit_compression_is_that_of_the_paper(bytes_per_token: float, vocab_size: int, printed: float) -> None:
    """Lester et al. 2024, tables 1 and 2, whose SentencePiece row counts 15 bits per token."""
    assert bit_compression(bytes_per_token, vocab_size) == pytest.approx(printed, abs=0.011)


def test_summary_of_the_papers_loss() -> None:
    """bits/byte = tokens / bytes x loss / ln 2: a loss of 5.0 nats at 5.31 bytes per token is 1.358."""
    assert summarise(nats=5.0 * 1000, tokens=1000, size=5310, vocab_size=65_536).bits_per_byte == pytest.approx(
        1.3585, abs=1e-4
    )


def test_wrong_calls_are_named() -> None:
    tokens = np.zeros(3, dtype=np.int32)
    with pytest.raises(ValueError, match="stride is 17, but must lie between 1 and the context, 16"):
        tokens_bits(tiny_model(), tokens, 3, vocab_size=20, context=16, stride=17)
    with pytest.raises(ValueError, match="must not be empty"):
        bits_per_byte(tiny_model(), PairTokenizer(), [], context=16)
