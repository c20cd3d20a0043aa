"""Models that were cut: each layer has its own number of heads and feed-forward units, or none.

This file stands alone. It is copied into the folders of cut models as `modeling_laconic.py`, so that `trust_remote_code=True`
opens them where laconic is not installed. It uses torch and transformers only.

A cut model is a stock model whose config has one more field, `cut_layers`, by which its layers are made smaller once they
are built. Encoders have another, `cut_width`: how many entries are left of the residual stream, while the config's own width
goes on to say how large heads, poolers and classifiers are. Where attention or feed-forward part has nothing left, it is the
identity: nothing is added to the hidden states, and the norm that belongs to it is gone too (Xia, Zhong and Chen 2022,
arXiv 2204.00408, whose models drop whole sub-layers so).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast, final

from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    BertConfig,
    BertForMaskedLM,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    BertForTokenClassification,
    BertModel,
    DistilBertConfig,
    DistilBertForMaskedLM,
    DistilBertForQuestionAnswering,
    DistilBertForSequenceClassification,
    DistilBertForTokenClassification,
    DistilBertModel,
    GPT2Config,
    GPT2ForSequenceClassification,
    GPT2LMHeadModel,
    GPT2Model,
    LlamaConfig,
    LlamaForCausalLM,
    LlamaForSequenceClassification,
    LlamaModel,
    LlamaPreTrainedModel,
    MistralConfig,
    MistralForCausalLM,
    MistralForSequenceClassification,
    MistralModel,
    MistralPreTrainedModel,
    PreTrainedConfig,
    PreTrainedModel,
    RobertaConfig,
    RobertaForMaskedLM,
    RobertaForQuestionAnswering,
    RobertaForSequenceClassification,
    RobertaForTokenClassification,
    RobertaModel,
)
from transformers.pytorch_utils import Conv1D

Cut = Mapping[str, int]
"""What is left of a layer: `heads`, `kv_heads` and `units`; no heads or no units: the whole sub-layer is gone."""

UNIT_FIELDS = ("intermediate_size", "hidden_dim", "n_inner")
"""What configs call the number of feed-forward units; where there is none, it is four times the width."""

Model = TypeVar("Model", bound=PreTrainedModel)


def whole_layer(config: PreTrainedConfig) -> dict[str, int]:
    """The entry of `cut_layers` for a layer from which nothing is cut.

    Args:
        config: of a stock model or a cut one.
    """
    heads = config.num_attention_heads
    widths = (getattr(config, name, None) for name in UNIT_FIELDS)
    units = next((width for width in widths if width is not None), 4 * config.hidden_size)
    return {"heads": heads, "kv_heads": getattr(config, "num_key_value_heads", heads), "units": units}


def _check(config: Any) -> None:
    """Refuse layers that cannot be; and let no cache be asked for where no attention is left to fill it."""
    config.validate()
    width = getattr(config, "cut_width", None)
    if width is not None and (type(width) is not int or not 1 <= width <= config.hidden_size):
        raise ValueError(f"cut_width is {width!r}, but must be a whole number from 1 to {config.hidden_size}")
    if config.cut_layers is None:
        return
    if getattr(config, "add_cross_attention", False):
        raise ValueError("add_cross_attention is true, but models that attend to another model cannot be cut")
    if not isinstance(config.cut_layers, list) or len(config.cut_layers) != config.num_hidden_layers:
        raise ValueError(f"cut_layers is {config.cut_layers!r}, but must be a list of {config.num_hidden_layers} layers")
    whole = whole_layer(config)
    shared = "num_key_value_heads" in type(config).__dataclass_fields__
    for number, layer in enumerate(config.cut_layers):
        name = f"cut_layers[{number}] is {layer!r}"
        if not isinstance(layer, dict) or layer.keys() != whole.keys():
            raise ValueError(f"{name}, but must name {', '.join(whole)} and nothing else")
        for part, most in whole.items():
            if type(layer[part]) is not int or not 0 <= layer[part] <= most:
                raise ValueError(f"{name}, but {part} must be a whole number from 0 to {most}")
        heads, kv_heads = layer["heads"], layer["kv_heads"]
        if (heads == 0) != (kv_heads == 0) or (kv_heads and heads % kv_heads):
            raise ValueError(f"{name}, but kv_heads must divide heads, and be 0 only where heads is")
        if not shared and heads != kv_heads:
            raise ValueError(f"{name}, but kv_heads must equal heads in this family, where no heads share keys and values")
    if getattr(config, "use_cache", False) and not any(layer["heads"] for layer in config.cut_layers):
        config.use_cache = False


# A config takes fields that its signature does not name: `__no_type_check__` keeps checkers of calls from minding.
class CutBertConfig(BertConfig):  # type: ignore[no-untyped-call]
    """A BERT's config, and what is left of each layer and of the width; `None` where nothing is cut."""

    model_type = "laconic_bert"
    __no_type_check__ = True
    cut_layers: list[dict[str, int]] | None = None
    cut_width: int | None = None

    def __post_init__(self, **more: Any) -> None:
        super().__post_init__(**more)  # type: ignore[no-untyped-call]
        _check(self)


