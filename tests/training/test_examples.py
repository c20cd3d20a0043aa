import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from laconic.errors import UsageError
from laconic.training.data import BatchStream
from laconic.training.examples import Example, ExampleStream, collate

PAD = 9


def example(length: int, label: int | float | tuple[int, int] | None = 1) -> Example:
    columns = {"input_ids": [5] * length, "attention_mask": [1] * length, "token_type_ids": [1] * length}
    return Example(columns=columns, label=label, bytes=10 * length)


def test_rows_are_padded_to_the_longest_and_padding_is_masked() -> None:
    batch = collate([example(1), example(3)], pad_id=PAD)
    assert batch.inputs["input_ids"].tolist() == [[5, PAD, PAD], [5, 5, 5]]
    assert batch.inputs["attention_mask"].tolist() == batch.inputs["token_type_ids"].tolist() == [[1, 0, 0], [1, 1, 1]]
    assert (batch.count, batch.bytes, batch.at(4).step) == (2, 40, 4)


@pytest.mark.parametrize(
    ("label", "shape", "dtype"), [(2, (2,), torch.int64), (0.5, (2,), torch.float32), ((0, 2), (2, 2), torch.int64)]
)
def test_labels_are_classes_numbers_or_spans(
    label: int | float | tuple[int, int], shape: tuple[int], dtype: torch.dtype
) -> None:
    labels = collate([example(3, label), example(3, label)], pad_id=PAD).labels
    assert labels is not None and labels.shape == shape and labels.dtype == dtype


def test_labels_that_nobody_knows_are_none() -> None:
    assert collate([example(3), example(3, None)], pad_id=PAD).labels is None


@given(lengths=st.lists(st.integers(1, 40), min_size=8, max_size=60), seed=st.integers(0, 5))
def test_an_epoch_has_each_example_at_most_once_and_rows_of_like_length(lengths: list[int], seed: int) -> None:
    examples = [Example(columns={"input_ids": [place] * length}, label=0, bytes=1) for place, length in enumerate(lengths)]
    stream = ExampleStream(examples, pad_id=len(lengths), rows=4, seed=seed)
    assert isinstance(stream, BatchStream)
    batches = [stream.next_batch(4) for _ in range(stream.batches)]
    seen = [place for batch in batches for place in batch.inputs["input_ids"][:, 0].tolist()]
    assert len(set(seen)) == len(seen) == len(lengths) // 4 * 4
    # All are in one pool: batches do not overlap in length.
    spans = sorted(
        (min(part), max(part)) for part in ([lengths[place] for place in seen[at : at + 4]] for at in range(0, len(seen), 4))
    )
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(spans))


def test_it_goes_on_from_a_position() -> None:
    examples = [example(1 + place % 7) for place in range(30)]
    steady, resumed = (ExampleStream(examples, pad_id=PAD, rows=4, seed=3) for _ in range(2))
    for _ in range(9):
        steady.next_batch(4)
    resumed.restore(steady.state())
    for _ in range(9):
        assert torch.equal(steady.next_batch(4).inputs["input_ids"], resumed.next_batch(4).inputs["input_ids"])


def test_too_few_examples_are_refused() -> None:
    with pytest.raises(UsageError, match="there are 3 examples, fewer than a batch of 4"):
        ExampleStream([example(1)] * 3, pad_id=PAD, rows=4)
