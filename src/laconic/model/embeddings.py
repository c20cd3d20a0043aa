"""Smaller embeddings: most of a pruned model's file is its table of words.

Half precision costs a rounding and halves the table. Leaving out words that a task never meets costs nothing for texts without
them, and can take away most of it.
"""

import json
import re
import tempfile
from collections import Counter
from collections.abc import Collection, Iterable
from copy import deepcopy
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from tokenizers.models import BPE, WordPiece
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from laconic.errors import UsageError

_TEXTS_AT_ONCE = 1000
_BYTE = re.compile("<0x[0-9A-F]{2}>")


def half_embeddings(model: PreTrainedModel) -> dict[str, Tensor]:
    """The state of a model with its embedding tables rounded to 16-bit floats, as `save_pretrained` takes it.

    Write it as the `state` of `save_model` or `save_cut`. The model itself keeps its precision,
    which its config names, so that a plain `from_pretrained` loads everything in that one: only the file is smaller.

    Args:
        model: any; what it computes with its tables shares the rounding.

    Raises:
        UsageError: a number of a table is too large for 16 bits.
    """
    state = dict(model.state_dict())
    tables = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    # Names of one tensor must stay names of one tensor, or it would be stored once for each.
    halves: dict[int, Tensor] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        if id(parameter) not in tables or not parameter.is_floating_point() or parameter.itemsize <= 2:
            continue
        half = halves.setdefault(id(parameter), parameter.detach().half())
        if not bool(half.isfinite().all()):
            raise UsageError(
                f"{name} holds {float(parameter.detach().abs().max()):g}, but 16 bits end at 65504: save it without rounding"
            )
        state[name] = half
    return state


def used_tokens(tokenizer: PreTrainedTokenizerFast, texts: Iterable[str], *, least: int = 1) -> set[int]:
    """The tokens that texts consist of, as `trim_vocabulary` takes them.

    Args:
        tokenizer: of the model.
        texts: the corpus; it is read once, piece by piece.
        least: how often a token must occur; at least 1.

    Raises:
        ValueError: least is less than 1.
    """
    if least < 1:
        raise ValueError(f"least is {least}, but must be at least 1")
    counts: Counter[int] = Counter()
    remaining = iter(texts)
    while some := list(islice(remaining, _TEXTS_AT_ONCE)):
        for ids in tokenizer(some, add_special_tokens=False, truncation=False, verbose=False)["input_ids"]:
            counts.update(ids)
    return {token for token, count in counts.items() if count >= least}


def trim_vocabulary(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, keep: Collection[int], *, characters: bool = True
) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """A model and its tokenizer that know fewer tokens; both given ones stay as they are.

    A text whose tokens are all kept reads as before, to the bit; other words fall apart into smaller kept pieces, or become
    unknown. The kept tokens have new ids, in the old order. With byte-pair encoding the tokens that kept ones are merged from
    stay too: then all merges of such a text are still there, in their order, and no others come between.

    Args:
        model: an encoder, bare or with a head that says nothing about single words.
        tokenizer: its own: WordPiece, as BERT has, or byte-pair encoding, as RoBERTa has.
        keep: ids that stay; special and added tokens always do. See `used_tokens`.
        characters: whether single characters stay too, as beginnings of words and inside them, so that hardly any word
            becomes unknown.

    Raises:
        UsageError: the tokenizer is of another kind, an id is none of its, or the model predicts words; or it counts
            positions from its padding token, as RoBERTa does, and this would have another id.
    """
    require_trimmable(tokenizer)
    if model.get_output_embeddings() is not None:  # type: ignore[no-untyped-call]
        raise UsageError(
            f"{type(model).__name__} predicts words, which must all stay: trim a model for classification or questions"
        )
    vocabulary: dict[str, int] = tokenizer.get_vocab()
    kept = _kept(tokenizer, vocabulary, keep, characters=characters)
    renumbered = {old: new for new, old in enumerate(kept)}
    padding = model.config.pad_token_id
    if "roberta" in model.config.model_type and renumbered.get(padding) != padding:
        raise UsageError(f"a {model.config.model_type} counts positions from its padding token: keep all ids up to {padding}")
    return _trimmed_model(model, renumbered), _trimmed_tokenizer(tokenizer, renumbered)


def require_trimmable(tokenizer: object) -> None:
    """See that a tokenizer is of a kind that `trim_vocabulary` takes.

    Raises:
        UsageError: it is not.
    """
    model = tokenizer.backend_tokenizer.model if isinstance(tokenizer, PreTrainedTokenizerFast) else tokenizer
    if not isinstance(model, WordPiece | BPE):
        kind = type(model).__name__
        raise UsageError(
            f"the tokenizer is of the kind {kind}, but only WordPiece and BPE can be trimmed: keep this vocabulary whole"
        )


