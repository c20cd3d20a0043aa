"""Cut models are smaller models of the same kind: what is kept is exact, what is gone is the identity."""

import copy
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.model import cut_models as tiny
from transformers import AutoModel, AutoModelForCausalLM, AutoModelForSequenceClassification, DynamicCache, T5Config, T5Model

from laconic.model import cut
from laconic.model.anatomy import dissect

BACKBONES = {tiny.family(found): found.__name__ for found in cut.TASKS[AutoModel]}
WRITERS = {tiny.family(found): found.__name__ for found in cut.TASKS[AutoModelForCausalLM]}
PATTERNS = {
    "first gone": [(0, 7), (2, 7), (4, 7)],
    "middle gone": [(2, 7), (0, 0), (2, 7)],
    "last gone": [(2, 0), (2, 7), (0, 7)],
    "one left": [(0, 0), (0, 7), (1, 0)],
    "none left": [(0, 7), (0, 7), (0, 0)],
    "nothing left": [(0, 0)] * 3,
}


def layers_of(kind: str) -> st.SearchStrategy[list[dict[str, int]]]:
    """Every way to cut a tiny model."""
    pairs = [(heads, kv) for heads in range(1, 5) for kv in range(1, heads + 1) if heads % kv == 0]
    if kind not in ("llama", "mistral"):
        pairs = [(heads, kv) for heads, kv in pairs if heads == kv]
    if kind == "mistral":
        pairs = [(heads, kv) for heads, kv in pairs if kv <= 2]
    one = st.builds(
        lambda pair, units: {"heads": pair[0], "kv_heads": pair[1], "units": units},
        st.sampled_from([(0, 0), *pairs]),
        st.integers(0, tiny.UNITS),
    )
    return st.lists(one, min_size=tiny.LAYERS, max_size=tiny.LAYERS)


