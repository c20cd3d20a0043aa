import numpy as np
import pytest

from laconic.tokens.padding import gather_columns, pad_columns, target_length, to_tensors


@pytest.mark.parametrize(
    ("padding", "max_length", "multiple", "length"),
    [(True, None, None, 5), ("longest", 3, None, 5), ("max_length", 8, None, 8), ("max_length", 3, None, 5), (True, None, 4, 8),
     (False, 8, 4, None), ("do_not_pad", None, None, None)],
)  # fmt: skip
def test_length(padding, max_length, multiple, length):
    assert target_length([2, 5, 0], padding, max_length, multiple) == length


def test_nothing_has_no_length():
    assert target_length([], True, None, None) is None


def test_padding_to_a_length_needs_one():
    with pytest.raises(ValueError, match="max_length"):
        target_length([1], "max_length", None, None)


def test_columns_are_filled_on_either_side():
    columns = {"input_ids": [[1], [2, 3]], "attention_mask": [[1], [1, 1]], "labels": [[9], [9, 9]]}
    right = pad_columns(columns, 3, 0, "right")
    assert right == {"input_ids": [[1, 0, 0], [2, 3, 0]], "attention_mask": [[1, 0, 0], [1, 1, 0]], "labels": [[9], [9, 9]]}
    assert pad_columns(columns, 3, 7, "left")["input_ids"] == [[7, 7, 1], [7, 2, 3]]
    assert pad_columns(columns, None, 7, "left") == columns


def test_columns_come_from_rows_and_arrays():
    rows = [{"input_ids": np.array([1, 2]), "n": 3}, {"input_ids": (4,), "n": 5}]
    assert gather_columns(rows) == {"input_ids": [[1, 2], [4]], "n": [3, 5]}
    assert gather_columns({"input_ids": np.array([[1, 2], [3, 4]])}) == {"input_ids": [[1, 2], [3, 4]]}
    assert gather_columns([]) == {}


def test_tensors():
    columns = {"input_ids": [[1, 2], [3, 4]]}
    assert to_tensors(columns, None) is columns
    assert to_tensors(columns, "np")["input_ids"].dtype == np.int64
    torch = pytest.importorskip("torch")
    tensor = to_tensors(columns, "pt")["input_ids"]
    assert tensor.dtype == torch.int64 and tensor.tolist() == columns["input_ids"]
    with pytest.raises(ValueError, match="padding=True"):
        to_tensors({"input_ids": [[1], [2, 3]]}, "np")
