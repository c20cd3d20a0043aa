"""Teachers: asked anew for each batch, or noted once for a whole split.

A frozen teacher says the same of an example in every epoch. Where students are small, or there is no accelerator, asking it
again is most of what a step costs; what it says of a split of one megabyte is a file of some hundreds.
"""

import math
import os
import sys
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor
from transformers import PreTrainedModel

from laconic.errors import OutputError
from laconic.model.anatomy import dissect
from laconic.model.probe import without_cache
from laconic.pruning.distillation import teacher_layers
from laconic.training.examples import Example, Examples, collate
from laconic.training.tasks import Kind, task_logits

NOTED_DTYPE = torch.bfloat16
"""Of hidden states that are noted: as exact as they are computed where matrix products are of this type."""


@dataclass(frozen=True, kw_only=True)
class Taught:
    """What a teacher says of a batch, on the batch's device, without gradient.

    Attributes:
        logits: as `task_logits` gives them; of a span, anything where there is padding.
        teacher_KND: hidden states of the layers that teach, N = B x T; None unless asked for. Anything where there is padding.
    """

    logits: Float[Tensor, "B ..."]
    teacher_KND: Float[Tensor, "K N D"] | None


class AbstractTeacher(ABC):
    """Whoever a student learns from."""

    @property
    @abstractmethod
    def width(self) -> int:
        """D of its hidden states."""

    @abstractmethod
    def teach(self, batch: Examples, *, layers: int) -> Taught:
        """What it says of a batch.

        Args:
            batch: on any device.
            layers: how many of its layers teach, at most; 0 for its logits alone.
        """


@final
class LiveTeacher(AbstractTeacher):
    """A model that is asked.

    Args:
        model: frozen here, and put into evaluation mode.
        kind: what is asked of it.
    """

    def __init__(self, model: PreTrainedModel, kind: Kind) -> None:
        self._model: Any = model.train(False).requires_grad_(False)
        self._kind = kind

    @property
    def width(self) -> int:
        """D of its hidden states."""
        return dissect(self._model).width

    @torch.no_grad()
    def teach(self, batch: Examples, *, layers: int) -> Taught:
        """What the model says now."""
        self._model.to(batch.inputs["input_ids"].device)
        output = self._model(**batch.inputs, **without_cache(self._model), output_hidden_states=layers > 0)
        teacher_KND = teaching_states(output.hidden_states[1:], layers) if layers else None
        return Taught(logits=task_logits(self._kind, output), teacher_KND=teacher_KND)


@dataclass(frozen=True, kw_only=True)
class _Notes:
    """What a teacher said of M examples of N tokens.

    Attributes:
        hidden_NKD: of each token, in the order of the examples; in a file that goes with the process.
        logits: of each example (`M ...`); of each token where answers are spans (`N 2`).
    """

    hidden_NKD: Float[Tensor, "N K D"]
    logits: Float[Tensor, "..."]


