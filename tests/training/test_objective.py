"""A batch goes to another device whole."""

import torch

from laconic.training.objective import Batch


def test_moving_a_batch_keeps_what_it_stands_for() -> None:
    batch = Batch(tokens_BT=torch.arange(6).reshape(2, 3), pad_id=9, count=6, bytes=4)
    moved = batch.to(torch.device("meta"))
    assert moved.tokens_BT.device.type == "meta"
    assert (moved.pad_id, moved.count, moved.bytes) == (9, 6, 4)