class CutRobertaConfig(RobertaConfig):  # type: ignore[no-untyped-call]
    """A RoBERTa's config, and what is left of each layer and of the width; `None` where nothing is cut."""

    model_type = "laconic_roberta"
    __no_type_check__ = True
    cut_layers: list[dict[str, int]] | None = None
    cut_width: int | None = None

    def __post_init__(self, **more: Any) -> None:
        super().__post_init__(**more)  # type: ignore[no-untyped-call]
        _check(self)


class CutDistilBertConfig(DistilBertConfig):  # type: ignore[no-untyped-call]
    """A DistilBERT's config, and what is left of each layer and of the width; `None` where nothing is cut."""

    model_type = "laconic_distilbert"
    __no_type_check__ = True
    cut_layers: list[dict[str, int]] | None = None
    cut_width: int | None = None

    def __post_init__(self, **more: Any) -> None:
        super().__post_init__(**more)  # type: ignore[no-untyped-call]
        _check(self)


class CutGPT2Config(GPT2Config):  # type: ignore[no-untyped-call]
    """A GPT-2's config, and what is left of each layer; `None` where nothing is cut."""

    model_type = "laconic_gpt2"
    __no_type_check__ = True
    cut_layers: list[dict[str, int]] | None = None

    def __post_init__(self, **more: Any) -> None:
        super().__post_init__(**more)  # type: ignore[no-untyped-call]
        _check(self)


class CutLlamaConfig(LlamaConfig):  # type: ignore[no-untyped-call]
    """A Llama's config, and what is left of each layer; `None` where nothing is cut."""

    model_type = "laconic_llama"
    __no_type_check__ = True
    cut_layers: list[dict[str, int]] | None = None

    def __post_init__(self, **more: Any) -> None:
        super().__post_init__(**more)  # type: ignore[no-untyped-call]
        _check(self)


class CutMistralConfig(MistralConfig):  # type: ignore[no-untyped-call]
    """A Mistral's config, and what is left of each layer; `None` where nothing is cut."""

    model_type = "laconic_mistral"
    __no_type_check__ = True
    cut_layers: list[dict[str, int]] | None = None

    def __post_init__(self, **more: Any) -> None:
        super().__post_init__(**more)  # type: ignore[no-untyped-call]
        _check(self)


@final
class PassedAttention(nn.Module):
    """In the place of attention with its residual and norm: what comes in goes out."""

    def forward(self, hidden_states: Tensor, *rest: Any, **more: Any) -> tuple[Tensor, None]:
        """The input, and no attention weights."""
        return hidden_states, None


@final
class PassedOutput(nn.Module):
    """In the place of the second half of a feed-forward part with its residual and norm."""

    def forward(self, hidden_states: Tensor, input_tensor: Tensor) -> Tensor:
        """What the feed-forward part was given."""
        return input_tensor


