"""What a pruning run begins with: its data, and the pretrained model."""

from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from laconic.model.anatomy import dissect
from laconic.model.folder import load_any, load_with_head
from laconic.pruning.cutting import require_cuttable
from laconic.pruning.parts import count_parts
from laconic.recipes.language_data import (
    LanguageTokenizer,
    Texts,
    language_data,
    load_language_model,
    load_language_tokenizer,
)
from laconic.recipes.prune_config import PruneConfig
from laconic.recipes.registry import RunOptions
from laconic.recipes.task_data import Tables, TaskData, load_task_tokenizer, named_data, table_data


def load_student(config: PruneConfig, data: TaskData) -> PreTrainedModel:
    """The pretrained model of a run, in float32: one with a head for its task, or a language model as it is.

    Raises:
        UsageError: no model, one whose head is for other labels or says something else, or one that cannot be pruned.
        CorruptFileError: weights that cannot be read.
    """
    if data.kind == "language":
        model = load_language_model(Path(config.model))
    else:
        model = load_with_head(Path(config.model), labels=data.labels, span=data.kind == "span", seed=config.seed)
        _tell_padding(model, data)
    count_parts(model)
    require_cuttable(model)
    return _in_full(model)


def load_teacher(config: PruneConfig, data: TaskData) -> PreTrainedModel:
    """The trained model that `config.teacher` names, in float32; for a text also a run of `laconic train`.

    Raises:
        UsageError: no model, or for a text one that does not tell the next token.
        CorruptFileError: weights that cannot be read.
    """
    if data.kind == "language":
        return _in_full(load_language_model(Path(config.teacher)))
    model = load_any(Path(config.teacher))
    _tell_padding(model, data)
    return _in_full(model)


def _in_full(model: PreTrainedModel) -> PreTrainedModel:
    """A model in float32, whatever its folder has: of a weight in 16 bits, most updates of a usual rate would be lost."""
    torch.nn.Module.float(model)
    return model


def _tell_padding(model: PreTrainedModel, data: TaskData) -> None:
    """A decoder's classifier reads the last token before the padding, and has to know it."""
    if not dissect(model).layout.post_norm:
        model.config.pad_token_id = data.pad_id


def load_data(config: PruneConfig, options: RunOptions) -> tuple[LanguageTokenizer, TaskData]:
    """The tokenizer of a run, and its data read with that.

    Raises:
        UsageError: no such task, text or column, or no tokenizer.
        CorruptFileError: something that cannot be read.
        MissingDataError: the data is not at hand.
    """
    if config.text:
        load_language_model(Path(config.model))  # That there is one is seen before a long text is read.
        reader = load_language_tokenizer(Path(config.model))
        texts = Texts(train=config.text, valid=config.valid_text, valid_bytes=config.valid_bytes)
        limits: dict[str, Any] = {"max_length": config.max_length, "limit": config.train_limit}
        return reader, language_data(texts, reader, data_root=options.data_root, **limits)
    tokenizer = load_task_tokenizer(Path(config.model))
    # Whoever opens a folder of the run and asks for truncation is to read texts as they were learned from.
    tokenizer.model_max_length = min(tokenizer.model_max_length, config.max_length)
    return tokenizer, load_task(config, tokenizer, options)


def load_task(config: PruneConfig, tokenizer: PreTrainedTokenizerBase, options: RunOptions) -> TaskData:
    """The named task or the tables of a run, read with a tokenizer; raises as `load_data`."""
    limits: dict[str, Any] = {"max_length": config.max_length, "limit": config.train_limit}
    if config.task:
        return named_data(config.task, tokenizer, data_root=options.data_root, **limits)
    valid = Path(config.valid_data) if config.valid_data else None
    columns: dict[str, Any] = {"text_columns": config.text_columns, "label": config.label, "kind": config.kind or None}
    return table_data(Tables(train=Path(config.data), valid=valid, **columns), tokenizer, **limits)


def own_files(config: PruneConfig) -> dict[str, Path]:
    """Files of one's own that a run learns from and is judged on, by the settings that name them."""
    named = {name: Path(getattr(config, name)) for name in ("data", "valid_data", "text", "valid_text")}
    return {name: path for name, path in named.items() if path.is_file()}


def common_positions(config: PruneConfig, data: TaskData) -> int:
    """Tokens of the longest text that all models of a run can read."""
    given = [load_student(config, data), *([load_teacher(config, data)] if config.teacher else [])]
    return min(map(positions_of, given))


def positions_of(model: PreTrainedModel) -> int:
    """Tokens of the longest text that a model can read."""
    positions: int = model.config.max_position_embeddings
    return positions - (model.config.pad_token_id + 1 if "roberta" in model.config.model_type else 0)
