"""Tokens are packed in order, none lost, and any position can be gone back to."""

import json

import numpy as np
import pytest
from tests.training.models import Examples, PairTokenizer, tiny_stream

from laconic.training.data import EncodingSource, StoredSource, TokenStream, encode_examples


def read_all(stream: TokenStream, rows: int = 4) -> tuple[np.ndarray, int, int]:
    tokens, count, size = [], 0, 0
    while True:
        batch = stream.next_batch(rows)
        if not batch.count:
            return np.concatenate(tokens), count, size
        tokens.append(batch.tokens_BT.numpy().ravel())
        count, size = count + batch.count, size + batch.bytes


def test_packing_keeps_every_token_in_order_and_counts_every_byte() -> None:
    examples = Examples(10).examples
    tokens, count, size = read_all(tiny_stream(10))
    expected = np.concatenate(PairTokenizer().encode_batch(examples))
    assert np.array_equal(tokens[:count], expected)
    assert (tokens[count:] == 20).all()
    assert size == sum(int((example < 256).sum()) for example in examples)


def test_trimming_keeps_the_beginning_of_each_example() -> None:
    examples = Examples(7).examples
    tokens, count, size = read_all(tiny_stream(7, packing="trim"))
    assert np.array_equal(tokens[:count].reshape(7, 16), np.stack([row[:16] for row in PairTokenizer().encode_batch(examples)]))
    assert size == sum(int((example < 256).sum()) * 16 // (2 * len(example)) for example in examples)


def test_short_examples_are_padded_when_trimmed() -> None:
    stream = TokenStream(
        StoredSource(encode_examples(PairTokenizer(), Examples(1, 5).examples)), length=16, pad_id=20, packing="trim"
    )
    batch = stream.next_batch(2)
    assert batch.count == 10
    assert (batch.tokens_BT.numpy().ravel()[10:] == 20).all()


@pytest.mark.parametrize("packing", ["pack", "trim"])
@pytest.mark.parametrize("batches", [0, 1, 5, 11])
def test_a_position_survives_json(packing: str, batches: int) -> None:
    stream = tiny_stream(packing=packing)
    for _ in range(batches):
        stream.next_batch(3)
    state = json.loads(json.dumps(stream.state()))
    rest = [stream.next_batch(3) for _ in range(30)]
    again = tiny_stream(packing=packing)
    again.restore(state)
    for batch in rest:
        other = again.next_batch(3)
        assert np.array_equal(batch.tokens_BT, other.tokens_BT)
        assert (batch.count, batch.bytes) == (other.count, other.bytes)


def test_shares_of_stored_examples_are_disjoint_and_complete() -> None:
    stored = encode_examples(PairTokenizer(), Examples(11).examples)
    sources = [StoredSource(stored, rank=rank, world=3) for rank in range(3)]
    shares = [read_all(TokenStream(source, length=16, pad_id=20, packing="trim"))[0] for source in sources]
    whole = read_all(tiny_stream(11, packing="trim"))[0]
    rows = sorted(row.tobytes() for share in shares for row in share.reshape(-1, 16) if (row != 20).any())
    assert rows == sorted(row.tobytes() for row in whole.reshape(-1, 16) if (row != 20).any())


def test_stored_examples_give_what_encoding_on_the_way_gives() -> None:
    stored = StoredSource(encode_examples(PairTokenizer(), Examples(9).examples))
    one, two = read_all(TokenStream(stored, length=16, pad_id=20)), read_all(tiny_stream(9))
    assert np.array_equal(one[0], two[0]) and one[1:] == two[1:]


def test_wrong_settings_are_named() -> None:
    with pytest.raises(ValueError, match="length is 0"):
        tiny_stream(length=0)
    with pytest.raises(ValueError, match="packing is 'stuff', but must be one of pack, trim"):
        tiny_stream(packing="stuff")
    with pytest.raises(ValueError, match="chunk is 0"):
        EncodingSource(Examples(1), PairTokenizer(), chunk=0)
