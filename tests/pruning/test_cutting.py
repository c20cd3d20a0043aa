"""The law of the cut: what wears masks and what was cut by them say the same."""

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.pruning.tiny import CONFIGS, ENCODERS, random_masks, tiny_inputs, tiny_model
from transformers import BertConfig, BertForMaskedLM, BertForQuestionAnswering, T5Config, T5ForConditionalGeneration

from laconic.errors import UsageError
from laconic.model.anatomy import dissect
from laconic.model.cut_folder import save_cut
from laconic.model.folder import load_any, save_model
from laconic.pruning.cutting import count_all, cut
from laconic.pruning.masking import Masking
from laconic.pruning.masks import Structure

FAMILIES = tuple(CONFIGS)


@settings(max_examples=60)
@given(
    family=st.sampled_from(FAMILIES), seed=st.integers(0, 10_000), closed=st.sampled_from([0.0, 0.2, 0.5, 0.8, 1.0]),
    exact=st.booleans(), width=st.booleans(),
)  # fmt: skip
def test_cut_equals_masked(family: str, seed: int, closed: float, exact: bool, width: bool) -> None:
    dtype = torch.float64 if exact else torch.float32
    model, inputs = tiny_model(family, dtype=dtype, seed=seed), tiny_inputs(seed)
    masking = Masking(model)
    masks = random_masks(masking.parts, seed, closed=closed, dtype=dtype, width=width and family in ENCODERS)
    masking.wear(masks)
    with torch.no_grad():
        masked = model(**inputs).logits
        masking.close()
        smaller = cut(model, masks)
        said = smaller(**inputs).logits
    limit = 1e-9 if exact else 1e-5 * max(1.0, float(masked.abs().max()))
    # Rows of padding say nothing.
    difference = (masked - said).abs() if masked.dim() == 2 else (masked - said).abs()[inputs["attention_mask"].bool()]
    assert float(difference.max()) <= limit
    assert count_all(smaller)["pruned"] == masks.structure().size(masking.parts)
    assert dissect(smaller).width == (masks.structure().width or masking.parts.width)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("family", FAMILIES)
def test_in_half_precision_a_cut_model_is_its_own_folder(family: str, dtype: torch.dtype, tmp_path: Path) -> None:
    save_model(tiny_model(family).to(dtype), tmp_path / "model")
    model, inputs = load_any(tmp_path / "model"), tiny_inputs()
    assert model.dtype == dtype
    smaller = cut(model, Structure.whole(Masking(model).parts).masks())
    save_cut(smaller, tmp_path / "cut")
    with torch.no_grad():
        said = [one(**inputs).logits for one in (model, smaller, load_any(tmp_path / "cut"))]
    assert torch.equal(said[0], said[1]) and torch.equal(said[1], said[2])


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("left", ["nothing", "no attention", "no ffn", "one layer gone"])
def test_what_random_masks_rarely_are(family: str, left: str) -> None:
    model, inputs = tiny_model(family), tiny_inputs()
    masking = Masking(model)
    whole = Structure.whole(masking.parts)
    head_LH, unit_LU = whole.head_LH.clone(), whole.unit_LU.clone()
    if left in ("nothing", "no attention"):
        head_LH[:] = False
    if left in ("nothing", "no ffn"):
        unit_LU[:] = False
    if left == "one layer gone":
        head_LH[1], unit_LU[1] = False, False
    masks = Structure(head_LH=head_LH, unit_LU=unit_LU).masks()
    masking.wear(masks)
    masked = model(**inputs).logits
    masking.close()
    smaller = cut(model, masks)
    said = smaller(**inputs).logits
    text = slice(None) if masked.dim() == 2 else inputs["attention_mask"].bool()
    torch.testing.assert_close(said[text], masked[text], rtol=1e-5, atol=1e-5)


def test_the_model_stays_as_it_was_and_the_smaller_one_has_its_task() -> None:
    model = tiny_model("bert")
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    model.config.id2label = {0: "bad", 1: "so-so", 2: "good"}
    parts = Masking(model).parts
    smaller = cut(model, random_masks(parts, 0))
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert smaller.config.id2label == model.config.id2label and not smaller.training
    counts = count_all(smaller)
    assert counts["all"] == sum(parameter.numel() for parameter in smaller.parameters())
    assert counts["embeddings"] == count_all(model)["embeddings"]


@pytest.mark.parametrize("width", [False, True])
def test_spans_are_cut_too(width: bool) -> None:
    torch.manual_seed(0)
    config = BertConfig(vocab_size=50, hidden_size=16, num_hidden_layers=2, num_attention_heads=4, intermediate_size=12)
    model = BertForQuestionAnswering(config).eval()
    masking = Masking(model)
    masks = random_masks(masking.parts, 3, width=width)
    masking.wear(masks)
    masked = model(**tiny_inputs())
    masking.close()
    torch.testing.assert_close(cut(model, masks)(**tiny_inputs()).end_logits, masked.end_logits)


def test_what_predicts_words_keeps_its_width() -> None:
    model = BertForMaskedLM(CONFIGS["bert"])
    with pytest.raises(UsageError, match=r"BertForMaskedLM cannot be cut .*cannot have another width than its words"):
        cut(model, random_masks(Masking(model).parts, 0, width=True))


def test_masks_of_the_width_of_a_decoder_and_families_without_a_layout_are_refused() -> None:
    model = tiny_model("gpt2")
    masks = random_masks(Masking(model).parts, 0, width=True)
    with pytest.raises(UsageError, match="the width of a gpt2 cannot be pruned"):
        cut(model, masks)
    with pytest.raises(UsageError, match="models of type 't5' are not known"):
        cut(T5ForConditionalGeneration(T5Config(d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2, vocab_size=9)), masks)
