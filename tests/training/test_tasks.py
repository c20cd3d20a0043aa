from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.nn import functional
from transformers import BertConfig, BertForQuestionAnswering, BertForSequenceClassification, GPT2Config, GPT2LMHeadModel

from laconic.training.examples import Example, collate
from laconic.training.tasks import KINDS, Kind, task_logits, task_loss

LABELS: dict[Kind, Any] = {"classification": 2, "regression": 0.5, "span": (1, 3), "language": None}


def tiny(kind: Kind) -> torch.nn.Module:
    torch.manual_seed(0)
    if kind == "language":
        return GPT2LMHeadModel(GPT2Config(vocab_size=20, n_embd=8, n_layer=1, n_head=2)).eval()
    config = BertConfig(
        vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8,
        num_labels={"classification": 3, "regression": 1, "span": 2}[kind],
    )  # fmt: skip
    return (BertForQuestionAnswering if kind == "span" else BertForSequenceClassification)(config).eval()


@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_is_what_the_model_itself_would_say(kind: Kind) -> None:
    examples = [
        Example(columns={"input_ids": ids, "attention_mask": [1] * len(ids)}, label=LABELS[kind], bytes=1)
        for ids in ([3, 4, 5, 6], [7, 8, 9, 10, 11])
    ]
    model, batch = tiny(kind), collate(examples, pad_id=0)
    named: dict[str, Any] = {"labels": batch.labels}
    if kind == "span":
        assert batch.labels is not None
        named = {"start_positions": batch.labels[:, 0], "end_positions": batch.labels[:, 1]}
    if kind == "language":
        named = {"labels": batch.inputs["input_ids"].masked_fill(batch.inputs["attention_mask"] == 0, -100)}
    expected = model(**batch.inputs, **named).loss
    torch.testing.assert_close(task_loss(kind, task_logits(kind, model(**batch.inputs)), batch), expected)


def test_logits_of_a_regression_have_no_axis_of_classes() -> None:
    logits_B1 = torch.tensor([[1.0], [2.0]], dtype=torch.bfloat16)
    answer = task_logits("regression", SimpleNamespace(logits=logits_B1))
    assert answer.shape == (2,) and answer.dtype == torch.float32
    assert functional.mse_loss(answer, torch.tensor([1.0, 2.0])) == 0