@final
class NoAttention(nn.Module):
    """In the place of attention whose residual is added outside: adds nothing."""

    def forward(self, hidden_states: Tensor, *rest: Any, **more: Any) -> tuple[Tensor, None]:
        """Zero, and no attention weights."""
        return hidden_states.new_zeros(()), None


@final
class NoFeedForward(nn.Module):
    """In the place of a feed-forward part whose residual is added outside: adds nothing."""

    def forward(self, hidden_states: Tensor) -> Tensor:
        """Zero."""
        return hidden_states.new_zeros(())


def _resize(parent: Any, names: Sequence[str], *, inputs: int = 0, outputs: int = 0) -> None:
    """Put projections of other sizes in the place of those named; 0 leaves a size as it is."""
    for name in names:
        old = getattr(parent, name)
        if isinstance(old, Conv1D):
            before, after = (old.nx, old.nf), (inputs or old.nx, outputs or old.nf)
            new: nn.Module = Conv1D(after[1], after[0])  # type: ignore[no-untyped-call]
        else:
            before = (old.in_features, old.out_features)
            after = (inputs or before[0], outputs or before[1])
            new = nn.Linear(*after, bias=old.bias is not None)
        if before != after:
            setattr(parent, name, new)


def _shape_bert(block: Any, cut: Cut, size: int, place: int) -> None:
    if cut["heads"]:
        own, width = block.attention.self, cut["heads"] * size
        _resize(own, ("query", "key", "value"), outputs=width)
        _resize(block.attention.output, ("dense",), inputs=width)
        own.num_attention_heads, own.all_head_size, own.layer_idx = cut["heads"], width, place
    else:
        block.attention = PassedAttention()
    if cut["units"]:
        _resize(block.intermediate, ("dense",), outputs=cut["units"])
        _resize(block.output, ("dense",), inputs=cut["units"])
    else:
        block.intermediate, block.output = nn.Identity(), PassedOutput()


def _shape_distilbert(block: Any, cut: Cut, size: int, place: int) -> None:
    if cut["heads"]:
        _resize(block.attention, ("q_lin", "k_lin", "v_lin"), outputs=cut["heads"] * size)
        _resize(block.attention, ("out_lin",), inputs=cut["heads"] * size)
        block.attention.n_heads = cut["heads"]
    else:
        block.attention, block.sa_layer_norm = NoAttention(), nn.Identity()
    if cut["units"]:
        _resize(block.ffn, ("lin1",), outputs=cut["units"])
        _resize(block.ffn, ("lin2",), inputs=cut["units"])
    else:
        block.ffn, block.output_layer_norm = NoFeedForward(), nn.Identity()


def _shape_gpt2(block: Any, cut: Cut, size: int, place: int) -> None:
    if cut["heads"]:
        own, width = block.attn, cut["heads"] * size
        _resize(own, ("c_attn",), outputs=3 * width)
        _resize(own, ("c_proj",), inputs=width)
        own.num_heads, own.split_size, own.layer_idx = cut["heads"], width, place
    else:
        block.attn, block.ln_1 = NoAttention(), nn.Identity()
    if cut["units"]:
        _resize(block.mlp, ("c_fc",), outputs=cut["units"])
        _resize(block.mlp, ("c_proj",), inputs=cut["units"])
    else:
        block.mlp, block.ln_2 = NoFeedForward(), nn.Identity()


def _shape_llama(block: Any, cut: Cut, size: int, place: int) -> None:
    if cut["heads"]:
        own = block.self_attn
        _resize(own, ("q_proj",), outputs=cut["heads"] * size)
        _resize(own, ("k_proj", "v_proj"), outputs=cut["kv_heads"] * size)
        _resize(own, ("o_proj",), inputs=cut["heads"] * size)
        own.num_key_value_groups, own.layer_idx = cut["heads"] // cut["kv_heads"], place
    else:
        block.self_attn, block.input_layernorm = NoAttention(), nn.Identity()
    if cut["units"]:
        _resize(block.mlp, ("gate_proj", "up_proj"), outputs=cut["units"])
        _resize(block.mlp, ("down_proj",), inputs=cut["units"])
        block.mlp.intermediate_size = cut["units"]
    else:
        block.mlp, block.post_attention_layernorm = NoFeedForward(), nn.Identity()


