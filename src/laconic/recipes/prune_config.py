"""Everything that decides what a pruning run comes to."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from laconic.evaluation.latency_table import LatencyConfig
from laconic.pruning.gates import KINDS, USUAL, suitable_rate
from laconic.pruning.objective import DAMPING, DistillConfig
from laconic.recipes.prune_delivery import DELIVERIES
from laconic.recipes.prune_measures import MeasureConfig
from laconic.recipes.settings import changed, checked
from laconic.text.labelled import KINDS as LABEL_KINDS
from laconic.training.loop import PRECISIONS

STARTS = ("pretrained", "teacher")

METHODS = ("cofi", "layers", "magnitude", "weights", "small")
"""How a model becomes small: CoFi, and what it is compared with (`laconic.pruning.baselines`): the first layers only, without
the heads and units with the smallest weights, without the smallest single weights, or narrow from the start."""


@dataclass(frozen=True, kw_only=True)
class StageConfig:
    """How long and how fast one stage trains.

    Attributes:
        epochs: over the train split, or a part of one; 0 leaves the stage out.
        rate: the highest learning rate, falling to nothing in a straight line.
        batch: examples in an update.
    """

    epochs: float
    rate: float = 2e-5
    batch: int = 32

    def __post_init__(self) -> None:
        if not 0 <= self.epochs < math.inf:
            raise ValueError(f"epochs is {self.epochs}, but must be a number from 0 on")
        if not 0 < self.rate < math.inf:
            raise ValueError(f"rate is {self.rate}, but must be positive")
        if self.batch < 1:
            raise ValueError(f"batch is {self.batch}, but must be at least 1")

    def steps(self, examples: int) -> int:
        """Updates in all, for a train split of so many examples."""
        return max(1, round(self.epochs * (examples // self.batch))) if self.epochs else 0


def require_rising(name: str, values: tuple[float, ...], *, least: float, most: float) -> None:
    """See that targets are several numbers that rise and lie between two others.

    Raises:
        ValueError: they do not.
    """
    if not isinstance(values, tuple):
        raise ValueError(f"{name} is {values}, but must be a tuple, such as (0.6, 0.95)")
    if list(values) != sorted(set(values)):
        raise ValueError(f"{name} is {values}, but must be numbers that rise")
    if values and not least < values[0] <= values[-1] < most:
        words = f"above {least:g}" if most == math.inf else f"between {least:g} and {most:g}"
        raise ValueError(f"{name} is {values}, but must lie {words}")


def require_gates(gates: tuple[str, ...], known: tuple[str, ...]) -> None:
    """See that there are gates, and that they are of known kinds.

    Raises:
        ValueError: there are none, or others.
    """
    if not gates or set(gates) - set(known):
        raise ValueError(f"gates is {gates}, but must be one or several of {', '.join(known)}")


@dataclass(frozen=True, kw_only=True)
class PruneConfig:
    """A run of CoFi: a teacher, a student that is pruned to one sparsity after another, and each cut model trained again.

    Attributes:
        model: a folder with a pretrained Hugging Face model and its tokenizer; for a text also a run of `laconic train`.
        task: a task of GLUE, or `squad`; empty where `data` or `text` is given.
        data: a table of one's own to learn from; empty for a named task or a text.
        valid_data: a table to judge on; empty for a tenth of the rows of `data`.
        text: a file, folder or named corpus for a language model to foretell; empty for a task.
        valid_text: another one to judge on; empty for the split `valid` of `text`.
        valid_bytes: of the text that is judged on, how many are read; None for all.
        text_columns: of the tables: one, or two for pairs.
        label: the tables' column of the label.
        kind: what labels of a table are, `classification` or `regression`; empty to tell it from them.
        sparsities: shares of the parameters of attention and feed-forward parts that are to go, rising; none for speed-ups.
        speedups: how many times faster models are to be on this machine, rising; none for sparsities.
        method: one of `METHODS`.
        latency: how they are timed.
        teacher: a folder with a trained model of the task; empty to train one.
        start: what the student begins with: `pretrained`, as in the paper, or `teacher`.
        max_length: tokens of an example, or of the chunks that a text is cut into.
        train_limit: examples or chunks to learn from, at most.
        gates: which parts may go, of `laconic.pruning.gates.KINDS`; all but the width, unless said otherwise.
        units_at: log-odds that units begin with.
        gate_rate: learning rate of gates and prices; 0 for one that suits the length of the run.
        sublayer_pace: how fast gates of whole sub-layers learn, as a share of the rate of heads and units; 1 in CoFi. Where a
            run is short, sub-layers are otherwise gone before anything has learned to do without them.
        damping: how much faster than the price of the distance from the target that of its square climbs; 1 in CoFi.
        warmup: share of the pruning updates over which the sparsity rises.
        distill: what the student learns from.
        notes_gb: how large a file of what the teacher says of the train split may be; it is then asked once for each example
            and not in each epoch. Hidden states are noted in bfloat16. 0 for no such file.
        freeze_embeddings: whether embeddings stay as they are in all stages but the teacher's.
        dropout: of students, in training; None for that of their folder. Without any, attention takes a quicker way on a
            processor, where long texts are learned from in half the time.
        fine_tune: the teacher's training.
        prepare: of the student before it is pruned.
        prune: with gates, for each sparsity.
        tune: of each cut model.
        evaluations: in each stage, at most; the best of them is kept.
        deliver: what each model is delivered as besides (`laconic.recipes.prune_delivery.DELIVERIES`).
        measure: how models are timed in the end.
        precision: as in `laconic.training.loop.LoopConfig`.
        seed: of fresh weights, the order of examples, dropout and gates.
    """

    model: str
    task: str = ""
    data: str = ""
    valid_data: str = ""
    text: str = ""
    valid_text: str = ""
    valid_bytes: int | None = None
    text_columns: tuple[str, ...] = ()
    label: str = ""
    kind: str = ""
    sparsities: tuple[float, ...] = (0.95,)
    speedups: tuple[float, ...] = ()
    method: str = "cofi"
    latency: LatencyConfig = field(default_factory=LatencyConfig)
    teacher: str = ""
    start: str = "pretrained"
    max_length: int = 128
    train_limit: int | None = None
    gates: tuple[str, ...] = USUAL
    units_at: float = 0.0
    gate_rate: float = 0.0
    sublayer_pace: float = 1.0
    damping: float = DAMPING
    warmup: float = 0.1
    distill: DistillConfig = field(default_factory=DistillConfig)
    notes_gb: float = 4.0
    freeze_embeddings: bool = True
    dropout: float | None = None
    fine_tune: StageConfig = field(default_factory=lambda: StageConfig(epochs=5))
    prepare: StageConfig = field(default_factory=lambda: StageConfig(epochs=1))
    prune: StageConfig = field(default_factory=lambda: StageConfig(epochs=20))
    tune: StageConfig = field(default_factory=lambda: StageConfig(epochs=20, batch=64))
    evaluations: int = 10
    deliver: tuple[str, ...] = ()
    measure: MeasureConfig = field(default_factory=MeasureConfig)
    precision: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        if bool(self.task) + bool(self.data) + bool(self.text) != 1:
            raise ValueError("of task, data and text none or several are given, but exactly one must say what to learn")
        if self.data and (len(self.text_columns) not in (1, 2) or not self.label):
            raise ValueError("text_columns and label must name one or two columns and one more of the data")
        self._require_targets()
        if self.method not in METHODS:
            raise ValueError(f"method is {self.method!r}, but must be one of {', '.join(METHODS)}")
        if self.method != METHODS[0] and self.speedups:
            raise ValueError(f"method is {self.method}, which knows no speedups: give sparsities")
        if self.start not in STARTS:
            raise ValueError(f"start is {self.start!r}, but must be one of {', '.join(STARTS)}")
        require_gates(self.gates, KINDS)
        if self.kind and self.kind not in LABEL_KINDS:
            raise ValueError(f"kind is {self.kind!r}, but must be one of {', '.join(LABEL_KINDS)}")
        if set(self.deliver) - set(DELIVERIES):
            raise ValueError(f"deliver is {', '.join(self.deliver)}, but must be some of {', '.join(DELIVERIES)}")
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision is {self.precision!r}, but must be one of {', '.join(PRECISIONS)}")
        self._require_ranges()
        self._require_sense()

    def _require_targets(self) -> None:
        if bool(self.sparsities) == bool(self.speedups):
            raise ValueError(
                f"sparsities is {self.sparsities} and speedups is {self.speedups}, but exactly one must say how small"
            )
        require_rising("sparsities", self.sparsities, least=0, most=1)
        require_rising("speedups", self.speedups, least=1, most=math.inf)

    def _require_sense(self) -> None:
        """Refuse what would be passed over in silence."""
        if self.method != METHODS[0] and self.gates != USUAL:
            raise ValueError(f"method is {self.method}, which has no gates: leave gates out")
        if "width" in self.gates and self.speedups:
            raise ValueError("gates has the width, of whose time no table is measured: leave it out, or give sparsities")
        if not self.text and (self.valid_text or self.valid_bytes is not None):
            raise ValueError("valid_text and valid_bytes are of a text, but none is given: leave them out, or give text")
        if not self.data and (self.valid_data or self.kind):
            raise ValueError("valid_data and kind are of a table, but data gives none: leave them out, or give data")
        if not self.speedups and self.latency != LatencyConfig():
            raise ValueError("latency says how to time what is to be as fast as speedups, of which there are none: use measure")

    def _require_ranges(self) -> None:
        for name in ("max_length", "train_limit", "valid_bytes", "evaluations"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or value < 1):
                raise ValueError(f"{name} is {value}, but must be a whole number, at least 1")
        if not 0 <= self.warmup <= 1:
            raise ValueError(f"warmup is {self.warmup}, but must lie between 0 and 1")
        for name in ("damping", "sublayer_pace"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} is {getattr(self, name)}, but must be positive")
        if self.dropout is not None and not 0 <= self.dropout < 1:
            raise ValueError(f"dropout is {self.dropout}, but must be a number from 0 on and below 1")
        if not 0 <= self.gate_rate < math.inf:
            raise ValueError(f"gate_rate is {self.gate_rate}, but must be a number from 0 on")
        if not 0 <= self.notes_gb < math.inf:
            raise ValueError(f"notes_gb is {self.notes_gb}, but must be a number from 0 on")
        if not 0 <= self.seed < 1 << 63:
            raise ValueError(f"seed is {self.seed}, but must be at least 0 and below 2**63")

    def stages(self) -> dict[str, StageConfig]:
        """The stages that there are, by the names of their settings; a baseline is trained once, for CoFi's updates in two."""
        all_of_them = {"fine_tune": self.fine_tune, "prepare": self.prepare, "prune": self.prune, "tune": self.tune}
        if self.teacher:
            del all_of_them["fine_tune"]
        if self.method != "cofi":
            del all_of_them["prune"]
            more = self.prune.epochs * self.tune.batch / self.prune.batch
            all_of_them["tune"] = replace(self.tune, epochs=self.tune.epochs + more)
        if self.method == "small":  # It begins with random weights: nobody would go on with what was prepared.
            del all_of_them["prepare"]
        return {name: stage for name, stage in all_of_them.items() if stage.epochs}

    def rate_of_gates(self, steps: int) -> float:
        """The learning rate of gates and prices, where none was set one for the length of the run.

        Args:
            steps: updates of the pruning stage.
        """
        return self.gate_rate or suitable_rate(steps)


