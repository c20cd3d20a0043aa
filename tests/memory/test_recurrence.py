"""Reading with recurrence is attention to this segment and the one before, however it is computed."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tests.training.models import tiny_family

from laconic.errors import TrainingError, UsageError
from laconic.memory.recurrence import Recurrence, Recurrent
from laconic.model.mass import logits_mass
from laconic.training.data import Encoded
from laconic.training.language_modeling import shift_right
from laconic.training.loop import LoopConfig, train
from laconic.training.objective import Batch
from laconic.training.segments import SegmentStream

VOCAB, LENGTH = 20, 5


def some_tokens(segments: int) -> torch.Tensor:
    return torch.randint(0, VOCAB, (2, segments * LENGTH), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("kind", ["llama", "mistral", "laconic_adaptive_llama"])
@pytest.mark.parametrize("missing", [0, 2])
def test_each_layer_sees_this_segment_and_the_one_before(kind: str, missing: int) -> None:
    size = 4 * LENGTH - missing
    model, tokens_BT = tiny_family(kind), some_tokens(4)[:, :size]
    past = Recurrence(model)
    read = [past.read(model, part, vocab_size=VOCAB, start_id=VOCAB) for part in tokens_BT.split(LENGTH, dim=1)]
    place_T = torch.arange(size)
    segment_T = place_T // LENGTH
    seen_TT = (place_T[:, None] >= place_T) & (segment_T[:, None] - segment_T <= 1)
    mask = torch.where(seen_TT, 0.0, -torch.inf)[None, None].expand(2, 1, -1, -1)
    logits_BTV = model(input_ids=shift_right(tokens_BT, VOCAB), attention_mask=mask).logits[..., :VOCAB].float()
    whole = logits_mass(logits_BTV.flatten(0, 1), tokens_BT.flatten())
    for ours, expected in zip(zip(*read, strict=True), whole, strict=True):
        torch.testing.assert_close(torch.cat([one.view(2, -1) for one in ours], 1).flatten(), expected, rtol=1e-4, atol=1e-5)


def test_what_was_forgotten_is_not_seen() -> None:
    model, tokens_BT = tiny_family("llama"), some_tokens(2)
    past = Recurrence(model)
    first = past.read(model, tokens_BT[:, :LENGTH], vocab_size=VOCAB, start_id=VOCAB)
    again = past.read(model, tokens_BT[:, :LENGTH], vocab_size=VOCAB, start_id=VOCAB)
    past.forget()
    afresh = past.read(model, tokens_BT[:, :LENGTH], vocab_size=VOCAB, start_id=VOCAB)
    assert torch.equal(first[1], afresh[1])
    assert not torch.allclose(first[1], again[1])


def test_no_gradient_goes_back() -> None:
    model, tokens_BT = tiny_family("llama"), some_tokens(2)
    past = Recurrence(model)
    past.read(model, tokens_BT[:, :LENGTH], vocab_size=VOCAB, start_id=VOCAB)
    assert past.carried and not any(part.requires_grad for part in past.carried)
    partition_N, gold_N = past.read(model, tokens_BT[:, LENGTH:], vocab_size=VOCAB, start_id=VOCAB)
    (partition_N - gold_N).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_models_without_rotary_positions_are_refused() -> None:
    with pytest.raises(UsageError, match="GPT2LMHeadModel has no plain rotary positions"):
        Recurrence(tiny_family("gpt2"))


def test_parts_of_a_batch_have_their_own_past() -> None:
    model, tokens_BT = tiny_family("llama"), some_tokens(3)
    whole, parted, losses = Recurrent(model, vocab_size=VOCAB), Recurrent(model, vocab_size=VOCAB), list[list[float]]()
    for step, part in enumerate(tokens_BT.split(LENGTH, dim=1), 1):
        batch = Batch(tokens_BT=part, pad_id=VOCAB, count=2 * LENGTH, bytes=0, step=step, continues=step > 1)
        rows = [replace(batch, tokens_BT=row[None], count=LENGTH) for row in part]
        losses.append([whole.loss(model, batch).loss.item(), sum(parted.loss(model, row).loss.item() for row in rows) / 2])
    for one, two in losses:
        assert one == pytest.approx(two, rel=1e-5)


def stream() -> SegmentStream:
    generator = torch.Generator().manual_seed(2)
    ids = torch.randint(0, VOCAB, (400,), generator=generator).numpy().astype("int32")
    return SegmentStream([Encoded(ids=ids, bytes=400)], length=LENGTH, pad_id=VOCAB, rows=4, order="parallel")


def test_a_resumed_run_is_the_run(tmp_path: Path) -> None:
    config = LoopConfig(steps=9, batch=4, micro_batch=2, precision="fp32", checkpoint_every=4)

    def run(out: str, steps: int, *, resume: bool = False, fail: bool = False) -> torch.Tensor:
        model = tiny_family("llama")

        def stop(progress: object) -> None:
            if fail and progress.step == 6:
                raise TrainingError("the power failed")

        objective = Recurrent(model, vocab_size=VOCAB)
        train(model, objective, stream(), replace(config, steps=steps), tmp_path / out, report=stop, resume=resume)
        return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])

    straight = run("a", 9)
    with pytest.raises(TrainingError, match="power"):
        run("b", 9, fail=True)
    assert torch.equal(run("b", 9, resume=True), straight)