_SHAPES: dict[str, tuple[str, Callable[[Any, Cut, int, int], None]]] = {
    "laconic_bert": ("encoder.layer", _shape_bert),
    "laconic_roberta": ("encoder.layer", _shape_bert),
    "laconic_distilbert": ("transformer.layer", _shape_distilbert),
    "laconic_gpt2": ("h", _shape_gpt2),
    "laconic_llama": ("layers", _shape_llama),
    "laconic_mistral": ("layers", _shape_llama),
}


def _shape(model: PreTrainedModel) -> None:
    """Give the layers of a whole model the shapes that its config asks for."""
    config: Any = model.config
    width = getattr(config, "cut_width", None)
    if config.cut_layers is None and width is None:
        return
    if config.cut_layers is not None:
        _shape_layers(model)
    if width is not None:
        _shape_width(model, width)
    model.init_weights()  # type: ignore[no-untyped-call]


def _shape_layers(model: PreTrainedModel) -> None:
    config: Any = model.config
    where, shape = _SHAPES[config.model_type]
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    # A cache takes its length from its first place, so the attentions that are left must fill the first places.
    place = 0
    for block, cut in zip(model.base_model.get_submodule(where).children(), config.cut_layers, strict=True):
        shape(block, cut, size, place)
        place += bool(cut["heads"])


def _shape_width(model: PreTrainedModel, width: int) -> None:
    """Make everything narrower that says or reads the residual stream, all norms and tables among them."""
    stock = next((stock for stock, found in CUT.items() if found is type(model)), None)
    if stock not in _READERS:
        raise ValueError(f"cut_width is {width}, but a {type(model).__name__} cannot have another width than its words")
    said, read = _STREAM[model.config.model_type]
    for name, part in list(model.named_modules()):
        parent, last = model.get_submodule(name.rpartition(".")[0]), name.rpartition(".")[2]
        if isinstance(part, nn.Embedding):
            setattr(parent, last, nn.Embedding(part.num_embeddings, width, padding_idx=part.padding_idx))
        elif isinstance(part, nn.LayerNorm):
            setattr(parent, last, nn.LayerNorm(width, eps=part.eps))
        elif isinstance(part, nn.Linear) and f".{name}".endswith(said):
            _resize(parent, (last,), outputs=width)
        elif isinstance(part, nn.Linear) and (f".{name}".endswith(read) or name in _READERS[stock]):
            _resize(parent, (last,), inputs=width)


_STREAM: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    **dict.fromkeys(
        ("laconic_bert", "laconic_roberta"), ((".output.dense",), (".query", ".key", ".value", ".intermediate.dense"))
    ),
    "laconic_distilbert": ((".out_lin", ".lin2"), (".q_lin", ".k_lin", ".v_lin", ".lin1")),
}
"""Which projections of encoders say, and which read, the residual stream."""

_READERS: dict[Any, tuple[str, ...]] = {
    BertModel: ("pooler.dense",),
    BertForSequenceClassification: ("bert.pooler.dense",),
    BertForQuestionAnswering: ("qa_outputs",),
    BertForTokenClassification: ("classifier",),
    RobertaModel: ("pooler.dense",),
    RobertaForSequenceClassification: ("classifier.dense",),
    RobertaForQuestionAnswering: ("qa_outputs",),
    RobertaForTokenClassification: ("classifier",),
    DistilBertModel: (),
    DistilBertForSequenceClassification: ("pre_classifier",),
    DistilBertForQuestionAnswering: ("qa_outputs",),
    DistilBertForTokenClassification: ("classifier",),
}
"""What of a model reads the residual stream behind the last layer. Whoever predicts words says it too, and keeps its width."""


def _cut(stock: type[Model], config_class: type[PreTrainedConfig]) -> type[Model]:
    """The class of cut models that is to `stock` what `config_class` is to the stock config."""

    def build(self: Model, config: PreTrainedConfig, *rest: Any, **more: Any) -> None:
        cast(Any, stock).__init__(self, config, *rest, **more)
        _shape(self)

    body = {"__init__": build, "config_class": config_class, "__module__": __name__, "__doc__": f"`{stock.__name__}`, cut."}
    return cast(type[Model], type(f"Cut{stock.__name__}", (stock,), body))