_TUNE = StageConfig(epochs=20, batch=64)
SCHEDULES: dict[str, dict[str, Any]] = {
    "quick": {
        "fine_tune": StageConfig(epochs=3, rate=5e-5),
        "start": "teacher",
        "prepare": StageConfig(epochs=0),
        "prune": StageConfig(epochs=6, rate=2e-4),
        "tune": StageConfig(epochs=6, rate=3e-4),
        "warmup": 0.8,
        "units_at": 2.0,
        "sublayer_pace": 0.25,
    },
    "small": {
        "prepare": StageConfig(epochs=4),
        "prune": StageConfig(epochs=100),
        "tune": _TUNE,
        "warmup": 0.2,
        "evaluations": 100,
    },
    "large": {"prepare": StageConfig(epochs=1), "prune": StageConfig(epochs=20), "tune": _TUNE, "warmup": 0.1},
    "text": {
        "start": "teacher",
        "fine_tune": StageConfig(epochs=0, rate=5e-5, batch=8),
        "prepare": StageConfig(epochs=0, rate=5e-5, batch=8),
        "prune": StageConfig(epochs=1, rate=1e-4, batch=8),
        "tune": StageConfig(epochs=1, rate=1e-4, batch=8),
        "max_length": 256,
        "warmup": 0.4,
        "units_at": 2.0,
    },
}
"""How long to train. `small` and `large` have CoFi's epochs, rates and batches for tasks of thousands and of hundreds of
thousands of examples, but let all rates fall. `quick` is for a machine without accelerator, and its rates are for encoders as
narrow as MiniLM's 384; halve them for 768. `text` is for language models: the given model is the teacher as it is
(`fine_tune.epochs` adapts it to the text), and the student begins as the teacher."""


def scheduled(schedule: str = "", **settings: Any) -> PruneConfig:
    """A run that trains as long as one of `SCHEDULES`; what is set besides comes before it.

    Args:
        schedule: empty for `quick`, or `text` where a text is given.
        settings: fields of `PruneConfig`; of one that has fields of its own, those to change, such as `prune={"epochs": 12}`.

    Raises:
        ValueError: no such schedule, or settings that cannot be.
        TypeError: no such settings, or values of other types.

    Examples:
        >>> scheduled(model="encoder", task="mrpc", prune={"epochs": 12}).prune
        StageConfig(epochs=12.0, rate=0.0002, batch=32)
    """
    schedule = schedule or ("text" if settings.get("text") else "quick")
    if schedule not in SCHEDULES:
        raise ValueError(f"there is no schedule {schedule!r}: choose one of {', '.join(SCHEDULES)}")
    inner = {name: value for name, value in settings.items() if isinstance(value, Mapping)}
    own = SCHEDULES[schedule] | {name: value for name, value in settings.items() if name not in inner}
    return changed(PruneConfig(**checked(PruneConfig, own)), inner)
