"""What leaves a pruning run beside the models themselves: one folder for each, as small and as portable as was asked for.

The folder holds a model with its tokenizer, as any other does, and the ONNX files that were written from that very model.
"""

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from laconic.errors import LaconicError, UsageError, missing_extra
from laconic.model.cut_folder import save_with_tokenizer
from laconic.model.embeddings import half_embeddings, require_trimmable, trim_vocabulary
from laconic.model.folder import load_any
from laconic.model.onnx import OnnxModel, export_onnx, quantize_onnx, verify_onnx
from laconic.recipes.language_data import LanguageTokenizer
from laconic.recipes.rundir import MODEL, read_done
from laconic.records.files import open_atomic
from laconic.training.tasks import Kind

DELIVERIES = {
    "onnx": "an ONNX file, compared with the model in ONNX Runtime",
    "int8": "an ONNX file with weights of 8 bits, beside one without, and its score",
    "half": "embeddings of 16 bits in the model's file",
    "trimmed": "only those words in the vocabulary that the train split has, and single characters",
}
"""What can be asked for."""

FOLDER, ONNX, INT8, DONE = "delivery", "model.onnx", "model-int8.onnx", "delivery.json"
"""The folder beside a model's own, and what is in it besides a model; `DONE` is written last."""

APART = 1e-3
"""How far the answers of an ONNX file may lie from its model's, for answers of about 1."""

Score = Callable[[nn.Module], dict[str, float]]


@dataclass(frozen=True, kw_only=True)
class Deliverer:
    """Delivers the models of one run.

    Attributes:
        asked: of `DELIVERIES`.
        tokenizer: of all models.
        used: ids that the train split consists of.
        length: tokens of the longest example.
        scores: how models are judged that read their text with a tokenizer.
    """

    asked: tuple[str, ...]
    tokenizer: LanguageTokenizer
    used: Collection[int]
    length: int
    scores: Callable[[PreTrainedTokenizerBase], Score]

    def write(self, model: PreTrainedModel, place: Path) -> dict[str, Any]:
        """Write a model and its tokenizer, and deliver it; what `deliver` returns, and raises."""
        save_with_tokenizer(model, place / MODEL, self.tokenizer)
        return self.deliver(model, place)

    def deliver(self, model: PreTrainedModel, place: Path) -> dict[str, Any]:
        """Deliver a model; or only say what that came to, where it was done before.

        Args:
            model: dense or cut; left as it is.
            place: the folder that gets `FOLDER`.

        Returns:
            Plain data: `vocabulary`, a number of tokens; `scores` of the folder's model; `onnx`, the largest difference of any
            answer; `int8`, scores. Empty where nothing is asked for.

        Raises:
            UsageError: embeddings too large for 16 bits, or weights too large for an ONNX file.
            LaconicError: the ONNX file does not answer as its model does.
            OutputError: something cannot be written.
        """
        folder = place / FOLDER
        if (folder / DONE).is_file():
            return read_done(folder / DONE)
        if not self.asked:
            return {}
        tokenizer = self._write(model, folder)
        delivered, score = load_any(folder), self.scores(tokenizer)
        told: dict[str, Any] = {"vocabulary": delivered.config.vocab_size, "scores": score(delivered)}
        if {"onnx", "int8"} & set(self.asked):
            told["onnx"] = self._export(delivered.cpu(), folder)
        if "int8" in self.asked:
            quantize_onnx(folder / ONNX, folder / INT8)
            told["int8"] = score(OnnxModel(folder / INT8))
        with open_atomic(folder / DONE, "w") as stream:
            json.dump(told, stream)
        return told

    def _write(self, model: PreTrainedModel, folder: Path) -> PreTrainedTokenizerBase:
        """The model itself; and the tokenizer that it then has."""
        tokenizer: Any = self.tokenizer
        if "trimmed" in self.asked:
            model, tokenizer = trim_vocabulary(model, tokenizer, self.used)
        state = half_embeddings(model) if "half" in self.asked else None
        save_with_tokenizer(model, folder, tokenizer, state=state)
        found: PreTrainedTokenizerBase = tokenizer
        return found

    def _export(self, model: PreTrainedModel, folder: Path) -> float:
        """Write the ONNX file and compare it, at another length than it was written with."""
        export_onnx(model, folder / ONNX, length=min(16, self.length))
        difference = verify_onnx(model, folder / ONNX, length=min(33, self.length))
        if not difference <= APART:
            raise LaconicError(
                f"{folder / ONNX} answers otherwise than its model, by {difference:.2g}: deliver without onnx and int8"
            )
        return difference


def require_deliverable(asked: tuple[str, ...], tokenizer: LanguageTokenizer, kind: Kind) -> None:
    """See before anything is trained that everything can be delivered.

    Args:
        asked: of `DELIVERIES`.
        tokenizer: of the models.
        kind: what is asked of them.

    Raises:
        MissingExtraError: onnx or onnxruntime is not installed.
        UsageError: the tokenizer cannot be trimmed, or a language model cannot be delivered so.
    """
    if kind == "language" and (others := set(asked) - {"half"}):
        raise UsageError(f"language models are not delivered as {', '.join(sorted(others))}: leave that out")
    if "trimmed" in asked:
        require_trimmable(tokenizer)
    if {"onnx", "int8"} & set(asked):
        for package in ("onnx", "onnxruntime"):
            try:
                __import__(package)
            except ImportError as error:
                raise missing_extra(package, "onnx", "delivering ONNX files") from error