CutBertModel = _cut(BertModel, CutBertConfig)
CutBertForSequenceClassification = _cut(BertForSequenceClassification, CutBertConfig)
CutBertForQuestionAnswering = _cut(BertForQuestionAnswering, CutBertConfig)
CutBertForTokenClassification = _cut(BertForTokenClassification, CutBertConfig)
CutBertForMaskedLM = _cut(BertForMaskedLM, CutBertConfig)

CutRobertaModel = _cut(RobertaModel, CutRobertaConfig)
CutRobertaForSequenceClassification = _cut(RobertaForSequenceClassification, CutRobertaConfig)
CutRobertaForQuestionAnswering = _cut(RobertaForQuestionAnswering, CutRobertaConfig)
CutRobertaForTokenClassification = _cut(RobertaForTokenClassification, CutRobertaConfig)
CutRobertaForMaskedLM = _cut(RobertaForMaskedLM, CutRobertaConfig)

CutDistilBertModel = _cut(DistilBertModel, CutDistilBertConfig)
CutDistilBertForSequenceClassification = _cut(DistilBertForSequenceClassification, CutDistilBertConfig)
CutDistilBertForQuestionAnswering = _cut(DistilBertForQuestionAnswering, CutDistilBertConfig)
CutDistilBertForTokenClassification = _cut(DistilBertForTokenClassification, CutDistilBertConfig)
CutDistilBertForMaskedLM = _cut(DistilBertForMaskedLM, CutDistilBertConfig)

CutGPT2Model = _cut(GPT2Model, CutGPT2Config)
CutGPT2LMHeadModel = _cut(GPT2LMHeadModel, CutGPT2Config)
CutGPT2ForSequenceClassification = _cut(GPT2ForSequenceClassification, CutGPT2Config)

CutLlamaModel = _cut(LlamaModel, CutLlamaConfig)
CutLlamaForCausalLM = _cut(LlamaForCausalLM, CutLlamaConfig)

CutMistralModel = _cut(MistralModel, CutMistralConfig)
CutMistralForCausalLM = _cut(MistralForCausalLM, CutMistralConfig)


# The stock classifiers of these two families ask AutoModel for their backbone, which knows ours only once it was told of it.
class CutLlamaForSequenceClassification(LlamaForSequenceClassification):  # type: ignore[no-untyped-call]
    """`LlamaForSequenceClassification`, cut."""

    config_class = CutLlamaConfig

    def __init__(self, config: CutLlamaConfig) -> None:
        LlamaPreTrainedModel.__init__(self, config)
        self.num_labels = config.num_labels
        self.model = CutLlamaModel(config)
        self.score = nn.Linear(config.hidden_size, cast(int, config.num_labels), bias=False)
        self.post_init()  # type: ignore[no-untyped-call]


class CutMistralForSequenceClassification(MistralForSequenceClassification):  # type: ignore[no-untyped-call]
    """`MistralForSequenceClassification`, cut."""

    config_class = CutMistralConfig

    def __init__(self, config: CutMistralConfig) -> None:
        MistralPreTrainedModel.__init__(self, config)
        self.num_labels = config.num_labels
        self.model = CutMistralModel(config)
        self.score = nn.Linear(config.hidden_size, cast(int, config.num_labels), bias=False)
        self.post_init()  # type: ignore[no-untyped-call]


