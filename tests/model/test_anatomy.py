"""Every family's parts are found, and each parameter belongs to exactly one of them."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from transformers import (
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    BertConfig,
    DistilBertConfig,
    GPT2Config,
    GPTNeoXConfig,
    LlamaConfig,
    MistralConfig,
    OPTConfig,
    PreTrainedModel,
    RobertaConfig,
    T5Config,
)

from laconic.errors import UsageError
from laconic.model import cut
from laconic.model.adaptive import AdaptiveLlamaConfig
from laconic.model.anatomy import LAYOUTS, Slice, dissect

_COMMON: dict[str, Any] = {"vocab_size": 64, "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4}
CONFIGS: dict[str, Callable[[], Any]] = {
    "llama": lambda: LlamaConfig(**_COMMON, intermediate_size=48),
    "laconic_adaptive_llama": lambda: AdaptiveLlamaConfig(**_COMMON, intermediate_size=48, cutoffs=[10, 30], factor=2),
    "mistral": lambda: MistralConfig(**_COMMON, intermediate_size=48, num_key_value_heads=2),
    "gpt2": lambda: GPT2Config(vocab_size=64, n_embd=32, n_layer=3, n_head=4, n_inner=48, n_positions=64),
    "gpt_neox": lambda: GPTNeoXConfig(**_COMMON, intermediate_size=48),
    "opt": lambda: OPTConfig(**_COMMON, ffn_dim=48, word_embed_proj_dim=32),
    "bert": lambda: BertConfig(**_COMMON, intermediate_size=48),
    "roberta": lambda: RobertaConfig(**_COMMON, intermediate_size=48),
    "distilbert": lambda: DistilBertConfig(vocab_size=64, dim=32, n_layers=3, n_heads=4, hidden_dim=48),
}
CUTTABLE = ("bert", "roberta", "distilbert", "gpt2", "llama", "mistral")
WHOLE = list(CONFIGS)
CONFIGS |= {f"laconic_{kind}": lambda kind=kind: cut.cut_config(CONFIGS[kind](), None) for kind in CUTTABLE}
CAUSAL = ("llama", "laconic_adaptive_llama", "mistral", "gpt2", "gpt_neox", "opt")
CAUSAL += ("laconic_llama", "laconic_mistral", "laconic_gpt2")
cut.register()


def build(kind: str) -> PreTrainedModel:
    auto = AutoModelForCausalLM if kind in CAUSAL else AutoModelForMaskedLM
    torch.manual_seed(0)
    model: PreTrainedModel = auto.from_config(CONFIGS[kind]()).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.3)
    return model


def test_every_layout_has_a_model_here() -> None:
    assert set(CONFIGS) == set(LAYOUTS)


@pytest.mark.parametrize("kind", CONFIGS)
@pytest.mark.parametrize("auto", [AutoModel, AutoModelForSequenceClassification, AutoModelForCausalLM, AutoModelForMaskedLM])
def test_each_parameter_belongs_to_exactly_one_unit(kind: str, auto: Any) -> None:
    if auto in (AutoModelForCausalLM, AutoModelForMaskedLM) and (auto is AutoModelForCausalLM) != (kind in CAUSAL):
        pytest.skip("this family has no such head")
    if kind == "laconic_adaptive_llama" and auto is not AutoModelForCausalLM:
        pytest.skip("this family is a language model only")
    model = auto.from_config(CONFIGS[kind]())
    anatomy = dissect(model)
    found = [id(parameter) for _, parameters in anatomy.units() for parameter in parameters]
    assert sorted(found) == sorted(id(parameter) for parameter in model.parameters())
    assert (anatomy.width, anatomy.heads, len(anatomy.layers)) == (32, 4, 3)
    assert anatomy.ffn_units(0) == 48
    assert anatomy.kv_heads == (2 if "mistral" in kind else 4)
    assert (anatomy.heads_of(0), anatomy.kv_heads_of(0), anatomy.head_size) == (4, anatomy.kv_heads, 8)


@pytest.mark.parametrize("kind", WHOLE)
def test_heads_and_units_cover_their_projections_once(kind: str) -> None:
    anatomy = dissect(build(kind))
    layer = anatomy.layers[1]
    heads = [part for head in range(anatomy.heads) for part in anatomy.head_slices(1, head)]
    units = [part for unit in range(anatomy.ffn_units(1)) for part in anatomy.ffn_slices(1, unit)]
    in_heads = layer.attention_in if anatomy.kv_heads == anatomy.heads else layer.attention_in[:1]
    assert_covered_once(heads, [*in_heads], layer.attention_out)
    assert_covered_once(units, [*layer.ffn_in], layer.ffn_out)


def assert_covered_once(slices: list[Slice], inward: list[Any], outward: Any) -> None:
    whole = {id(parameter): parameter for module in inward for parameter in module.parameters()} | {
        id(outward.weight): outward.weight
    }
    touched = {key: torch.zeros_like(parameter) for key, parameter in whole.items()}
    for part in slices:
        touched[id(part.parameter)].index_add_(
            part.axis, part.index, torch.ones_like(part.parameter.index_select(part.axis, part.index))
        )
    assert all(bool((count == 1).all()) for count in touched.values())


@pytest.mark.parametrize("kind", WHOLE)
def test_cutting_a_head_inward_or_outward_is_the_same(kind: str) -> None:
    """Zero values and a zero output projection silence a head alike: so both slices name the same head."""
    ids = torch.arange(12)[None] + 3
    if kind == "mistral":
        pytest.skip("its values are shared between heads")
    outputs = []
    for inward in (True, False):
        model = build(kind)
        before = model(input_ids=ids)[0]
        slices = dissect(model).head_slices(1, 2)
        for part in slices[:-1] if inward else slices[-1:]:
            part.parameter.data.index_fill_(part.axis, part.index, 0)
        outputs.append(model(input_ids=ids)[0])
        assert not torch.allclose(before, outputs[-1])
    torch.testing.assert_close(outputs[0], outputs[1])


@pytest.mark.parametrize("kind", WHOLE)
def test_the_feed_forward_part_reads_what_its_norm_wrote(kind: str) -> None:
    model, seen = build(kind), {}
    layer = dissect(model).layers[-1]
    layer.ffn_norm.register_forward_hook(lambda module, inputs, output: seen.update(written=output))
    layer.ffn_in[0].register_forward_hook(lambda module, inputs, output: seen.update(read=inputs[0]))
    model(input_ids=torch.arange(10)[None] + 3)
    assert torch.equal(seen["written"].reshape(-1, 32), seen["read"].reshape(-1, 32))


@pytest.mark.parametrize("kind", CUTTABLE)
def test_a_cut_model_is_taken_apart_layer_by_layer(kind: str) -> None:
    heads, kv_heads = (2, 1) if kind == "mistral" else (3, 3)
    layers = [
        {"heads": heads, "kv_heads": kv_heads, "units": 0},
        {"heads": 0, "kv_heads": 0, "units": 5},
        {"heads": 0, "kv_heads": 0, "units": 0},
    ]
    model = AutoModel.from_config(cut.cut_config(CONFIGS[kind](), layers))
    anatomy = dissect(model)
    found = [id(parameter) for _, parameters in anatomy.units() for parameter in parameters]
    assert sorted(found) == sorted(id(parameter) for parameter in model.parameters())
    assert [anatomy.heads_of(layer) for layer in range(3)] == [heads, 0, 0]
    assert [anatomy.kv_heads_of(layer) for layer in range(3)] == [kv_heads, 0, 0]
    assert [anatomy.ffn_units(layer) for layer in range(3)] == [0, 5, 0]
    assert [len(layer.norms) for layer in anatomy.layers] == [1, 1, 0]
    first, second = anatomy.layers[:2]
    in_heads = first.attention_in if heads == kv_heads else first.attention_in[:1]
    assert_covered_once(
        [part for head in range(heads) for part in anatomy.head_slices(0, head)], [*in_heads], first.attention_out
    )
    assert_covered_once([part for unit in range(5) for part in anatomy.ffn_slices(1, unit)], [*second.ffn_in], second.ffn_out)


def test_an_unknown_family_is_named() -> None:
    config = T5Config(vocab_size=64, d_model=32, d_kv=8, d_ff=32, num_layers=1, num_heads=4, decoder_start_token_id=0)
    with pytest.raises(UsageError, match="'t5' are not known inside out: use one of llama"):
        dissect(AutoModel.from_config(config))
