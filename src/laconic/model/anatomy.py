"""Where a Hugging Face model keeps its layers, heads, feed-forward units, width, embeddings and last FFN input.

One `Layout` per family of architectures, as data; `dissect` reads a model through it. What later works on "the heads" or
"the feed-forward units" of a model asks here, and never for the name of a model class.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn
from transformers import PreTrainedModel

from laconic.errors import UsageError

Fusion = Literal["none", "thirds", "per_head"]


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The names of the parts of one family; dotted, relative to the backbone or to a layer.

    Attributes:
        layers: the list of transformer blocks, in the backbone.
        embeddings: tables of tokens, positions and segments, in the backbone.
        outer_norms: norms outside the layers, in the backbone; those absent are passed over.
        attention_in: projections that make queries, keys and values: three names in that order, or one fused.
        attention_out: the projection back to the width.
        ffn_in: projections from the width to the units, the gate first where there is one.
        ffn_out: the projection from the units back to the width.
        norms: all norms of a layer.
        ffn_norm: the norm whose output the feed-forward part reads.
        fusion: how one fused projection orders its outputs: queries, keys, values in `thirds`, or `per_head`.
        transposed: whether weights are stored (in, out), as GPT-2 does, instead of (out, in).
        post_norm: whether each sub-layer's norm reads the sum of what the sub-layer says and what it read, as in BERT; `norms`
            are then that of attention and that of the feed-forward part, in this order. Otherwise norms come first.
        counts_heads: whether attention finds how many heads there are from what its projections give, so that some of their
            outputs can be left out; otherwise it insists on the config's number.
        fields: names in the config of width, heads, key/value heads ("" where they equal the heads) and FFN units.
    """

    layers: str
    embeddings: tuple[str, ...]
    outer_norms: tuple[str, ...]
    attention_in: tuple[str, ...]
    attention_out: str
    ffn_in: tuple[str, ...]
    ffn_out: str
    norms: tuple[str, ...]
    ffn_norm: str
    fusion: Fusion = "none"
    transposed: bool = False
    post_norm: bool = False
    counts_heads: bool = False
    fields: tuple[str, str, str] = ("hidden_size", "num_attention_heads", "")