TASKS: dict[Any, tuple[type[PreTrainedModel], ...]] = {
    AutoModel: (CutBertModel, CutRobertaModel, CutDistilBertModel, CutGPT2Model, CutLlamaModel, CutMistralModel),
    AutoModelForSequenceClassification: (
        CutBertForSequenceClassification,
        CutRobertaForSequenceClassification,
        CutDistilBertForSequenceClassification,
        CutGPT2ForSequenceClassification,
        CutLlamaForSequenceClassification,
        CutMistralForSequenceClassification,
    ),
    AutoModelForQuestionAnswering: (
        CutBertForQuestionAnswering,
        CutRobertaForQuestionAnswering,
        CutDistilBertForQuestionAnswering,
    ),
    AutoModelForTokenClassification: (
        CutBertForTokenClassification,
        CutRobertaForTokenClassification,
        CutDistilBertForTokenClassification,
    ),
    AutoModelForMaskedLM: (CutBertForMaskedLM, CutRobertaForMaskedLM, CutDistilBertForMaskedLM),
    AutoModelForCausalLM: (CutGPT2LMHeadModel, CutLlamaForCausalLM, CutMistralForCausalLM),
}
"""The classes of cut models by the auto class that opens them."""

CUT: dict[type, type[PreTrainedModel]] = {cast(type, cut.__base__): cut for classes in TASKS.values() for cut in classes}
"""The class of cut models for each stock class."""


def cut_class(model_class: type[PreTrainedModel]) -> type[PreTrainedModel]:
    """The class of cut models for a stock class; a class of cut models is its own.

    Raises:
        ValueError: models of this class cannot be cut.
    """
    if model_class in CUT.values():
        return model_class
    if model_class not in CUT:
        raise ValueError(f"models of class {model_class.__name__} cannot be cut: use one of {', '.join(_names(CUT))}")
    return CUT[model_class]


def cut_config(config: PreTrainedConfig, layers: Sequence[Cut] | None, *, width: int | None = None) -> PreTrainedConfig:
    """A cut model's config with everything that another config says, the names of classes excepted.

    Args:
        config: of a stock model, or of one already cut.
        layers: what is left of each layer; `None` for nothing cut.
        width: entries that are left of an encoder's residual stream; `None` for all.

    Raises:
        ValueError: models of this type cannot be cut, or not so.
    """
    classes = [cast(type[PreTrainedConfig], cut.config_class) for cut in TASKS[AutoModel]]
    found = next((cut for cut in classes if config.model_type in (cut.model_type, cast(Any, cut.__base__).model_type)), None)
    if found is None:
        raise ValueError(f"models of type {config.model_type!r} cannot be cut: use one of {', '.join(_names(classes))}")
    gone = ("model_type", "transformers_version", "architectures", "auto_map")
    fields = {name: value for name, value in config.to_dict().items() if name not in gone}
    if width is not None and not hasattr(found, "cut_width"):
        raise ValueError(f"models of type {config.model_type!r} have no width that can be cut")
    cut = {"cut_layers": None if layers is None else [dict(layer) for layer in layers]}
    made = found(**(fields | cut | ({} if width is None else {"cut_width": width})))
    made._attn_implementation = config._attn_implementation
    return made


def auto_map(model: PreTrainedModel, module: str = "modeling_laconic") -> dict[str, str]:
    """What a folder's config says for `trust_remote_code=True`: which auto class finds which class in the copy of this file.

    Args:
        model: of a class of cut models.
        module: the name of the copy, without `.py`.

    Raises:
        ValueError: the model's class is not one of cut models.
    """
    own = type(model)
    tasks = [auto for auto, classes in TASKS.items() if own in classes]
    if not tasks:
        raise ValueError(f"{own.__name__} is not a class of cut models: use one of {', '.join(_names(CUT.values()))}")
    backbone = next(cut for cut in TASKS[AutoModel] if cut.config_class is own.config_class)
    names = {"AutoConfig": own.config_class, "AutoModel": backbone, tasks[0].__name__: own}
    return {auto: f"{module}.{cast(type, found).__name__}" for auto, found in names.items()}


def register() -> None:
    """Make `AutoConfig`, `AutoModel` and its kin know the configs and classes of cut models; again does no harm."""
    for auto, classes in TASKS.items():
        for cut in classes:
            config = cast(type[PreTrainedConfig], cut.config_class)
            AutoConfig.register(config.model_type, config, exist_ok=True)
            auto.register(config, cut, exist_ok=True)


def _names(classes: Any) -> list[str]:
    return sorted(found.__name__ for found in classes)