@pytest.mark.parametrize("name", tiny.CLASSES)
@pytest.mark.parametrize("said", [False, True])
def test_a_model_that_keeps_everything_is_the_stock_model(name: str, said: bool) -> None:
    found = tiny.CLASSES[name]
    config = tiny.whole(tiny.family(found))
    stock = tiny.loud(tiny.STOCK[name](config))
    layers = [cut.whole_layer(config)] * tiny.LAYERS if said else None
    model = found(cut.cut_config(config, layers)).eval()
    model.load_state_dict(stock.state_dict())
    for ours, theirs in zip(tiny.numbers(model(tiny.IDS)), tiny.numbers(stock(tiny.IDS)), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("kind", BACKBONES)
def test_a_cut_model_says_what_the_silenced_stock_model_says(kind: str) -> None:
    """Heads and units are taken out of the weights here, and silenced in the stock model there."""
    config = tiny.whole(kind)
    stock = tiny.loud(AutoModel.from_config(config))
    kept_heads, kept_units = [[2, 3], [0, 1], [0, 1, 2, 3]], [[0, 5, 47], [1], list(range(48))]
    layers = [tiny.layer(kind, len(h), len(u)) for h, u in zip(kept_heads, kept_units, strict=True)]
    model = tiny.CLASSES[BACKBONES[kind]](cut.cut_config(config, layers)).eval()
    weights, anatomy = stock.state_dict(), dissect(stock)
    names = {id(parameter): name for name, parameter in stock.named_parameters()}
    for number, (heads, units) in enumerate(zip(kept_heads, kept_units, strict=True)):
        slices = [part for head in heads for part in anatomy.head_slices(number, head)]
        slices += [part for unit in units for part in anatomy.ffn_slices(number, unit)]
        for parameter in {id(part.parameter): part.parameter for part in slices}.values():
            parts = [part for part in slices if part.parameter is parameter]
            index = torch.cat([part.index for part in parts]).unique()
            weights[names[id(parameter)]] = parameter.detach().index_select(parts[0].axis, index)
        if kind == "mistral":
            rows = torch.arange(heads[0] // 2 * 8, (heads[-1] // 2 + 1) * 8)
            for module in anatomy.layers[number].attention_in[1:]:
                weights[names[id(module.weight)]] = module.weight.detach()[rows]
        for head in set(range(4)) - set(heads):
            silence(anatomy.head_slices(number, head)[-1])
        for unit in set(range(48)) - set(units):
            silence(anatomy.ffn_slices(number, unit)[-1])
    model.load_state_dict(weights)
    torch.testing.assert_close(model(tiny.IDS)[0], stock(tiny.IDS)[0], rtol=1e-4, atol=1e-4)


def silence(part: Any) -> None:
    part.parameter.data.index_fill_(part.axis, part.index, 0)


@pytest.mark.parametrize("kind", BACKBONES)
def test_what_is_gone_is_the_identity(kind: str) -> None:
    layers = [tiny.layer(kind, 0, 0), tiny.layer(kind, 0, 5), tiny.layer(kind, 2, 0)]
    model = tiny.build(BACKBONES[kind], layers)
    nothing, units_only, heads_only = dissect(model).layers
    seen: dict[Any, tuple[Any, Any]] = {}
    for module in model.modules():
        module.register_forward_hook(lambda own, inputs, output: seen.update({own: (inputs and inputs[0], output)}))
    model(tiny.IDS)
    assert torch.equal(*seen[nothing.module])
    assert not [*nothing.module.parameters()]
    first_read = units_only.ffn_norm if kind in tiny.CAUSAL else units_only.ffn_in[0]
    assert torch.equal(seen[first_read][0], seen[units_only.module][0])
    before, after = seen[heads_only.module]
    if kind in tiny.CAUSAL:
        assert torch.equal(after, before + seen[heads_only.attention_out][1])
    else:
        assert torch.equal(after, seen[heads_only.norms[0]][1])


@pytest.mark.parametrize("kind", BACKBONES)
def test_parameters_are_those_of_what_is_left(kind: str) -> None:
    outer = sum(p.numel() for p in tiny.build(BACKBONES[kind], [tiny.layer(kind, 0, 0)] * tiny.LAYERS).parameters())
    stock = AutoModel.from_config(tiny.whole(kind))
    blocks = sum(parameter.numel() for layer in dissect(stock).layers for parameter in layer.module.parameters())
    assert outer == sum(parameter.numel() for parameter in stock.parameters()) - blocks

    @settings(max_examples=30)
    @given(layers_of(kind))
    def holds(layers: list[dict[str, int]]) -> None:
        with torch.device("meta"):
            model = tiny.CLASSES[BACKBONES[kind]](cut.cut_config(tiny.whole(kind), layers))
        assert sum(parameter.numel() for parameter in model.parameters()) - outer == sum(
            parameters(kind, **left) for left in layers
        )

    holds()


@pytest.mark.parametrize("name", [name for name in tiny.CLASSES if name not in tiny.WIDE_ONLY])
def test_a_narrow_model_is_the_whole_one_without_some_of_its_width(name: str) -> None:
    """What is left of the width is where the whole model has anything, and its norms are made to see nothing else."""
    kind = tiny.family(tiny.CLASSES[name])
    narrow = tiny.build(name, [tiny.layer(kind, 4, tiny.UNITS)] * tiny.LAYERS, width=tiny.NARROW)
    assert dissect(narrow).width == tiny.NARROW and dissect(narrow).head_size == tiny.SIZE
    stock = tiny.STOCK[name](tiny.whole(kind))
    with torch.no_grad():
        for ours, theirs in zip(narrow.parameters(), stock.parameters(), strict=True):
            theirs.zero_()
            theirs[tuple(slice(size) for size in ours.shape)] = ours
    for module in stock.modules():
        if isinstance(module, torch.nn.LayerNorm):
            module.register_forward_hook(norm_some)
    for ours, theirs in zip(tiny.numbers(narrow(tiny.IDS)), tiny.numbers(stock.eval()(tiny.IDS)), strict=True):
        torch.testing.assert_close(ours, theirs[tuple(slice(size) for size in ours.shape)])


def norm_some(module: torch.nn.LayerNorm, inputs: tuple[torch.Tensor], output: torch.Tensor) -> torch.Tensor:
    some, weight, bias = inputs[0][..., : tiny.NARROW], module.weight[: tiny.NARROW], module.bias[: tiny.NARROW]
    normed = torch.nn.functional.layer_norm(some, (tiny.NARROW,), weight, bias, module.eps)
    return torch.nn.functional.pad(normed, (0, tiny.WIDTH - tiny.NARROW))


@pytest.mark.parametrize("name", ["CutBertForMaskedLM", "CutRobertaForMaskedLM", "CutDistilBertForMaskedLM"])
def test_what_predicts_words_keeps_its_width(name: str) -> None:
    with pytest.raises(ValueError, match=r"cut_width is 20, but a Cut.*MaskedLM cannot have another width than its words"):
        tiny.build(name, None, width=tiny.NARROW)


@pytest.mark.parametrize("width", [0, 33])
def test_a_width_that_cannot_be_is_refused(width: Any) -> None:
    with pytest.raises(ValueError, match=r"cut_width is .*, but must be a whole number from 1 to 32"):
        tiny.build("CutBertModel", None, width=width)
    with pytest.raises(ValueError, match="models of type 'gpt2' have no width that can be cut"):
        cut.cut_config(tiny.whole("gpt2"), None, width=4)


def parameters(kind: str, heads: int, kv_heads: int, units: int) -> int:
    """The closed form; norms of a Llama have no bias, nor have its projections."""
    width, inner, shared = tiny.WIDTH, heads * tiny.SIZE, kv_heads * tiny.SIZE
    if kind in ("llama", "mistral"):
        attention, ffn = 2 * width * inner + 2 * width * shared + width, 3 * width * units + width
    else:
        attention, ffn = 4 * width * inner + 3 * inner + 3 * width, 2 * width * units + units + 3 * width
    return attention * (heads > 0) + ffn * (units > 0)


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("kind", WRITERS)
def test_a_cache_changes_no_word(kind: str, pattern: str) -> None:
    # Tied tables would say the last word again and again.
    layers = [tiny.layer(kind, *pair) for pair in PATTERNS[pattern]]
    model: Any = tiny.build(WRITERS[kind], layers, tie_word_embeddings=False)
    ids, seen = tiny.IDS.clone(), torch.ones_like(tiny.IDS)
    ids[0, :2], seen[0, :2] = 0, 0
    for beams in (1, 2):
        ways = [{}, {"use_cache": True}, {"use_cache": False}]
        written = [
            model.generate(ids, attention_mask=seen, max_new_tokens=8, num_beams=beams, do_sample=False, **way) for way in ways
        ]
        assert written[0].shape == (2, 15)
        assert all(torch.equal(written[-1], other) for other in written)
    assert len(written[0][:, 7:].unique()) > 2
    cache = model(tiny.IDS).past_key_values
    left = sum(heads > 0 for heads, _ in PATTERNS[pattern])
    assert model.config.use_cache is bool(left)
    assert [place.is_initialized for place in cache.layers] == [place < left for place in range(3)] if left else cache is None


def test_a_cache_that_is_handed_over_goes_on() -> None:
    model: Any = tiny.build("CutGPT2LMHeadModel", [tiny.layer("gpt2", *pair) for pair in PATTERNS["first gone"]])
    expected, cache = model(tiny.IDS).logits, DynamicCache(config=model.config)
    parts = [model(part, past_key_values=cache).logits for part in tiny.IDS.split([4, 1, 2], dim=1)]
    torch.testing.assert_close(torch.cat(parts, dim=1), expected)


@pytest.mark.parametrize("kind", ["llama", "mistral"])
@pytest.mark.parametrize(("heads", "kv_heads"), [(4, 2), (2, 2), (2, 1), (3, 1), (1, 1)])
def test_heads_may_share_keys_and_values(kind: str, heads: int, kv_heads: int) -> None:
    layers = [{"heads": heads, "kv_heads": kv_heads, "units": 3}] * tiny.LAYERS
    outputs = []
    for attention in ("eager", "sdpa"):
        model: Any = tiny.build(WRITERS[kind], layers, attn_implementation=attention)
        assert model.config._attn_implementation == attention
        own = model.model.layers[1].self_attn
        shapes = [tuple(part.weight.shape) for part in (own.q_proj, own.k_proj, own.v_proj, own.o_proj)]
        assert shapes == [(heads * 8, 32), (kv_heads * 8, 32), (kv_heads * 8, 32), (32, heads * 8)]
        assert own.num_key_value_groups == heads // kv_heads
        outputs.append(model(tiny.IDS).logits)
    torch.testing.assert_close(*outputs)


def test_heads_of_another_size_and_biases_are_kept() -> None:
    layers = [{"heads": 3, "kv_heads": 1, "units": 3}] * tiny.LAYERS
    model: Any = tiny.build("CutLlamaForCausalLM", layers, head_dim=6, attention_bias=True, mlp_bias=True)
    own, ffn = model.model.layers[0].self_attn, model.model.layers[0].mlp
    assert [part.bias.shape[0] for part in (own.q_proj, own.k_proj, own.o_proj)] == [18, 6, 32]
    assert [part.bias.shape[0] for part in (ffn.gate_proj, ffn.down_proj)] == [3, 32]
    assert torch.isfinite(model(tiny.IDS).logits).all()


@pytest.mark.parametrize("name", tiny.CLASSES)
def test_every_class_learns(name: str) -> None:
    """Every parameter of a model whose layers lost one part or the other gets a gradient."""
    model: Any = tiny.build(name, tiny.ragged(tiny.family(tiny.CLASSES[name]))).train()
    sum(output.square().sum() for output in tiny.numbers(model(tiny.IDS))).backward()
    silent = {name for name, parameter in model.named_parameters() if parameter.grad is None}
    assert not {name for name in silent if "layer" in name or ".h." in name}


@pytest.mark.parametrize("name", [*BACKBONES.values()])
def test_fresh_weights_are_drawn_as_the_family_draws_them(name: str) -> None:
    found = tiny.CLASSES[name]
    model = found(cut.cut_config(tiny.whole(tiny.family(found)), [tiny.layer(tiny.family(found), 2, 40)] * tiny.LAYERS))
    for part in dissect(model).layers:
        for module in (*part.attention_in, *part.ffn_in):
            assert 0.01 < float(module.weight.detach().std()) < 0.03


@pytest.mark.parametrize("kind", BACKBONES)
def test_configs_come_back(kind: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("config")

    @given(st.none() | layers_of(kind))
    def holds(layers: list[dict[str, int]] | None) -> None:
        config = cut.cut_config(tiny.whole(kind), layers)
        assert config.cut_layers == layers
        config.save_pretrained(folder)
        for again in (type(config).from_pretrained(folder), type(config).from_dict(config.to_dict()), copy.deepcopy(config)):
            assert type(again) is type(config)
            assert again.to_dict() | {"_name_or_path": ""} == config.to_dict() | {"_name_or_path": ""}

    holds()


def test_a_cut_config_says_all_that_the_stock_config_said() -> None:
    labels = {0: "bad", 1: "so so", 2: "good"}
    said = {
        "id2label": labels,
        "label2id": {name: number for number, name in labels.items()},
        "problem_type": "single_label_classification",
        "layer_norm_eps": 1e-5,
        "classifier_dropout": 0.25,
        "dtype": "bfloat16",
        "finetuning_task": "reviews",
        "attn_implementation": "eager",
    }
    stock = tiny.whole("bert", **said)
    config = cut.cut_config(stock, tiny.ragged("bert"))
    differing = {"model_type", "cut_layers", "architectures"}
    for name, value in stock.to_dict().items():
        assert name in differing or config.to_dict()[name] == value, name
    assert (config.num_labels, config._attn_implementation, config.dtype) == (3, "eager", torch.bfloat16)
    again = cut.cut_config(config, None)
    assert again.cut_layers is None
    assert again.id2label == labels


WRONG: list[tuple[str, Any, str]] = [
    ("bert", [tiny.layer("bert", 4, 48)] * 2, "a list of 3 layers"),
    ("bert", [tiny.layer("bert", 5, 48)] * 3, "heads must be a whole number from 0 to 4"),
    ("bert", [tiny.layer("bert", 4, 49)] * 3, "units must be a whole number from 0 to 48"),
    ("gpt2", [tiny.layer("gpt2", -1, 48)] * 3, "heads must be a whole number from 0 to 4"),
    ("bert", [tiny.layer("bert", 1, 48) | {"heads": True}] * 3, "whole number"),
    ("bert", [tiny.layer("bert", 1, 48) | {"width": 3}] * 3, "must name heads, kv_heads, units and nothing else"),
    ("bert", [{"heads": 1, "units": 3}] * 3, "must name heads, kv_heads, units"),
    ("distilbert", [tiny.layer("distilbert", 4, 48, kv_heads=2)] * 3, "kv_heads must equal heads"),
    ("llama", [tiny.layer("llama", 4, 48, kv_heads=3)] * 3, "kv_heads must divide heads"),
    ("llama", [tiny.layer("llama", 0, 48, kv_heads=1)] * 3, "kv_heads must divide heads"),
    ("mistral", [tiny.layer("mistral", 4, 48, kv_heads=4)] * 3, "kv_heads must be a whole number from 0 to 2"),
]


@pytest.mark.parametrize(("kind", "layers", "sentence"), WRONG)
def test_layers_that_cannot_be_are_refused(kind: str, layers: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence) as caught:
        cut.cut_config(tiny.whole(kind), layers)
    assert "\n" not in str(caught.value)


def test_models_that_attend_to_others_and_unknown_ones_are_refused() -> None:
    with pytest.raises(ValueError, match="add_cross_attention"):
        cut.cut_config(tiny.whole("gpt2", add_cross_attention=True), tiny.ragged("gpt2"))
    with pytest.raises(ValueError, match="'t5' cannot be cut"):
        cut.cut_config(T5Config(), None)
    with pytest.raises(ValueError, match="class T5Model cannot be cut"):
        cut.cut_class(T5Model)
    with pytest.raises(ValueError, match="BertModel is not a class of cut models"):
        cut.auto_map(AutoModel.from_config(tiny.whole("bert")))


@pytest.mark.parametrize("name", tiny.CLASSES)
def test_classes_and_configs_find_each_other(name: str) -> None:
    cut.register()
    cut.register()
    found = tiny.CLASSES[name]
    assert getattr(cut, name) is found
    assert cut.cut_class(tiny.STOCK[name]) is found is cut.cut_class(found)
    config = cut.cut_config(tiny.whole(tiny.family(found)), tiny.ragged(tiny.family(found)))
    autos = [auto for auto, classes in cut.TASKS.items() if found in classes]
    with torch.device("meta"):
        assert type(autos[0].from_config(config)) is found


def test_a_folder_is_told_who_opens_it() -> None:
    with torch.device("meta"):
        model = cut.CutBertForSequenceClassification(cut.CutBertConfig())
    assert cut.auto_map(model) == {
        "AutoConfig": "modeling_laconic.CutBertConfig",
        "AutoModel": "modeling_laconic.CutBertModel",
        AutoModelForSequenceClassification.__name__: "modeling_laconic.CutBertForSequenceClassification",
    }
