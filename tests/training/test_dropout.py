"""Dropout drops while a model is trained, where it should, and nowhere else."""

import pytest
import torch
from tests.training.models import FAMILIES, tiny_family

from laconic.model.anatomy import dissect
from laconic.training.dropout import add_dropout


@pytest.mark.parametrize("kind", FAMILIES)
def test_only_training_drops(kind: str) -> None:
    model, ids = tiny_family(kind), torch.arange(8)[None]
    before = model(input_ids=ids).logits
    add_dropout(model, 0.5)
    assert torch.equal(model(input_ids=ids).logits, before)
    model.train()
    layer, seen = dissect(model).layers[0], list[torch.Tensor]()
    layer.ffn_out.register_forward_hook(lambda module, inputs, output: seen.append(output))
    assert not torch.equal(model(input_ids=ids).logits, before)
    assert 0.3 < float((seen[0] == 0).float().mean()) < 0.7


def test_none_changes_nothing_and_too_much_is_refused() -> None:
    model = tiny_family("llama")
    add_dropout(model, 0.0)
    assert not dissect(model).layers[0].ffn_out._forward_hooks
    with pytest.raises(ValueError, match=r"probability is 1\.0"):
        add_dropout(model, 1.0)
