import numpy as np
import pytest
import torch
from tests.pruning.tiny import WORDS, tiny_model
from torch.nn import functional

from laconic.evaluation.language import read_nats
from laconic.training.chunks import Chunks


@pytest.mark.parametrize("family", ["gpt2", "llama, groups", "mistral, one key"])
@pytest.mark.parametrize("batch", [1, 3, 16])
def test_what_is_read_in_a_stream_is_what_each_example_gives_alone(family: str, batch: int) -> None:
    ids_N = np.random.default_rng(0).integers(3, WORDS, 23).astype(np.int32)
    model, chunks = tiny_model(family), Chunks(ids_N, 23, length=6, start_id=1)
    alone = 0.0
    for chunk in chunks:
        ids_T = torch.tensor(chunk.columns["input_ids"])
        with torch.no_grad():
            logits_TV = model(input_ids=ids_T[None]).logits[0]
        alone += float(functional.cross_entropy(logits_TV[:-1], ids_T[1:], reduction="sum"))
    # What pads the last chunk counts for nothing, whatever it is.
    for pad_id in (0, 7):
        assert read_nats(model, chunks, pad_id=pad_id, batch=batch) == pytest.approx(alone, rel=1e-5)
