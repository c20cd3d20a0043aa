import numpy as np
import pytest
import torch
from transformers import BertConfig, BertForQuestionAnswering, BertForSequenceClassification

from laconic.evaluation.tasks import read_logits
from laconic.training.examples import Example, collate

SHAPE = {"vocab_size": 30, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}


def examples() -> list[Example]:
    lengths = [5, 2, 9, 3, 3, 7, 1]
    return [
        Example(columns={"input_ids": list(range(3, 3 + length)), "attention_mask": [1] * length}, label=None, bytes=1)
        for length in lengths
    ]


@pytest.mark.parametrize(("kind", "labels"), [("classification", 3), ("regression", 1), ("span", 2)])
@pytest.mark.parametrize("batch", [1, 3, 64])
def test_every_example_gets_what_it_would_get_alone(kind: str, labels: int, batch: int) -> None:
    torch.manual_seed(0)
    kind_of = BertForQuestionAnswering if kind == "span" else BertForSequenceClassification
    model = kind_of(BertConfig(**SHAPE, num_labels=labels)).eval()
    found = read_logits(model, examples(), kind=kind, pad_id=0, batch=batch)
    for example, row in zip(examples(), found, strict=True):
        with torch.no_grad():
            output = model(**collate([example], pad_id=0).inputs)
        alone = torch.stack([output.start_logits, output.end_logits], 1)[0] if kind == "span" else output.logits[0]
        np.testing.assert_allclose(row, alone.numpy().reshape(row.shape), rtol=1e-4, atol=1e-5)
