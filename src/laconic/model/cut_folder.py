"""Folders of cut models, which carry the code that opens them where laconic is not installed."""

import json
import shutil
from pathlib import Path

from torch import Tensor
from transformers import PreTrainedModel

from laconic.model import cut
from laconic.model.folder import SavesItself, fresh_folder, save_model

CODE = "modeling_laconic.py"
"""The copy of `laconic.model.cut` in the folder of a cut model."""


def save_cut(
    model: PreTrainedModel,
    folder: Path,
    *,
    tokenizer: SavesItself | None = None,
    state: dict[str, Tensor] | None = None,
) -> None:
    """Write a cut model so that it opens in three ways: `laconic.load`, `import laconic.hf`, or `trust_remote_code=True`.

    As by `save_model`, the folder appears whole or not at all, and replaces an older one. It holds `config.json`, safetensors,
    `modeling_laconic.py`, and the tokenizer's files.

    Args:
        model: of a class of cut models (`laconic.model.cut`).
        folder: where to.
        tokenizer: what the model reads its text with; `None` for none.
        state: what is written instead of the model's own tensors, such as `half_embeddings` gives.

    Raises:
        ValueError: the model is not of a class of cut models.
        OutputError: the folder cannot be written.
    """
    names = cut.auto_map(model, CODE.removesuffix(".py"))
    with fresh_folder(folder) as fresh:
        model.save_pretrained(fresh, state_dict=state)
        # In the file alone: a config that says so in memory would say it in folders without the code, too.
        config = fresh / "config.json"
        fields = json.loads(config.read_text(encoding="utf-8")) | {"auto_map": names}
        config.write_text(json.dumps(fields, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        shutil.copyfile(cut.__file__, fresh / CODE)
        if tokenizer is not None:
            tokenizer.save_pretrained(fresh)


def save_with_tokenizer(
    model: PreTrainedModel, folder: Path, tokenizer: SavesItself, *, state: dict[str, Tensor] | None = None
) -> None:
    """Write a model and its tokenizer, a cut one by `save_cut` and any other by `save_model`.

    Args:
        model: as for `save_cut`, or of any other class.
        folder: where to.
        tokenizer: what the model reads its text with.
        state: as for `save_cut`.

    Raises:
        OutputError: the folder cannot be written.
    """
    if type(model) in cut.CUT.values():
        save_cut(model, folder, tokenizer=tokenizer, state=state)
    else:
        save_model(model, folder, tokenizer=tokenizer, state=state)
