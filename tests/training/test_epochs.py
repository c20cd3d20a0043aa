import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laconic.errors import CorruptFileError
from laconic.training.epochs import Epochs, permutation, random_of


def epochs(*, rank: int = 0, world: int = 1, batches: int = 3, rows: int = 4) -> Epochs:
    def lay_out(epoch: int) -> np.ndarray:
        return permutation(random_of(7, epoch), batches * rows).reshape(batches, rows)

    return Epochs(lay_out, batches=batches, rows=rows, rank=rank, world=world)


def test_an_epoch_hands_out_each_row_once_and_the_next_has_another_order() -> None:
    source = epochs()
    first, second = (np.concatenate([source.take(4).numbers_B for _ in range(3)]).tolist() for _ in range(2))
    assert sorted(first) == sorted(second) == list(range(12))
    assert first != second


def test_processes_share_what_one_would_get() -> None:
    alone, pair = epochs(), [epochs(rank=rank, world=2) for rank in (0, 1)]
    for _ in range(5):
        whole = alone.take(4)
        shares = [part.take(2) for part in pair]
        assert np.concatenate([share.numbers_B for share in shares]).tolist() == whole.numbers_B.tolist()
        assert [share.first for share in shares] == [0, 2]


@given(done=st.integers(0, 9), parts=st.sampled_from([1, 2, 4]))
def test_going_on_from_any_position_equals_never_having_stopped(done: int, parts: int) -> None:
    steady = epochs()
    for _ in range(done * parts):
        steady.take(4 // parts)
    resumed = epochs()
    resumed.restore(steady.state())
    for _ in range(4 * parts):
        assert resumed.take(4 // parts).numbers_B.tolist() == steady.take(4 // parts).numbers_B.tolist()


@pytest.mark.parametrize("state", [{}, {"epoch": -1, "taken": 0}, {"epoch": 0, "taken": 13}, {"epoch": 0.0, "taken": 0}])
def test_a_position_that_no_run_wrote_is_refused(state: dict[str, float]) -> None:
    with pytest.raises(CorruptFileError, match="which no run wrote"):
        epochs().restore(state)


def test_rows_are_shared_evenly_and_no_more_are_given_than_there_are() -> None:
    with pytest.raises(ValueError, match="multiple of the 3 processes"):
        epochs(world=3)
    with pytest.raises(ValueError, match="5 rows are asked for, but 4 are left"):
        epochs().take(5)