def _kept(
    tokenizer: PreTrainedTokenizerFast, vocabulary: dict[str, int], keep: Collection[int], *, characters: bool
) -> list[int]:
    """All ids that stay, in order."""
    strange = set(keep) - set(vocabulary.values())
    if strange:
        raise UsageError(f"id {min(strange)} is to be kept, but the tokenizer has none such: take ids from used_tokens")
    kept = {*keep, *tokenizer.all_special_ids, *tokenizer.added_tokens_decoder}
    core = tokenizer.backend_tokenizer.model
    if characters:
        prefix = core.continuing_subword_prefix or ""
        kept |= {number for token, number in vocabulary.items() if len(token.removeprefix(prefix)) == 1}
        if getattr(core, "byte_fallback", False):  # What has no token of its own is spelled in these.
            kept |= {number for token, number in vocabulary.items() if _BYTE.fullmatch(token)}
    if isinstance(core, BPE):
        names = {number: token for token, number in vocabulary.items()}
        words = {names[number] for number in kept}
        # Later merges build on earlier ones.
        for first, second in reversed(_merges(json.loads(tokenizer.backend_tokenizer.to_str())["model"])):
            if _merged(core, first, second) in words:
                words |= {first, second}
        kept = {vocabulary[word] for word in words}
    return sorted(kept)


def _merges(content: dict[str, Any]) -> list[tuple[str, str]]:
    """The merges of a `tokenizer.json`'s model, first ones first, in either of the forms that they are written in."""
    pairs = (merge.split(" ") if isinstance(merge, str) else merge for merge in content.get("merges") or [])
    return [(first, second) for first, second in pairs]


def _merged(core: BPE, first: str, second: str) -> str:
    return first + second.removeprefix(core.continuing_subword_prefix or "")


def _trimmed_model(model: PreTrainedModel, renumbered: dict[int, int]) -> PreTrainedModel:
    """A copy whose table has the kept rows only."""
    old = model.get_input_embeddings()
    assert isinstance(old, nn.Embedding)
    padding = None if old.padding_idx is None else renumbered.get(old.padding_idx)
    rows = old.weight.detach()[torch.tensor(list(renumbered), device=old.weight.device)].clone()
    table = nn.Embedding(len(rows), old.embedding_dim, padding_idx=padding, _weight=rows, _freeze=not old.weight.requires_grad)
    table.train(old.training)
    # The large table is not copied first, to be thrown away then.
    small = deepcopy(model, {id(old): table})
    small.config.vocab_size = len(renumbered)
    for name, value in small.config.to_dict().items():
        if name.endswith("_token_id") and isinstance(value, int):
            setattr(small.config, name, renumbered.get(value))
    return small


def _trimmed_tokenizer(tokenizer: PreTrainedTokenizerFast, renumbered: dict[int, int]) -> PreTrainedTokenizerFast:
    """The same with fewer tokens, made from its own file so that it comes back from a folder as it is here."""
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save_pretrained(folder)
        file = Path(folder) / "tokenizer.json"
        content = _trimmed_file(json.loads(file.read_text("utf-8")), renumbered)
        if "merges" in content["model"]:
            words, core = content["model"]["vocab"], tokenizer.backend_tokenizer.model
            merges = [
                merge for merge in _merges(content["model"]) if _merged(core, *merge) in words and {*merge} <= words.keys()
            ]
            content["model"]["merges"] = merges
        file.write_text(json.dumps(content), "utf-8")
        small: PreTrainedTokenizerFast = type(tokenizer).from_pretrained(folder)
    small.name_or_path = tokenizer.name_or_path
    return small


def _trimmed_file(content: dict[str, Any], renumbered: dict[int, int]) -> dict[str, Any]:
    """A `tokenizer.json` with new ids wherever it names some."""
    words = content["model"]["vocab"]
    content["model"]["vocab"] = {token: renumbered[number] for token, number in words.items() if number in renumbered}
    for token in content["added_tokens"]:
        token["id"] = renumbered[token["id"]]
    if content["padding"]:
        content["padding"]["pad_id"] = renumbered[content["padding"]["pad_id"]]
    outer = content["post_processor"] or {}
    for after in (outer, *outer.get("processors", ())):  # Those of a sequence stand within it.
        for token in after.get("special_tokens", {}).values():
            token["ids"] = [renumbered[number] for number in token["ids"]]
        for name in ("sep", "cls"):
            if name in after:
                after[name][1] = renumbered[after[name][1]]
    return content
