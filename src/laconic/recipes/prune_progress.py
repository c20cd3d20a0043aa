"""The page of a pruning run that is still going on: drawn again whenever a student was judged."""

import dataclasses
import json
from pathlib import Path
from typing import Any, final

import torch
from transformers import PreTrainedModel

from laconic.pruning.masks import Structure
from laconic.pruning.parts import Parts
from laconic.recipes.prune_stages import Judged
from laconic.records.files import open_atomic
from laconic.report.progress import Moment, write_progress

PAGE, MOMENTS = "progress.html", "progress.json"


@final
class ProgressPage:
    """What a run has come to so far, in two files: numbers, and a page to look at.

    Args:
        out: the folder of the run.
        task: its name.
        parts: what its students have before anything is pruned, and what that costs where the run counts.
        counted: what those costs are: `parameters` or `time`.
    """

    def __init__(self, out: Path, task: str, parts: Parts, *, counted: str = "parameters") -> None:
        self._out, self._task, self._parts, self._counted = out, task, parts, counted

    def show(self, judged: Judged) -> None:
        """Note what a student is worth now and draw the page again; what was noted later in its stage is forgotten.

        Raises:
            OutputError: the folder cannot be written.
        """
        standing = judged.standing
        structure = structure_of(judged.model, self._parts) if standing is None else standing.structure
        counts = structure.counts()
        now = Moment(
            stage=judged.stage,
            step=judged.step,
            steps=judged.steps,
            score=judged.score,
            sparsity=structure.sparsity(self._parts),
            target=judged.target,
            expected=None if standing is None else standing.expected,
            heads=tuple(layer["heads"] for layer in counts),
            units=tuple(layer["units"] for layer in counts),
        )
        moments = [*(old for old in self._read() if old.stage != now.stage or old.step < now.step), now]
        with open_atomic(self._out / MOMENTS, "w") as stream:
            json.dump([dataclasses.asdict(moment) for moment in moments], stream)
        self._draw(moments)

    def finish(self) -> None:
        """Draw the page for the last time, where there is one: it then no longer asks to be read again."""
        if moments := self._read():
            self._draw(moments, live=False)

    def _draw(self, moments: list[Moment], *, live: bool = True) -> None:
        whole = self._parts.heads, self._parts.units
        write_progress(moments, self._out / PAGE, task=self._task, whole=whole, counted=self._counted, live=live)

    def _read(self) -> list[Moment]:
        """What was noted before; nothing where that is no longer to be read."""
        try:
            found: list[dict[str, Any]] = json.loads((self._out / MOMENTS).read_text())
            return [Moment(**{**row, "heads": tuple(row["heads"]), "units": tuple(row["units"])}) for row in found]
        except (OSError, ValueError, TypeError, KeyError):
            return []


def dense_layer(parts: Parts) -> dict[str, int]:
    """What a layer of the dense model has, as `Structure.counts` says it of layers that are left."""
    return {"layers": parts.layers, "heads": parts.heads, "units": parts.units}


def structure_of(model: PreTrainedModel, parts: Parts) -> Structure:
    """How many heads and units a model has, cut or not; which of the dense model's they are, it does not know.

    Args:
        model: dense or cut.
        parts: of the dense model.
    """
    layers = getattr(model.config, "cut_layers", None)
    if layers is None:
        return Structure.whole(parts)
    groups = "heads" if parts.keys_shared else "kv_heads"
    heads_L, units_L = (torch.tensor([layer[name] for layer in layers]) for name in (groups, "units"))
    return Structure(head_LH=torch.arange(parts.heads) < heads_L[:, None], unit_LU=torch.arange(parts.units) < units_L[:, None])