@final
class NotedTeacher(AbstractTeacher):
    """What a teacher says of all examples of a split, noted when it is first to teach. It teaches batches of that split only.

    Hidden states lie in a file that has no name and goes with the process; logits in memory.

    Args:
        teacher: asked once for each example, in an order of its own, so that notes are the same whenever they are taken.
        examples: the split; batches have to say which of them they hold (`Examples.numbers`).
        kind: what is asked; not `language`, whose logits are too many.
        layers: how many layers teach, at most; 0 for logits alone.
        depth: layers of the teacher.
        folder: where the file lies.
        pad_id: fills `input_ids`.
        autocast: whether the teacher is asked in bfloat16, as the training loop does.
        rows: examples that it is asked about at once.
        tell: told how many examples are done.
    """

    def __init__(
        self,
        teacher: LiveTeacher,
        examples: Sequence[Example],
        kind: Kind,
        *,
        layers: int,
        depth: int,
        folder: Path,
        pad_id: int,
        autocast: bool,
        rows: int = 64,
        tell: Callable[[int], None] | None = None,
    ) -> None:
        if kind == "language":
            raise ValueError("kind is 'language', whose logits are too many to be noted")
        self._teacher, self._examples, self._kind, self._layers = teacher, examples, kind, layers
        self._count = len(teacher_layers(depth, layers)) if layers else 0
        self._folder, self._pad_id, self._autocast, self._rows, self._tell = folder, pad_id, autocast, rows, tell
        self._lengths = torch.tensor([len(example.columns["input_ids"]) for example in examples])
        self._ends = self._lengths.cumsum(0)
        self._starts = self._ends - self._lengths
        self._notes: _Notes | None = None

    @property
    def width(self) -> int:
        """D of its hidden states."""
        return self._teacher.width

    def teach(self, batch: Examples, *, layers: int) -> Taught:
        """What the teacher said of these examples.

        Raises:
            OutputError: there is no room for the file.
            ValueError: nobody knows which examples these are, or other layers are to teach than were noted.
        """
        if batch.numbers is None or layers not in (0, self._layers):
            raise ValueError(
                f"layers is {layers} and the batch's numbers {batch.numbers}, but {self._layers} layers were noted"
            )
        device, longest = batch.inputs["input_ids"].device, batch.inputs["input_ids"].shape[1]
        notes = self._notes = self._notes or self._take_notes(device)
        if self._kind == "span":
            logits = self._of_tokens(notes.logits, batch.numbers, longest).permute(0, 2, 1)
        else:
            logits = notes.logits[torch.tensor(batch.numbers)]
        teacher_KND = None
        if layers:
            hidden_BTKD = self._of_tokens(notes.hidden_NKD, batch.numbers, longest)
            teacher_KND = _carried(hidden_BTKD, device).permute(2, 0, 1, 3).flatten(1, 2)
        return Taught(logits=_carried(logits, device), teacher_KND=teacher_KND)

    def _of_tokens(self, noted: Tensor, numbers: Sequence[int], longest: int) -> Tensor:
        """What was noted of the tokens of some examples, 0 where a row is shorter than the longest."""
        rows = noted.new_zeros(len(numbers), longest, *noted.shape[1:])
        for row, number in enumerate(numbers):
            rows[row, : int(self._lengths[number])] = noted[self._starts[number] : self._ends[number]]
        return rows

    def _take_notes(self, device: torch.device) -> _Notes:
        tokens = int(self._lengths.sum())
        hidden_NKD = _mapped(self._folder, (tokens, self._count, self.width))
        order, logits = self._lengths.argsort(stable=True), torch.empty(0)
        for first in range(0, len(order), self._rows):
            places = order[first : first + self._rows]
            examples = [self._examples[place] for place in places.tolist()]
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=self._autocast):
                taught = self._teacher.teach(collate(examples, pad_id=self._pad_id).to(device), layers=self._layers)
            said = taught.logits.cpu()
            if not logits.numel():
                logits = said.new_empty(tokens, 2) if self._kind == "span" else said.new_empty(len(order), *said.shape[1:])
            if self._kind == "span":
                self._note(logits, places, said.permute(0, 2, 1))
            else:
                logits[places] = said
            if taught.teacher_KND is not None:
                hidden_BTKD = taught.teacher_KND.view(self._count, len(places), -1, self.width).permute(1, 2, 0, 3)
                self._note(hidden_NKD, places, hidden_BTKD.to(NOTED_DTYPE).cpu())
            if self._tell:
                self._tell(first + len(places))
        return _Notes(hidden_NKD=hidden_NKD, logits=logits)

    def _note(self, noted: Tensor, places: Tensor, rows: Tensor) -> None:
        """Keep what was said of the tokens of some examples, without padding."""
        for row, place in zip(rows, places.tolist(), strict=True):
            noted[self._starts[place] : self._ends[place]] = row[: int(self._lengths[place])]


def _carried(noted: Tensor, device: torch.device) -> Tensor:
    """Notes on a device, which is not waited for."""
    return noted.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else noted.to(device)


def teaching_states(states: Sequence[Float[Tensor, "B T D"]], layers: int) -> Float[Tensor, "K N D"]:
    """Hidden states of the layers that teach, N = B x T.

    Args:
        states: after each layer.
        layers: how many teach, at most.
    """
    return torch.stack([states[place] for place in teacher_layers(len(states), layers)]).flatten(1, 2)


def noted_bytes(examples: Sequence[Example], *, layers: int, depth: int, width: int) -> int:
    """How large the file of a `NotedTeacher` is."""
    tokens = sum(len(example.columns["input_ids"]) for example in examples)
    return tokens * (len(teacher_layers(depth, layers)) if layers else 0) * width * NOTED_DTYPE.itemsize


def _mapped(folder: Path, shape: tuple[int, ...]) -> Tensor:
    """Numbers in a file that goes with the process; room for them is taken at once."""
    count = math.prod(shape)
    if not count:
        return torch.empty(shape, dtype=NOTED_DTYPE)
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".teacher.") as file:
            _take_room(file.fileno(), count * NOTED_DTYPE.itemsize)
            return torch.from_file(file.name, shared=True, size=count, dtype=NOTED_DTYPE).view(shape)
    except OSError as error:
        raise OutputError(
            f"cannot keep {count * NOTED_DTYPE.itemsize / 1e9:.1f} GB of what the teacher says in {folder} ({error.strerror}): "
            "choose a folder with more room, or set notes_gb lower"
        ) from error


def _take_room(descriptor: int, size: int) -> None:
    if sys.platform == "linux":
        # A file that is only said to be long would end the process when the disk is full.
        os.posix_fallocate(descriptor, 0, size)
    else:
        os.truncate(descriptor, size)
