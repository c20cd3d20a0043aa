"""What a pruning step costs: with all gates and both distillations, against a plain fine-tuning step and a teacher that reads.

    python benchmarks/pruning_step.py                                   # a minute or two on one core
    python benchmarks/pruning_step.py --layers 2 --width 64 --length 8  # a trial

Weights and text are random, for speed depends on shapes alone; the shape is that of MiniLM-L6-H384. Embeddings do not learn, as
in a pruning run. A step is forward, backward, clipping and AdamW; the steps of all kinds take turns, and medians are compared:

    fine-tuning     a student without gates, learning from labels
    teacher         a frozen model of the same shape reads the batch, saying its hidden states
    pruning         gates of heads, attentions, units and feed-forward parts, their price, and distillation from the
                    teacher's predictions and layers
    no layers       the same without distillation from layers
    late            pruning where the gates expect about three quarters of the layers to be gone, as late in a run: closed heads
                    and units are left out
    late, whole     the same, with all heads and units computed
"""

import argparse
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import torch
from transformers import BertConfig, BertForSequenceClassification

from laconic.pruning import masking
from laconic.pruning.gates import MOST, Gates
from laconic.pruning.objective import Cofi, ConstraintConfig, DistillConfig
from laconic.pruning.parts import count_parts
from laconic.pruning.student import Student
from laconic.pruning.teacher import LiveTeacher
from laconic.records.benchmark import markdown_table
from laconic.training.examples import Examples
from laconic.training.optimizer import OptimizerConfig, build_optimizer
from script import finish_record, new_parser, start_record

STEPS = 10_000
"""Of the run that a step is taken from; only the rise of the sparsity knows."""

LATE = -2.7
"""Log-odds of heads and units of which about three quarters are closed."""


def build(options: argparse.Namespace) -> BertForSequenceClassification:
    config = BertConfig(
        hidden_size=options.width,
        num_hidden_layers=options.layers,
        num_attention_heads=options.heads,
        intermediate_size=4 * options.width,
        num_labels=2,
    )
    model = BertForSequenceClassification(config)
    model.bert.embeddings.requires_grad_(False)
    return model


def random_batch(options: argparse.Namespace, vocabulary: int) -> Examples:
    ids_BT = torch.randint(vocabulary, (options.batch, options.length))
    inputs = {"input_ids": ids_BT, "attention_mask": torch.ones_like(ids_BT)}
    return Examples(inputs=inputs, labels=torch.randint(2, (options.batch,)), bytes=0, step=STEPS // 2)


def step_of(student: Student, objective: Cofi, batch: Examples) -> Callable[[], None]:
    """One whole update."""
    config = OptimizerConfig(name="adamw", beta2=0.999)
    optimizer = build_optimizer(config, student.named_parameters(), own_rates=objective.own_rates())
    own = {id(parameter) for name, parameter in student.named_parameters() if name.startswith(("gates.", "prices."))}
    clipped = [one for one in student.parameters() if one.requires_grad and id(one) not in own]
    for group in optimizer.param_groups:
        group["lr"] = 1e-5
    student.train()

    def step() -> None:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = objective.loss(student, batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(clipped, 1.0)
        optimizer.step()
        optimizer.zero_grad()

    return step


def all_steps(options: argparse.Namespace) -> dict[str, Callable[[], None]]:
    torch.manual_seed(0)
    teacher = build(options).eval().requires_grad_(False)
    batch = random_batch(options, teacher.config.vocab_size)
    constraint = ConstraintConfig(sparsity=0.95, warmup=STEPS)

    def pruning(distill: DistillConfig, *, odds: float | None = None) -> Callable[[], None]:
        model = build(options)
        gates = Gates(count_parts(model))
        for kind, log_odds in gates.log_odds.items() if odds is not None else ():
            torch.nn.init.constant_(log_odds, odds if kind in ("heads", "units") else MOST)
        student = Student(model, gates=gates, teacher_width=options.width if distill.layers else None)
        return step_of(
            student,
            Cofi("classification", distill=distill, teacher=LiveTeacher(teacher, "classification"), constraint=constraint),
            batch,
        )

    @torch.no_grad()
    def read() -> None:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            teacher(**batch.inputs, output_hidden_states=True)

    labels = Cofi("classification", distill=DistillConfig(prediction=0, layers=0, label=1.0))
    return {
        "fine-tuning": step_of(Student(build(options)), labels, batch),
        "teacher": read,
        "pruning": pruning(DistillConfig()),
        "no layers": pruning(DistillConfig(prediction=1.0, layers=0.0)),
        "late": pruning(DistillConfig(), odds=LATE),
        "late, whole": all_computed(pruning(DistillConfig(), odds=LATE)),
    }


def all_computed(step: Callable[[], None]) -> Callable[[], None]:
    """A step in which nothing that is closed is left out."""

    def whole() -> None:
        few = masking.FEW
        masking.FEW = -1.0
        try:
            step()
        finally:
            masking.FEW = few

    return whole


def time_steps(options: argparse.Namespace) -> dict[str, list[float]]:
    steps = all_steps(options)
    for step in steps.values():
        step()
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(options.rounds):
        for name, step in steps.items():
            start = perf_counter()
            step()
            seconds[name].append(perf_counter() - start)
    return seconds


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    record = start_record("pruning-step", arguments, seed=0)
    seconds = time_steps(arguments)
    medians = {name: median(values) for name, values in seconds.items()}
    plain = medians["fine-tuning"] + medians["teacher"]
    rows: list[dict[str, Any]] = [
        {"step": name, "seconds": round(value, 4), "of_fine_tuning_and_teacher": round(value / plain, 3)}
        for name, value in medians.items()
    ]
    table = markdown_table(rows)
    finish_record(record, table, {"rows": rows, "seconds": seconds}, arguments)


def _arguments() -> argparse.Namespace:
    parser = new_parser(__doc__)
    parser.add_argument("--layers", type=int, default=6, help="of the models")
    parser.add_argument("--width", type=int, default=384, help="of the models")
    parser.add_argument("--heads", type=int, default=12, help="in each layer")
    parser.add_argument("--batch", type=int, default=32, help="rows in a step")
    parser.add_argument("--length", type=int, default=64, help="tokens in a row")
    parser.add_argument("--threads", type=int, default=1, help="that compute")
    parser.add_argument("--rounds", type=int, default=15, help="steps of each kind that are timed")
    return parser.parse_args()


if __name__ == "__main__":
    main()