_LLAMA = Layout(
    layers="layers",
    embeddings=("embed_tokens",),
    outer_norms=("norm",),
    attention_in=("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    attention_out="self_attn.o_proj",
    ffn_in=("mlp.gate_proj", "mlp.up_proj"),
    ffn_out="mlp.down_proj",
    norms=("input_layernorm", "post_attention_layernorm"),
    ffn_norm="post_attention_layernorm",
    counts_heads=True,
    fields=("hidden_size", "num_attention_heads", "num_key_value_heads"),
)
_BERT = Layout(
    layers="encoder.layer",
    embeddings=("embeddings.word_embeddings", "embeddings.position_embeddings", "embeddings.token_type_embeddings"),
    outer_norms=("embeddings.LayerNorm",),
    attention_in=("attention.self.query", "attention.self.key", "attention.self.value"),
    attention_out="attention.output.dense",
    ffn_in=("intermediate.dense",),
    ffn_out="output.dense",
    norms=("attention.output.LayerNorm", "output.LayerNorm"),
    ffn_norm="attention.output.LayerNorm",
    post_norm=True,
    counts_heads=True,
)
LAYOUTS: dict[str, Layout] = {
    "llama": _LLAMA,
    "laconic_adaptive_llama": _LLAMA,
    "mistral": _LLAMA,
    "bert": _BERT,
    "roberta": _BERT,
    "distilbert": Layout(
        layers="transformer.layer",
        embeddings=("embeddings.word_embeddings", "embeddings.position_embeddings"),
        outer_norms=("embeddings.LayerNorm",),
        attention_in=("attention.q_lin", "attention.k_lin", "attention.v_lin"),
        attention_out="attention.out_lin",
        ffn_in=("ffn.lin1",),
        ffn_out="ffn.lin2",
        norms=("sa_layer_norm", "output_layer_norm"),
        ffn_norm="sa_layer_norm",
        post_norm=True,
        counts_heads=True,
        fields=("dim", "n_heads", ""),
    ),
    "gpt2": Layout(
        layers="h",
        embeddings=("wte", "wpe"),
        outer_norms=("ln_f",),
        attention_in=("attn.c_attn",),
        attention_out="attn.c_proj",
        ffn_in=("mlp.c_fc",),
        ffn_out="mlp.c_proj",
        norms=("ln_1", "ln_2"),
        ffn_norm="ln_2",
        fusion="thirds",
        transposed=True,
        fields=("n_embd", "n_head", ""),
    ),
    "gpt_neox": Layout(
        layers="layers",
        embeddings=("embed_in",),
        outer_norms=("final_layer_norm",),
        attention_in=("attention.query_key_value",),
        attention_out="attention.dense",
        ffn_in=("mlp.dense_h_to_4h",),
        ffn_out="mlp.dense_4h_to_h",
        norms=("input_layernorm", "post_attention_layernorm"),
        ffn_norm="post_attention_layernorm",
        fusion="per_head",
    ),
    "opt": Layout(
        layers="decoder.layers",
        embeddings=("decoder.embed_tokens", "decoder.embed_positions"),
        outer_norms=("decoder.final_layer_norm",),
        attention_in=("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
        attention_out="self_attn.out_proj",
        ffn_in=("fc1",),
        ffn_out="fc2",
        norms=("self_attn_layer_norm", "final_layer_norm"),
        ffn_norm="final_layer_norm",
    ),
}
LAYOUTS |= {f"laconic_{kind}": LAYOUTS[kind] for kind in ("bert", "roberta", "distilbert", "gpt2", "llama", "mistral")}
"""The families that laconic knows, by the `model_type` of their configs."""


@dataclass(frozen=True, kw_only=True)
class Slice:
    """Part of one parameter: the entries `index` along axis `axis`.

    Attributes:
        parameter: the parameter, whole.
        axis: the axis that is cut.
        index: which entries along it, as an int64 tensor.
    """

    parameter: nn.Parameter
    axis: int
    index: torch.Tensor


@dataclass(frozen=True, kw_only=True)
class Layer:
    """The parts of one transformer block.

    Where a cut model (`laconic.model.cut`) has lost a sub-layer, there are no projections in and no norm, and the projection
    out is an `nn.Identity` that nothing runs through.

    Attributes:
        module: the block itself.
        attention_in: the projections to queries, keys and values: three, or one fused.
        attention_out: the projection from the heads back to the width.
        ffn_in: the projections to the feed-forward units, the gate first where there is one.
        ffn_out: the projection from the units back to the width.
        norms: all norms of the block.
        ffn_norm: the norm whose output the feed-forward part reads. That output of the last layer is the key that
            nearest-neighbour memories store (Khandelwal et al. 2020, section 2). An `nn.Identity` where it was cut away.
    """

    module: nn.Module
    attention_in: tuple[nn.Module, ...]
    attention_out: nn.Module
    ffn_in: tuple[nn.Module, ...]
    ffn_out: nn.Module
    norms: tuple[nn.Module, ...]
    ffn_norm: nn.Module


@dataclass(frozen=True, kw_only=True)
class Anatomy:
    """A model taken apart: its modules by what they do. The modules are the model's own, not copies.

    Attributes:
        layout: the names behind all this.
        width: D, the size of the residual stream.
        heads: H, query heads of each layer that was not cut (`heads_of` counts those that a layer has).
        kv_heads: key/value heads of such a layer; fewer than the heads where groups share them.
        head_size: numbers in each head.
        layers: the blocks, from input to output.
        embeddings: token, position and segment tables.
        outer_norms: norms before the first or after the last layer.
        head: all other parts: the language-model or task head, the pooler. Empty for a bare backbone.
    """

    layout: Layout
    width: int
    heads: int
    kv_heads: int
    head_size: int
    layers: tuple[Layer, ...]
    embeddings: tuple[nn.Module, ...]
    outer_norms: tuple[nn.Module, ...]
    head: tuple[nn.Parameter, ...]

    def units(self) -> Iterator[tuple[str, list[nn.Parameter]]]:
        """Every parameter in exactly one named unit: `embeddings`, `norms`, `head`, `layer.0.attention`, `layer.0.ffn`, ..."""
        yield "embeddings", [parameter for module in self.embeddings for parameter in module.parameters()]
        yield "norms", [parameter for module in self.outer_norms for parameter in module.parameters()]
        for number, layer in enumerate(self.layers):
            yield f"layer.{number}.attention", _parameters((*layer.attention_in, layer.attention_out))
            yield f"layer.{number}.ffn", _parameters((*layer.ffn_in, layer.ffn_out))
            yield f"layer.{number}.norms", _parameters(layer.norms)
        yield "head", list(self.head)

    def head_slices(self, layer: int, head: int) -> list[Slice]:
        """What belongs to one attention head alone: its rows of the projections in, its columns of the one out.

        Where several heads share keys and values, those belong to no single head and are left out.

        Args:
            layer: 0 to L - 1.
            head: 0 to `heads_of(layer)` - 1.
        """
        parts, heads, size = self.layers[layer], self.heads_of(layer), self.head_size
        own = torch.arange(head * size, (head + 1) * size)
        if self.layout.fusion == "thirds":
            rows = [torch.cat([own + third * heads * size for third in range(3)])]
        elif self.layout.fusion == "per_head":
            rows = [torch.arange(head * 3 * size, (head + 1) * 3 * size)]
        else:
            rows = [own] * (3 if self.kv_heads_of(layer) == heads else 1)
        slices = [
            part for module, index in zip(parts.attention_in, rows, strict=False) for part in self._outputs(module, index)
        ]
        return [*slices, self._inputs(parts.attention_out, own)]

    def ffn_slices(self, layer: int, unit: int) -> list[Slice]:
        """What belongs to one feed-forward unit: its row of each projection in, its column of the one out."""
        parts, index = self.layers[layer], torch.tensor([unit])
        return [*(part for module in parts.ffn_in for part in self._outputs(module, index)), self._inputs(parts.ffn_out, index)]

    def ffn_units(self, layer: int) -> int:
        """How many feed-forward units a layer has; 0 where the part was cut away."""
        return self._rows(self.layers[layer].ffn_in, 0)

    def heads_of(self, layer: int) -> int:
        """How many query heads a layer has; 0 where attention was cut away."""
        return self._rows(self.layers[layer].attention_in, 0) // (self.head_size * (1 if self.layout.fusion == "none" else 3))

    def kv_heads_of(self, layer: int) -> int:
        """How many key/value heads a layer has; 0 where attention was cut away."""
        if self.layout.fusion != "none":
            return self.heads_of(layer)
        return self._rows(self.layers[layer].attention_in, 1) // self.head_size

    def _rows(self, projections: tuple[nn.Module, ...], place: int) -> int:
        return _out_features(projections[place], self.layout.transposed) if projections else 0

    def _outputs(self, module: nn.Module, index: torch.Tensor) -> Iterator[Slice]:
        yield Slice(parameter=_weight(module), axis=1 if self.layout.transposed else 0, index=index)
        bias = module.bias
        if isinstance(bias, nn.Parameter):
            yield Slice(parameter=bias, axis=0, index=index)

    def _inputs(self, module: nn.Module, index: torch.Tensor) -> Slice:
        return Slice(parameter=_weight(module), axis=0 if self.layout.transposed else 1, index=index)


def dissect(model: PreTrainedModel) -> Anatomy:
    """Take a model apart by the layout of its family.

    Args:
        model: a bare backbone, or one with a language-model or task head.

    Raises:
        UsageError: laconic does not know where this family keeps its parts.
    """
    kind = model.config.model_type
    if kind not in LAYOUTS:
        stock = [name for name in LAYOUTS if not name.startswith("laconic_")]
        raise UsageError(
            f"models of type {kind!r} are not known inside out: use one of {', '.join(stock)}, or say in Python where such a "
            f"model keeps its parts, with laconic.model.anatomy.LAYOUTS[{kind!r}] = Layout(...)"
        )
    layout, backbone = LAYOUTS[kind], model.base_model
    width, heads, kv_heads = (getattr(model.config, field) if field else 0 for field in layout.fields)
    head_size = getattr(model.config, "head_dim", None) or width // heads
    whole = getattr(model.config, "cut_layers", None) is None
    layers = tuple(_dissect_layer(block, layout, whole) for block in backbone.get_submodule(layout.layers).children())
    embeddings = tuple(backbone.get_submodule(name) for name in layout.embeddings)
    present = dict(backbone.named_modules())
    norms = tuple(present[name] for name in layout.outer_norms if name in present)
    blocks = tuple(layer.module for layer in layers)
    known = {id(parameter) for parameter in _parameters((*embeddings, *norms, *blocks))}
    head = tuple(parameter for parameter in model.parameters() if id(parameter) not in known)
    return Anatomy(
        layout=layout,
        width=getattr(model.config, "cut_width", None) or width,
        heads=heads,
        kv_heads=kv_heads or heads,
        head_size=head_size,
        layers=layers,
        embeddings=embeddings,
        outer_norms=norms,
        head=head,
    )


def _dissect_layer(block: nn.Module, layout: Layout, whole: bool) -> Layer:
    present: dict[str, nn.Module] = dict(block.named_modules())

    def all_of(names: tuple[str, ...]) -> tuple[nn.Module, ...]:
        parts = tuple(present[name] for name in names if whole or name in present)
        return tuple(part for part in parts if not isinstance(part, nn.Identity))

    def one(name: str) -> nn.Module:
        return present[name] if whole else present.get(name, nn.Identity())

    return Layer(
        module=block,
        attention_in=all_of(layout.attention_in),
        attention_out=one(layout.attention_out),
        ffn_in=all_of(layout.ffn_in),
        ffn_out=one(layout.ffn_out),
        norms=all_of(layout.norms),
        ffn_norm=one(layout.ffn_norm),
    )


def _parameters(modules: tuple[nn.Module, ...]) -> list[nn.Parameter]:
    return [parameter for module in modules for parameter in module.parameters()]


def _weight(module: nn.Module) -> nn.Parameter:
    weight = module.weight
    assert isinstance(weight, nn.Parameter)
    return weight


def _out_features(module: nn.Module, transposed: bool) -> int:
    return _weight(module).shape[1 if transposed else 0]
